"""Follows the log, keeps the newest events in the ring, and notifies the subscribers."""

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
    from collections.abc import Callable, Sequence

    from shared.db.database import Connection, Pool
    from stream_service.ring import Frame, Ring

log = structlog.get_logger()

STALE_SECONDS = 3.0  # after this time without a read of the log, there may be unknown events


class Relay:
    """Follows the log for all subscribers of this process.

    Under load the log is read at most every ``flush_seconds``, so that all that was committed meanwhile leaves in one
    write to each subscriber; after a pause it is read at once.

    ``fan_out`` is called when there is something new: events, a heartbeat, another log.
    """

    def __init__(
        self,
        pool: Pool,
        ring: Ring,
        fan_out: Callable[[], None],
        *,
        flush_seconds: float,
        heartbeat_seconds: float,
    ) -> None:
        self.ring = ring
        self.epoch: str | None = None
        self.log_number = 0  # counts the logs that were followed: a restore starts a new one
        self.heartbeat_number = 0  # counts the heartbeats
        self.latest_heartbeat = b""
        self.started = asyncio.Event()  # set when the log was read for the first time
        self.follower: Follower[Frame] = Follower(pool, self)
        self._fan_out = fan_out
        self._flush_seconds = flush_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._flushed_at = 0.0

    @property
    def head(self) -> Position | None:
        """The last event in the ring; None until the log was read for the first time."""
        return None if self.epoch is None else Position(self.epoch, self.ring.head)

    @property
    def is_caught_up(self) -> bool:
        """Whether the log was read to its end in the last STALE_SECONDS."""
        return time.monotonic() - self.follower.caught_up_at < STALE_SECONDS

    # Called by the follower

    def start(self, head: Position) -> Position:
        """Start at the head. Subscribers read older events from the database."""
        if self.epoch is not None:
            log.warning("this is another log: subscribers must start over", head=str(head))
        self.epoch = head.epoch
        self.log_number += 1
        self.ring.clear(head.event_id)
        metrics.HEAD.set(head.event_id)
        self.started.set()
        self._fan_out()
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
        self._fan_out()
        metrics.EVENTS.inc(len(events))
        metrics.HEAD.set(self.ring.head)
        metrics.COMMIT_TO_SEND.observe(max(0, time.time() - frames.changed_at(events[0].data)))

    # Heartbeats

    async def send_heartbeats(self) -> None:
        """Send heartbeats to all subscribers until cancelled; comments instead, while the log can't be read."""
        while True:
            self.latest_heartbeat = self.heartbeat() if self.is_caught_up else frames.comment()
            self.heartbeat_number += 1
            metrics.CAUGHT_UP.set(self.is_caught_up)
            self._fan_out()
            await asyncio.sleep(self._heartbeat_seconds)

    def heartbeat(self) -> bytes:
        """A heartbeat for the current time."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return frames.heartbeat(str(self.head), at)
