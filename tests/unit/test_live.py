"""The fan-out: every live subscriber is sent what its filter selects, once, and only who wants something is visited."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.log.position import Position
from stream_service.connection import DirectConnection
from stream_service.filters import filter_of
from stream_service.live import Live
from stream_service.ring import SPAN_BYTES, Frame

HEARTBEAT = b"event: heartbeat\n\n"


class RecordingConnection(DirectConnection):
    """Keeps the chunks that are written. Can be full, as when a client does not read, or lost."""

    write: Any

    def __init__(self) -> None:
        self.received = b""
        self.visits = 0
        self.is_full = self.is_lost = False
        self.write = self._write
        self.unsent_bytes = lambda: 1 if self.is_full else 0

    def _write(self, chunk: Any) -> None:
        self.visits += 1
        if self.is_lost:
            raise RuntimeError("the handler is closed")
        size, _, data = chunk.partition(b"\r\n")
        assert len(data) == int(size, 16) + 2
        self.received += data[:-2]


class Member:
    """What the fan-out knows of a subscriber."""

    def __init__(self, *item_ids: int, sent_position: int | None = 0, direct: bool = True) -> None:
        self.connection: Any = RecordingConnection() if direct else object()
        self.wanted = filter_of(item_ids, None)
        self.sent_position = sent_position
        self.caught_up_from: list[int | None] = []
        self.has_ended = False

    def catch_up(self, cursor: int | None = None) -> None:
        self.caught_up_from.append(cursor)

    def leave(self, sent_position: int | None) -> None:
        self.sent_position = sent_position

    def end(self) -> None:
        self.has_ended = True

    @property
    def ids(self) -> list[int]:
        return [int(event_id) for event_id in re.findall(rb"<(\d+)>", self.connection.received)]


def frame(event_id: int, item_id: int, size: int = 10) -> Frame:
    return Frame(event_id, item_id, 1, f"<{event_id}>".encode().ljust(size), 0)


def live_with(*members: Member) -> Any:
    live: Any = Live()
    for member in members:
        live.add(member)
    return live


def test_each_is_sent_what_its_filter_selects() -> None:
    everything, seven, both, nothing = Member(), Member(7), Member(9, 7), Member(1)
    live = live_with(everything, seven, both, nothing)
    live.publish([frame(1, 7), frame(2, 8), frame(4, 9)], 4)
    live.publish([frame(5, 9)], 5)
    assert (everything.ids, seven.ids, both.ids, nothing.ids) == ([1, 2, 4, 5], [1], [1, 4, 5], [])


def test_only_those_who_want_an_event_are_visited() -> None:
    members = [Member(item_id) for item_id in range(1, 1_001)]
    live = live_with(*members)
    live.publish([frame(1, 500), frame(2, 501), frame(3, 500)], 3)
    assert [member.connection.visits for member in members[498:502]] == [0, 1, 1, 0]
    assert sum(member.connection.visits for member in members) == 2


def test_a_heartbeat_follows_the_position_where_that_was_not_sent() -> None:
    everything, seven, late = Member(), Member(7), Member(7, sent_position=None)
    live = live_with(everything, seven)
    live.publish([frame(1, 7), frame(2, 8)], 2)
    live.send_heartbeat(HEARTBEAT, Position("3f9c01ab", 2))
    assert everything.connection.received.endswith(b"<2>".ljust(10) + HEARTBEAT)
    assert seven.connection.received == b"<1>".ljust(10) + b"id: 3f9c01ab-2\n\n" + HEARTBEAT
    live.send_heartbeat(HEARTBEAT, Position("3f9c01ab", 2))
    assert seven.connection.received.endswith(HEARTBEAT + HEARTBEAT)
    live.add(late)
    live.send_heartbeat(HEARTBEAT, Position("3f9c01ab", 2))
    assert late.connection.received == b"id: 3f9c01ab-2\n\n" + HEARTBEAT


def test_a_slow_one_leaves_and_delays_nobody() -> None:
    slow, fast = Member(), Member()
    live = live_with(slow, fast)
    slow.connection.is_full = True
    live.publish([frame(1, 7)], 1)
    live.publish([frame(2, 7)], 2)
    assert (slow.ids, slow.caught_up_from, slow.sent_position) == ([1], [1], 1)
    assert (fast.ids, fast.caught_up_from) == ([1, 2], [])


def test_a_lost_one_is_ended_and_the_others_are_written_to() -> None:
    lost, other = Member(7), Member(7)
    live = live_with(lost, other)
    lost.connection.is_lost = True
    live.publish([frame(1, 7)], 1)
    live.publish([frame(2, 7)], 2)
    assert (lost.has_ended, lost.connection.visits) == (True, 1)
    assert other.ids == [1, 2]


def test_a_long_span_is_cut_and_everyone_catches_up_with_the_rest() -> None:
    members = [Member(), Member(7), Member(8)]
    live = live_with(*members)
    events = [frame(number, 7, size=SPAN_BYTES // 2) for number in range(1, 6)]
    live.publish(events, 5)
    assert [member.ids for member in members] == [[1, 2], [1, 2], []]
    assert [member.caught_up_from for member in members] == [[2], [2], []]


def test_those_that_cannot_be_written_to_directly_catch_up() -> None:
    member = Member(direct=False)
    live = live_with(member)
    live.publish([frame(1, 7)], 1)
    live.publish([frame(2, 7)], 2)
    assert member.caught_up_from == [None], "it is not live any more"


@pytest.mark.parametrize("direct", [True, False])
def test_when_the_log_is_replaced_everyone_catches_up(direct: bool) -> None:
    members = [Member(direct=direct), Member(7, direct=direct)]
    live_with(*members).catch_up_all()
    assert [member.caught_up_from for member in members] == [[None], [None]]


@pytest.mark.parametrize("direct", [True, False])
def test_one_that_left_is_not_written_to(direct: bool) -> None:
    member, other = Member(7, direct=direct), Member(7)
    live = live_with(member, other)
    live.discard(member)
    live.discard(member)
    live.publish([frame(1, 7)], 1)
    assert member.caught_up_from == []
    assert other.ids == [1]
