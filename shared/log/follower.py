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

    Events may also come from a cache of the log, by accept(). While ``is_fed`` is set, the database is read only when
    the follower is woken.
    """

    def __init__(self, pool: Pool, reader: Reader[E]) -> None:
        self.position: Position | None = None  # of the last event that was passed on; None before the first read
        self.caught_up_at = float("-inf")  # when the end of the log was last reached (time.monotonic())
        self.is_fed = False  # whether a cache passes on the events
        self.is_behind = False  # whether the log may have more events than were read
        self._pool = pool
        self._reader = reader
        self._passing_on = asyncio.Lock()
        self._woken = asyncio.Event()
        self._read_to_end = asyncio.Event()  # set when the log was read to its end, and then replaced

    def has_caught_up(self, seconds: float) -> bool:
        """Whether the end of the log was reached in the last ``seconds``."""
        return time.monotonic() - self.caught_up_at < seconds

    def wake(self) -> None:
        """Read the log soon: it may have grown."""
        self._woken.set()

    async def refresh(self) -> None:
        """Wait until the log is read to its end by a read that begins after this call."""
        for _ in range(2):  # the first read that ends may have begun before this call
            read_to_end = self._read_to_end
            self.wake()
            await read_to_end.wait()

    async def accept(self, after: Position, events: Sequence[E]) -> bool:
        """Pass on events from a cache, which must be all events after this position.

        False, and nothing is passed on, if there may be other events before them. Those that were passed on before are
        left out.
        """
        async with self._passing_on:
            last = self.position
            if last is None or last.epoch != after.epoch or last.event_id < after.event_id:
                return False
            await self._pass_on(events, last)
            return True

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
                await self._woken.wait()
            except DatabaseUnavailableError as error:
                if is_available:
                    log.warning("waiting for the database", reason=str(error))
                is_available = False
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, connection: Connection) -> None:
        """Read the log until cancelled; only to its end, if a cache passes on the events that follow."""
        while True:
            await self._find_position(connection)
            looked_at = time.monotonic()
            while time.monotonic() - looked_at < POLL_SECONDS:
                self._woken.clear()
                await self._read(connection)
                if self.is_fed:
                    return
                if await self._is_woken():
                    await self._reader.pause()

    async def _find_position(self, connection: Connection) -> None:
        """Find the position to read on from."""
        last = self.position  # before the head is read, which may be passed meanwhile by what a cache passes on
        head = await select_head(connection)
        if last is None or last.epoch != head.epoch or last.event_id > head.event_id:
            self.position = self._reader.start(head)

    async def _read(self, connection: Connection) -> None:
        """Pass on all events that follow."""
        while True:
            position = self.position
            assert position is not None  # noqa: S101 - _find_position() has set it
            events = await self._reader.read(connection, position, PAGE_EVENTS)
            self.is_behind = len(events) == PAGE_EVENTS
            async with self._passing_on:
                await self._pass_on(events, self.position or position)
            if not self.is_behind:
                break
        self.caught_up_at = time.monotonic()
        read_to_end, self._read_to_end = self._read_to_end, asyncio.Event()
        read_to_end.set()

    async def _pass_on(self, events: Sequence[E], last: Position) -> None:
        """Pass on those of these events that are after the last one."""
        newer = [event for event in events if event.event_id > last.event_id]
        if newer:
            await self._reader.take(newer)
            self.position = Position(last.epoch, newer[-1].event_id)

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
