"""Entries of the broker's stream survive encoding, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_service.broker.entries import Entry, MalformedEntryError, Part, Signal, decode, encode
from stream_service.ring import Frame

IDS = st.integers(1, 2**63 - 1)
PRINCIPALS = st.none() | st.just("") | IDS.map(str)


@st.composite
def parts(draw: st.DrawFn) -> Part:
    prev, *ids = sorted(draw(st.sets(IDS, min_size=2, max_size=5)))
    frames = [
        Frame(event_id, draw(IDS), draw(IDS), draw(st.binary(max_size=50)), draw(st.floats(0, 1e10)))
        for event_id in ids
    ]
    return Part(prev, ids[-1], frames, draw(IDS))


SIGNALS = st.builds(
    Signal, IDS, st.text("0123456789abcdef", min_size=8), IDS, IDS, PRINCIPALS, st.booleans(), st.booleans()
)
PART = encode(Part(3, 5, [Frame(4, 1, 1, b"a", 1.0), Frame(5, 1, 1, b"b", 2.0)], 2))


@given(parts() | SIGNALS)
def test_what_is_encoded_can_be_decoded(entry: Entry) -> None:
    assert decode(encode(entry)) == entry


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {**PART, b"end": b"6"},
        {**PART, b"prev": b"4"},
        {**PART, b"prev": b"nothing"},
        {**PART, b"frames": b""},
        {**PART, b"frames": PART[b"frames"][:-1]},
        {**PART, b"frames": PART[b"frames"] + b"more"},
        {b"end": b"5", b"total": b"0", b"number": b"1"},
        {b"end": b"5", b"total": b"0", b"number": b"1", b"publisher": b"\xff"},
    ],
)
def test_an_entry_of_another_format_is_refused(fields: dict[bytes, bytes]) -> None:
    with pytest.raises(MalformedEntryError):
        decode(fields)
