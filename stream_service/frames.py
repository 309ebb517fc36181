"""Events as bytes: the wire format of `text/event-stream`. Pure functions; nothing here waits or remembers."""

from __future__ import annotations

import json
import re
from datetime import datetime

_LINE_END = re.compile(r"\r\n|\r|\n")

# The standard ends lines with CR and LF alone, but common clients split on every line end that Unicode has. JSON may
# have these only in strings, where an escape means the same.
_ESCAPES = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def encode(data: str, *, event: str | None = None, position: str | None = None) -> bytes:
    """One frame. ``data`` is JSON. Any line end in it starts another data line; the other fields must have none.

    Raises ValueError when a field would break out of its line.
    """
    lines = []
    for field, value in (("id", position), ("event", event)):
        if value is not None:
            if _LINE_END.search(value) or "\0" in value:
                raise ValueError(f"{field} must be one line")
            lines.append(f"{field}: {value}")
    lines += [f"data: {line}" for line in _LINE_END.split(without_line_ends(data))]
    return ("\n".join(lines) + "\n\n").encode()


def update(position: str, data: str) -> bytes:
    """A change of an item. ``data`` is JSON on one line, as PostgreSQL wrote it: the hot path splits nothing."""
    return f"id: {position}\nevent: inventory_update\ndata: {without_line_ends(data)}\n\n".encode()


def without_line_ends(text: str) -> str:
    """JSON in which no character but CR and LF ends a line, for any client."""
    return text if text.isascii() else text.translate(_ESCAPES)


def changed_at(frame: bytes) -> float:
    """When the change of an update frame was committed (seconds since the epoch, by the database's clock)."""
    end = len(frame) - len('"}\n\n')
    return datetime.fromisoformat(frame[end - len("2026-01-01T00:00:00.000000Z") : end].decode()).timestamp()


def retry(milliseconds: int) -> bytes:
    """When to come back after the stream has ended."""
    return f"retry: {milliseconds}\n\n".encode()


def progress(position: str) -> bytes:
    """Moves the reader's position and says nothing else."""
    return f"id: {position}\n\n".encode()


def heartbeat(head: str, at: str) -> bytes:
    """Where the log stands and what time it is, so that a page can tell "live" from "stale"."""
    return encode(json.dumps({"head": head, "at": at}, separators=(",", ":")), event="heartbeat")


def snapshot(documents: list[str], position: str | None) -> bytes:
    """A part of the current items, as a JSON array; the last part carries the position."""
    return encode("[" + ",".join(documents) + "]", event="snapshot", position=position)


def reset(reason: str, head: str) -> bytes:
    """The asked position can't be served: load the snapshot again, this stream goes on from the head."""
    return encode(json.dumps({"reason": reason, "head": head}, separators=(",", ":")), event="reset", position=head)


def busy(reason: str, *, is_full: bool) -> bytes:
    """Not now; the stream ends after this and the browser comes back by itself, later if the server is full."""
    return encode(json.dumps({"reason": reason, "full": is_full}, separators=(",", ":")), event="busy")


def comment() -> bytes:
    """Keeps a connection open and says nothing."""
    return b":\n\n"
