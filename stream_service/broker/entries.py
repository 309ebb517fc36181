"""The entries of the broker's stream, and how they are encoded.

There are two kinds. A part has all events between two event ids, as frames. A signal says that somebody publishes, or
whose rights may have changed.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from stream_service.ring import Frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FRAME = struct.Struct(">QQQdI")  # event id, item id, location, time, bytes of data that follow

Fields = dict[bytes, bytes]


class MalformedEntryError(Exception):
    """An entry is not in the format that this version writes."""


class Part(NamedTuple):
    """All events after the event ``prev`` up to the event ``end``, which is the last of them."""

    prev: int
    end: int
    frames: Sequence[Frame]
    total: int  # bytes of all frames that the stream ever had, these included


class Signal(NamedTuple):
    """Says that somebody publishes, and has published everything up to the event ``end``.

    With a ``principal``, it only says whose rights may have changed ("": anybody's). Signals of a publisher are
    numbered, so that a reader notices a missing one.
    """

    end: int
    publisher: str
    number: int
    total: int
    principal: str | None = None
    is_behind: bool = False  # whether the log may have more events
    is_last: bool = False  # whether this publisher stops


Entry = Part | Signal


def encode(entry: Entry) -> Fields:
    if isinstance(entry, Part):
        return _fields(prev=entry.prev, end=entry.end, total=entry.total) | {b"frames": _encode_frames(entry.frames)}
    fields = _fields(end=entry.end, publisher=entry.publisher, number=entry.number, total=entry.total)
    if entry.principal is not None:
        fields |= _fields(principal=entry.principal)
    flags = {"is_behind": entry.is_behind, "is_last": entry.is_last}
    return fields | _fields(**{name: 1 for name, is_set in flags.items() if is_set})


def decode(fields: Mapping[bytes, bytes]) -> Entry:
    """Raises MalformedEntryError."""
    try:
        end, total = int(fields[b"end"]), int(fields[b"total"])
        if b"frames" in fields:
            return _checked(Part(int(fields[b"prev"]), end, _decode_frames(fields[b"frames"]), total))
        principal = fields.get(b"principal")
        return Signal(
            end,
            fields[b"publisher"].decode(),
            int(fields[b"number"]),
            total,
            None if principal is None else principal.decode(),
            is_behind=b"is_behind" in fields,
            is_last=b"is_last" in fields,
        )
    except (KeyError, ValueError, struct.error) as error:
        raise MalformedEntryError(f"{type(error).__name__}: {error}") from error


def _fields(**values: int | str) -> Fields:
    return {name.encode(): str(value).encode() for name, value in values.items()}


def _checked(part: Part) -> Part:
    ids = [part.prev, *(frame.event_id for frame in part.frames)]
    if part.prev >= part.end or ids[-1] != part.end or any(a >= b for a, b in pairwise(ids)):
        raise ValueError("the event ids are not in order")
    return part


def _encode_frames(frames: Sequence[Frame]) -> bytes:
    pieces: list[bytes] = []
    for event_id, item_id, location, data, changed_at in frames:
        pieces += (_FRAME.pack(event_id, item_id, location, changed_at, len(data)), data)
    return b"".join(pieces)


def _decode_frames(data: bytes) -> list[Frame]:
    frames, start = [], 0
    while start < len(data):
        event_id, item_id, location, changed_at, size = _FRAME.unpack_from(data, start)
        start += _FRAME.size
        if start + size > len(data):
            raise ValueError("a frame is cut off")
        frames.append(Frame(event_id, item_id, location, data[start : start + size], changed_at))
        start += size
    return frames
