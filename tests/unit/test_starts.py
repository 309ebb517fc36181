"""Where a stream starts."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.log.position import Position
from stream_service.snapshots import Snapshot
from stream_service.starts import Starts, Subscription


class BehindRelay:
    """Has read the log up to event 3, and reads up to event 5 when it is asked to."""

    log_number = 0

    def __init__(self) -> None:
        self.head = Position("3f9c01ab", 3)
        self.is_started = asyncio.Event()
        self.is_started.set()
        self.follower = self

    async def refresh(self) -> None:
        self.head = Position("3f9c01ab", 5)

    def heartbeat(self) -> bytes:
        return b""


class OneSnapshot:
    """A snapshot of event 5."""

    async def take(self, _wanted: Any) -> Snapshot:
        snapshot = Snapshot()
        snapshot.position = Position("3f9c01ab", 5)
        snapshot.add(b"items", is_last=True)
        return snapshot


async def test_a_stream_is_never_ahead_of_what_was_read() -> None:
    relay: Any = BehindRelay()
    snapshots: Any = OneSnapshot()
    pool: Any = None  # nothing is read from the database
    start = await Starts(pool, relay, snapshots, rights_seconds=1).find(Subscription(client="", snapshot=True))
    assert (start.cursor, relay.head.event_id) == (5, 5)
