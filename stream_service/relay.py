"""Keeps the ring at the head of the log, and tells the subscribers when there is something new."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from shared.database import acquire
from shared.faults import DatabaseUnavailableError
from shared.position import Position
from stream_service import frames, metrics
from stream_service.store import log as log_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.database import Connection, Pool
    from stream_service.ring import Ring

log = structlog.get_logger()

PAGE_EVENTS = 1_000
POLL_SECONDS = 1.0  # a lost ring of the doorbell costs this much, and no event
RETRY_SECONDS = 0.25  # while the database is away
STALE_SECONDS = 3.0  # without a look at the log for this long, we don't know what is going on


class Relay:
    """The one reader of the log in this process.

    ``ring()`` says that the log may have grown; a lost ring is made good by a look each POLL_SECONDS. Under load
    the log is read at most every ``flush_seconds``, so that all that came meanwhile leaves in one write to each
    subscriber; after a quiet spell it is read at once.

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
        self.events = ring
        self.epoch: str | None = None
        self.log_number = 0  # counts the logs seen: a restore begins another
        self._fan_out = fan_out
        self.pulse = b""
        self.beats = 0
        self._pool = pool
        self._flush_seconds = flush_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._doorbell = asyncio.Event()
        self.first_read = asyncio.Event()
        self._pass_done = asyncio.Event()
        self._flushed_at = 0.0
        self._read_at = float("-inf")

    @property
    def head(self) -> Position | None:
        """The last event that is here; None until the log was seen for the first time."""
        return None if self.epoch is None else Position(self.epoch, self.events.head)

    @property
    def is_caught_up(self) -> bool:
        """Whether the log was read to its end in the last STALE_SECONDS."""
        return time.monotonic() - self._read_at < STALE_SECONDS

    def ring(self) -> None:
        """The log may have grown."""
        self._doorbell.set()

    async def refresh(self) -> None:
        """Return when the log has been read to its end once more, by a look that begins after this call."""
        for _ in range(2):  # the first pass to end may have begun before
            passed = self._pass_done
            self.ring()
            await passed.wait()

    async def run(self) -> None:
        """Follow the log until cancelled, however often the database goes away."""
        available = True
        while True:
            try:
                async with acquire(self._pool) as connection:
                    if not available:
                        log.info("database is back")
                    available = True
                    await self._follow(connection)
            except DatabaseUnavailableError as error:
                if available:
                    log.warning("waiting for the database", reason=str(error))
                available = False
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, connection: Connection) -> None:
        while True:
            head = await log_store.select_head(connection)
            if head.epoch != self.epoch or head.event_id < self.events.head:
                self._start_over(head)
            metrics.NOTIFICATION_QUEUE.set(await log_store.select_notification_queue_usage(connection))
            looked_at = time.monotonic()
            while time.monotonic() - looked_at < POLL_SECONDS:
                self._doorbell.clear()
                await self._read_to_end(connection, head.epoch)
                await self._next_ring()

    def _start_over(self, head: Position) -> None:
        if self.epoch is not None:
            log.warning("this is another log: subscribers must start over", head=str(head))
        self.epoch = head.epoch
        self.log_number += 1
        self.events.clear(head.event_id)
        metrics.HEAD.set(head.event_id)
        self.first_read.set()
        self._fan_out()

    async def _read_to_end(self, connection: Connection, epoch: str) -> None:
        while True:
            page = await log_store.select_events(connection, epoch, after=self.events.head, page=PAGE_EVENTS)
            if page:
                self.events.append(page)
                self._flushed_at = time.monotonic()
                self._fan_out()
                metrics.EVENTS.inc(len(page))
                metrics.HEAD.set(self.events.head)
                metrics.COMMIT_TO_SEND.observe(max(0, time.time() - frames.changed_at(page[0].data)))
            if len(page) < PAGE_EVENTS:
                break
        self._read_at = time.monotonic()
        metrics.CAUGHT_UP.set(1)
        passed, self._pass_done = self._pass_done, asyncio.Event()
        passed.set()

    async def _next_ring(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._doorbell.wait()
        except TimeoutError:
            return
        quiet = time.monotonic() - self._flushed_at
        if quiet < self._flush_seconds:
            await asyncio.sleep(self._flush_seconds - quiet)

    async def beat(self) -> None:
        """Give every subscriber a heartbeat, for ever; none while the log can't be read, so that a page sees it."""
        while True:
            self.pulse = self.heartbeat() if self.is_caught_up else frames.comment()
            self.beats += 1
            metrics.CAUGHT_UP.set(self.is_caught_up)
            self._fan_out()
            await asyncio.sleep(self._heartbeat_seconds)

    def heartbeat(self) -> bytes:
        """A heartbeat of this moment."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return frames.heartbeat(str(self.head), at)
