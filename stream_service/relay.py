"""Follows the log, keeps the newest events in the ring, and writes them to the live subscribers."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from shared.log.follower import Follower
from shared.log.position import Position
from stream_service import frames, metrics
from stream_service.store import log as log_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.db.database import Connection, Pool
    from stream_service.live import Live
    from stream_service.ring import Frame, Ring

log = structlog.get_logger()

STALE_SECONDS = 3.0  # after this time without a read of the log, there may be unknown events


class Relay:
    """Follows the log for all subscribers of this process.

    Under load the log is read at most every ``flush_seconds``, so that all that was committed meanwhile leaves in one
    write to each subscriber; after a pause it is read at once.
    """

    def __init__(self, pool: Pool, ring: Ring, live: Live, *, flush_seconds: float, heartbeat_seconds: float) -> None:
        self.ring = ring
        self.live = live
        self.log_number = 0  # counts the logs that were followed: a restore starts a new one
        self.heartbeat_number = 0  # counts the heartbeats
        self.latest_heartbeat = b""
        self.is_started = asyncio.Event()  # set when the log was read for the first time
        self.follower: Follower[Frame] = Follower(pool, self)
        self._epoch: str | None = None
        self._flush_seconds = flush_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._flushed_at = 0.0

    @property
    def head(self) -> Position:
        """The last event in the ring. It exists once ``is_started`` is set."""
        assert self._epoch is not None  # noqa: S101
        return Position(self._epoch, self.ring.head)

    @property
    def is_caught_up(self) -> bool:
        """Whether the log was read to its end in the last STALE_SECONDS."""
        return self.follower.has_caught_up(STALE_SECONDS)

    def can_replay(self, position: Position) -> bool:
        """Whether all events after this position are in the ring."""
        return (
            position.epoch == self.head.epoch
            and position.event_id <= self.head.event_id
            and self.ring.holds(position.event_id)
        )

    # Called by the follower

    def start(self, head: Position) -> Position:
        """Start at the head. Subscribers read older events from the database."""
        if self._epoch is not None:
            log.warning("this is another log: subscribers must start over", head=str(head))
        self._epoch = head.epoch
        self.log_number += 1
        self.ring.clear(head.event_id)
        self.latest_heartbeat = self.heartbeat()
        metrics.HEAD.set(head.event_id)
        self.is_started.set()
        self.live.catch_up_all()
        return head

    async def pause(self) -> None:
        """Wait until ``flush_seconds`` have passed since the last write to the subscribers."""
        since_flush = time.monotonic() - self._flushed_at
        if since_flush < self._flush_seconds:
            await asyncio.sleep(self._flush_seconds - since_flush)

    async def read(self, connection: Connection, after: Position, limit: int) -> Sequence[Frame]:
        events = await log_store.select_events(connection, after.epoch, after=after.event_id, page=limit)
        metrics.CAUGHT_UP.set(1)
        return events

    async def take(self, events: Sequence[Frame]) -> None:
        """Send these events to all subscribers."""
        self.ring.append(events)
        self._flushed_at = time.monotonic()
        self.live.publish(events, self.ring.head)
        metrics.EVENTS.inc(len(events))
        metrics.HEAD.set(self.ring.head)
        metrics.COMMIT_TO_SEND.observe(max(0, time.time() - events[0].changed_at))

    # Heartbeats

    async def send_heartbeats(self) -> None:
        """Send heartbeats to all subscribers until cancelled; comments instead, while the log can't be read."""
        while True:
            metrics.CAUGHT_UP.set(self.is_caught_up)
            if self.is_started.is_set():
                self.latest_heartbeat = self.heartbeat() if self.is_caught_up else frames.comment()
                self.heartbeat_number += 1
                self.live.send_heartbeat(self.latest_heartbeat, self.head)
            await asyncio.sleep(self._heartbeat_seconds)

    def heartbeat(self) -> bytes:
        """A heartbeat for the current time."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return frames.heartbeat(str(self.head), at)
