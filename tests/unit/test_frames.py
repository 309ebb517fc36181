"""Encoding of events: input and the bytes on the wire."""

from __future__ import annotations

import pytest

from stream_service import frames

WIRE = [
    (frames.encode("x"), b"data: x\n\n"),
    (frames.encode("x", event="e", position="p-1"), b"id: p-1\nevent: e\ndata: x\n\n"),
    (frames.encode(""), b"data: \n\n"),
    (frames.encode("a\nb"), b"data: a\ndata: b\n\n"),
    (frames.encode("a\rb"), b"data: a\ndata: b\n\n"),
    (frames.encode("a\r\nb"), b"data: a\ndata: b\n\n"),
    (frames.encode("a\n\nb"), b"data: a\ndata: \ndata: b\n\n"),
    (frames.encode('"\u2028ü😀"'), 'data: "\\u2028ü😀"\n\n'.encode()),
    (frames.retry(2417), b"retry: 2417\n\n"),
    (frames.comment(), b":\n\n"),
    (frames.progress("3f9c-7"), b"id: 3f9c-7\n\n"),
    (
        frames.update("3f9c-1042", '{"event":"UPDATE"}'),
        b'id: 3f9c-1042\nevent: inventory_update\ndata: {"event":"UPDATE"}\n\n',
    ),
    (
        frames.heartbeat("3f9c-1042", "2026-01-01T00:00:00Z"),
        b'event: heartbeat\ndata: {"head":"3f9c-1042","at":"2026-01-01T00:00:00Z"}\n\n',
    ),
    (
        frames.reset("gone", "3f9c-9"),
        b'id: 3f9c-9\nevent: reset\ndata: {"reason":"gone","head":"3f9c-9"}\n\n',
    ),
    (frames.busy("no place", is_full=True), b'event: busy\ndata: {"reason":"no place","full":true}\n\n'),
    (
        frames.update("3f9c-1", '{"name":"a\u2028b\u2029c\u0085d é \\u2028"}'),
        b'id: 3f9c-1\nevent: inventory_update\ndata: {"name":"a\\u2028b\\u2029c\\u0085d \xc3\xa9 \\u2028"}\n\n',
    ),
    (
        frames.snapshot('{"name":"\u2028"}', None),
        b'event: snapshot\ndata: [{"name":"\\u2028"}]\n\n',
    ),
    (frames.snapshot("", "3f9c-0"), b"id: 3f9c-0\nevent: snapshot\ndata: []\n\n"),
    (frames.snapshot('{"id":1},{"id":2}', None), b'event: snapshot\ndata: [{"id":1},{"id":2}]\n\n'),
]


@pytest.mark.parametrize(("sent", "wire"), WIRE)
def test_a_frame_is_exactly_these_bytes(sent: bytes, wire: bytes) -> None:
    assert sent == wire


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n", "\0"])
@pytest.mark.parametrize("field", ["event", "position"])
def test_a_field_cannot_break_out_of_its_line(field: str, line_end: str) -> None:
    with pytest.raises(ValueError, match="must be one line"):
        frames.encode("x", **{field: f"a{line_end}data: forged"})
