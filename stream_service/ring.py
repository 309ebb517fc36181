"""The newest part of the log, in memory, as encoded frames: one ring, and a subscriber is a cursor into it."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_service.filters import Filter

SPAN_BYTES = 64 * 1024  # the most that is joined into one write, and so what a slow reader can hold on to
SHARED_SPANS = 64  # kept for others at the same place; bounded, since in a quiet time nothing clears them
_TRIM_SLACK = 1.25  # lists are cut from the front now and then, not with every event


class Frame(NamedTuple):
    """One event of the log, ready to send."""

    event_id: int
    item_id: int
    data: bytes


class Span(NamedTuple):
    """Bytes to send, and the event id that their reader has then reached."""

    data: bytes
    end: int


class Ring:
    """Frames of consecutive events, bounded in bytes. Holes in the numbers are normal.

    ``floor`` is where it begins: a cursor below it has fallen off. ``head`` is where it ends.
    """

    def __init__(self, capacity_bytes: int, head: int = 0) -> None:
        self._capacity = capacity_bytes
        self.clear(head)

    def clear(self, head: int) -> None:
        """Forget everything; the log goes on after ``head``."""
        self.floor = self.head = head
        self.size = 0
        self._ids: list[int] = []
        self._frames: list[Frame] = []
        self._spans: dict[int, Span] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def append(self, frames: Sequence[Frame]) -> None:
        """Add the events that follow the head, in order."""
        self._frames += frames
        self._ids += [frame.event_id for frame in frames]
        self.size += sum(len(frame.data) for frame in frames)
        self.head = self._ids[-1] if frames else self.head
        self._spans.clear()
        if self.size > self._capacity * _TRIM_SLACK:
            self._trim()

    def holds(self, cursor: int) -> bool:
        """Whether everything after the cursor is here."""
        return cursor >= self.floor

    def span(self, cursor: int) -> Span:
        """What comes next after the cursor, joined once for all cursors at the same place."""
        span = self._spans.get(cursor)
        if span is None:
            start = bisect_right(self._ids, cursor)
            if len(self._spans) == SHARED_SPANS:
                del self._spans[next(iter(self._spans))]
            span = self._spans[cursor] = join(self._frames, start, max(cursor, self.head))
        return span

    def filtered(self, cursor: int, wanted: Filter) -> Span:
        """The same for a subscriber who wants some events only. The end moves on past those that are left out."""
        chosen = [frame for frame in self._frames[bisect_right(self._ids, cursor) :] if wanted.matches(frame)]
        return join(chosen, 0, max(cursor, self.head))

    def _trim(self) -> None:
        surplus, count = self.size - self._capacity, 0
        for frame in self._frames:
            if surplus <= 0:
                break
            surplus -= len(frame.data)
            count += 1
        self.floor = self._ids[count - 1]
        self.size = self._capacity + surplus
        del self._frames[:count], self._ids[:count]


def join(frames: Sequence[Frame], start: int, end: int) -> Span:
    """Frames from ``start`` on as one span, which reaches ``end`` unless SPAN_BYTES are full before."""
    size, chosen = 0, []
    for index in range(start, len(frames)):
        frame = frames[index]
        chosen.append(frame.data)
        size += len(frame.data)
        if size >= SPAN_BYTES and index + 1 < len(frames):
            end = frame.event_id
            break
    return Span(b"".join(chosen), end)
