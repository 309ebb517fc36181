"""Follows the log: hands on every event, once and in order, from a position on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import structlog

from shared.db.database import acquire, load_queries
from shared.db.faults import DatabaseUnavailableError
from shared.log.position import Position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.db.database import Connection, Pool

log = structlog.get_logger()
queries = load_queries("follower")

PAGE_EVENTS = 1_000
POLL_SECONDS = 1.0  # a notification that is lost costs this much, and no event
RETRY_SECONDS = 0.25  # while the database can't be reached


class Event(Protocol):
    """What is read of an event, besides what its reader wants to know."""

    @property
    def event_id(self) -> int: ...


E = TypeVar("E", bound=Event)


class Reader(Protocol[E]):
    """What follows the log."""

    def start(self, head: Position) -> Position:
        """Say where to read on from: this log has not been read yet. ``head`` is its last event."""

    async def pause(self) -> None:
        """Wait before the next read, if need be: what is committed meanwhile is part of it."""

    async def read(self, connection: Connection, after: Position, limit: int) -> Sequence[E]:
        """Read the next events."""

    async def take(self, events: Sequence[E]) -> None:
        """Do what is to be done with them. They are handed on once, unless this raises."""


class Follower(Generic[E]):
    """Reads the log for one reader, whenever it is woken and every POLL_SECONDS.

    A log that has another epoch, or ends before the events that were read, is another one: it was restored or replaced.
    """

    def __init__(self, pool: Pool, reader: Reader[E]) -> None:
        self.position: Position | None = None  # of the last event that was handed on; None before the first read
        self.caught_up_at = float("-inf")  # when the log was last read to its end (time.monotonic())
        self._pool = pool
        self._reader = reader
        self._woken = asyncio.Event()
        self._read_to_end = asyncio.Event()  # replaced after each time

    def wake(self) -> None:
        """Look at the log: it may have grown."""
        self._woken.set()

    async def refresh(self) -> None:
        """Return when the log was read to its end by a read that began after this call."""
        for _ in range(2):  # the first read to end may have begun before
            read_to_end = self._read_to_end
            self.wake()
            await read_to_end.wait()

    async def run(self) -> None:
        """Follow the log until cancelled, however often the database goes away."""
        is_available = True
        while True:
            try:
                async with acquire(self._pool) as connection:
                    if not is_available:
                        log.info("database is back")
                    is_available = True
                    await self._follow(connection)
            except DatabaseUnavailableError as error:
                if is_available:
                    log.warning("waiting for the database", reason=str(error))
                is_available = False
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, connection: Connection) -> None:
        while True:
            position = await self._find_position(connection)
            looked_at = time.monotonic()
            while time.monotonic() - looked_at < POLL_SECONDS:
                self._woken.clear()
                position = await self._read(connection, position)
                if await self._is_woken():
                    await self._reader.pause()

    async def _find_position(self, connection: Connection) -> Position:
        """Where to read on from."""
        head = await select_head(connection)
        last = self.position
        if last is None or last.epoch != head.epoch or last.event_id > head.event_id:
            self.position = self._reader.start(head)
            return self.position
        return last

    async def _read(self, connection: Connection, position: Position) -> Position:
        """Hand on all events after this position; returns that of the last."""
        while True:
            events = await self._reader.read(connection, position, PAGE_EVENTS)
            if events:
                await self._reader.take(events)
                self.position = position = Position(position.epoch, events[-1].event_id)
            if len(events) < PAGE_EVENTS:
                break
        self.caught_up_at = time.monotonic()
        read_to_end, self._read_to_end = self._read_to_end, asyncio.Event()
        read_to_end.set()
        return position

    async def _is_woken(self) -> bool:
        """Wait to be woken, for POLL_SECONDS at most."""
        try:
            async with asyncio.timeout(POLL_SECONDS):
                return await self._woken.wait()
        except TimeoutError:
            return False


async def select_head(connection: Connection) -> Position:
    """Which log this is, and its last committed event."""
    row = await queries.select_head(connection)
    return Position(row["epoch"], row["head"])
