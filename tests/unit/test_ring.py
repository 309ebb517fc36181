"""The ring: a cursor gets each event once and in order, or learns that its position has left the ring."""

from __future__ import annotations

import random

import pytest

from stream_service.filters import Filter, filter_of
from stream_service.ring import SHARED_SPANS, SPAN_BYTES, Frame, Ring, join


def frame(event_id: int, item_id: int = 1, size: int = 10) -> Frame:
    return Frame(event_id, item_id, 1, f"{event_id};".encode().ljust(size, b" "), 0)


def only(item_id: int) -> Filter:
    wanted = filter_of([item_id], None)
    assert wanted
    return wanted


def test_filters_for_the_same_items_are_equal() -> None:
    one, other = filter_of([7, 9], None), filter_of([9, 7, 9], None)
    assert one is not None
    assert other is not None
    assert one == other != only(7)
    assert filter_of([], None) is None


def ids(data: bytes) -> list[int]:
    return [int(part) for part in data.replace(b" ", b"").split(b";") if part]


def read(ring: Ring, cursor: int, wanted: Filter | None = None) -> list[int]:
    """Return the ids of all events after the cursor."""
    seen: list[int] = []
    while True:
        span = ring.span(cursor, wanted)
        seen += ids(span.data)
        if span.end == cursor:
            return seen
        cursor = span.end


def test_a_cursor_gets_all_following_events_across_gaps() -> None:
    ring = Ring(10_000, head=3)
    ring.append([frame(4), frame(7), frame(8)])
    assert [read(ring, cursor) for cursor in (3, 4, 5, 7, 8)] == [[4, 7, 8], [7, 8], [7, 8], [8], []]


def test_cursors_at_the_same_place_share_the_same_bytes() -> None:
    ring = Ring(10_000)
    ring.append([frame(1), frame(2)])
    assert ring.span(0).data is ring.span(0).data


def test_the_cache_of_shared_bytes_is_bounded_while_nothing_happens() -> None:
    ring = Ring(1_000_000)
    ring.append([frame(number) for number in range(1, 1_001)])
    spans = [ring.span(cursor) for cursor in range(1_000)]
    assert all(span.end == 1_000 for span in spans)
    assert sum(ring.span(cursor) is span for cursor, span in reversed(list(enumerate(spans)))) <= SHARED_SPANS


def test_a_cursor_ahead_of_the_head_stays_where_it_is() -> None:
    ring = Ring(10_000, head=5)
    assert ring.span(9) == (b"", 9)
    assert ring.span(9, only(1)) == (b"", 9)


def test_a_cursor_that_fell_off_the_ring_is_reported() -> None:
    ring = Ring(100)
    ring.append([frame(number) for number in range(1, 31)])
    assert not ring.holds(ring.floor - 1)
    assert ring.holds(ring.floor)
    assert read(ring, ring.floor) == list(range(ring.floor + 1, 31))


def test_a_cursor_with_a_filter_advances_past_filtered_events() -> None:
    ring = Ring(10_000)
    ring.append([frame(1, item_id=7), frame(2, item_id=8), frame(3, item_id=7), frame(4, item_id=8)])
    assert ring.span(0, only(7)).end == 4
    assert read(ring, 0, only(7)) == [1, 3]


def test_a_span_is_bounded_and_the_next_continues_after_it() -> None:
    frames = [frame(number, size=SPAN_BYTES // 3 + 1) for number in range(1, 8)]
    first = join(frames, 0, 7)
    assert (ids(first.data), first.end) == ([1, 2, 3], 3)
    assert join(frames, 6, 9) == (frames[6].data, 9)


@pytest.mark.parametrize("seed", range(20))
def test_random_appends_and_trims_neither_lose_nor_repeat_events(seed: int) -> None:
    choose = random.Random(seed)
    ring, log, last = Ring(choose.randint(50, 2_000)), [], 0
    for _ in range(200):
        burst = []
        for _ in range(choose.randint(0, 8)):
            last += choose.choice((1, 1, 1, 4))
            burst.append(frame(last, item_id=choose.randint(1, 3), size=choose.randint(1, 60)))
        ring.append(burst)
        log += burst
        cursor = choose.randint(ring.floor, ring.head)
        assert read(ring, cursor) == [event.event_id for event in log if event.event_id > cursor]
        chosen = choose.randint(1, 3)
        expected = [event.event_id for event in log if event.event_id > cursor and event.item_id == chosen]
        assert read(ring, cursor, only(chosen)) == expected
        assert ring.size == sum(len(event.data) for event in log[-len(ring) :]) if len(ring) else ring.size == 0
