"""Encodes frames of `text/event-stream`. Pure functions."""

from __future__ import annotations

import json
import re

_LINE_END = re.compile(r"\r\n|\r|\n")

# In the standard only CR and LF end a line, but common clients split at every line break of Unicode. JSON can have
# these only in strings, where an escape means the same.
_ESCAPES = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def encode(data: str, *, event: str | None = None, position: str | None = None) -> bytes:
    """Encode a frame. ``data`` is JSON; each line break in it starts a new data line. Other fields must be one line.

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
    """A change of an item. ``data`` is JSON on one line, so that the hot path need not split it."""
    return f"id: {position}\nevent: inventory_update\ndata: {without_line_ends(data)}\n\n".encode()


def without_line_ends(text: str) -> str:
    """Escape line breaks other than CR and LF in JSON."""
    return text if text.isascii() else text.translate(_ESCAPES)


def retry(milliseconds: int) -> bytes:
    """Tells the client how long to wait before it reconnects."""
    return f"retry: {milliseconds}\n\n".encode()


def progress(position: str) -> bytes:
    """Moves the client's position, without an event."""
    return f"id: {position}\n\n".encode()


def heartbeat(head: str, at: str) -> bytes:
    """The head of the log and the current time, so that a page can tell whether it is live."""
    return encode(json.dumps({"head": head, "at": at}, separators=(",", ":")), event="heartbeat")


def snapshot(documents: str, position: str | None) -> bytes:
    """A part of the current items: the elements of a JSON array. The last part has the position."""
    return encode(f"[{documents}]", event="snapshot", position=position)


def reset(reason: str, head: str) -> bytes:
    """Tells the client to load the stock again. The stream continues from the head."""
    return encode(json.dumps({"reason": reason, "head": head}, separators=(",", ":")), event="reset", position=head)


def busy(reason: str, *, is_full: bool) -> bytes:
    """Tells the client that the stream ends. It reconnects by itself, later if the server is full."""
    return encode(json.dumps({"reason": reason, "full": is_full}, separators=(",", ":")), event="busy")


def signed_out(reason: str) -> bytes:
    """Tells the client that the stream ends since it may not read any more."""
    return encode(json.dumps({"reason": reason}, separators=(",", ":")), event="signed_out")


def comment() -> bytes:
    """Keeps a connection open."""
    return b":\n\n"
