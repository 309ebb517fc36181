"""Follows the log: passes every event to a reader, once and in order, from a position on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import structlog

from shared.db.database import acquire, load_queries
from shared.db.errors import DatabaseUnavailableError
from shared.log.position import Position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.db.database import Connection, Pool

log = structlog.get_logger()
queries = load_queries("follower")

PAGE_EVENTS = 1_000
POLL_SECONDS = 1.0  # the delay if a notification is lost; events are never lost
RETRY_SECONDS = 0.25  # while the database can't be reached


class Event(Protocol):
    """An event, in the form that its reader needs."""

    @property
    def event_id(self) -> int: ...


E = TypeVar("E", bound=Event)


class Reader(Protocol[E]):
    """Something that follows the log."""

    def start(self, head: Position) -> Position:
        """Return the position to read on from, in a log that is new to this reader and ends with ``head``."""

    async def pause(self) -> None:
        """Wait before the next read, to let more events gather."""

    async def read(self, connection: Connection, after: Position, limit: int) -> Sequence[E]:
        """Read at most ``limit`` events after this position, in order."""

    async def take(self, events: Sequence[E]) -> None:
        """Process these events. They are passed on again only if this raises."""


class Follower(Generic[E]):
    """Reads the log for one reader, whenever it is woken and every POLL_SECONDS.

    A log with another epoch, or one that ends before the last event read, is a new log: the old one was restored or
    replaced.
    """

    def __init__(self, pool: Pool, reader: Reader[E]) -> None:
        self.position: Position | None = None  # of the last event that was passed on; None before the first read
        self.caught_up_at = float("-inf")  # when the log was last read to its end (time.monotonic())
        self._pool = pool
        self._reader = reader
        self._woken = asyncio.Event()
        self._read_to_end = asyncio.Event()  # set when the log was read to its end, and then replaced

    def wake(self) -> None:
        """Read the log soon: it may have grown."""
        self._woken.set()

    async def refresh(self) -> None:
        """Wait until the log is read to its end by a read that begins after this call."""
        for _ in range(2):  # the first read that ends may have begun before this call
            read_to_end = self._read_to_end
            self.wake()
            await read_to_end.wait()

    async def run(self) -> None:
        """Follow the log until cancelled. Waits whenever the database is unavailable."""
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
        """The position to read on from."""
        head = await select_head(connection)
        last = self.position
        if last is None or last.epoch != head.epoch or last.event_id > head.event_id:
            self.position = self._reader.start(head)
            return self.position
        return last

    async def _read(self, connection: Connection, position: Position) -> Position:
        """Pass on all events after this position. Returns the position of the last."""
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
        """Wait up to POLL_SECONDS for a call of wake(); False if there was none."""
        try:
            async with asyncio.timeout(POLL_SECONDS):
                return await self._woken.wait()
        except TimeoutError:
            return False


async def select_head(connection: Connection) -> Position:
    """The position of the last committed event."""
    row = await queries.select_head(connection)
    return Position(row["epoch"], row["head"])
