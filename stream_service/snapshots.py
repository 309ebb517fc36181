"""Snapshots of the stock. One is read for all who ask at about the same time, and each part of it is encoded once.

A subscriber sends the parts at its own pace, the first ones while others are still read. The memory of a snapshot is
freed when its last subscriber has sent it. A snapshot of any age will do, since the events after its position are
sent next.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from typing import TYPE_CHECKING

import structlog

from shared.db.errors import DatabaseUnavailableError
from stream_service.busy import BusyError
from stream_service.store.snapshots import select_snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from shared.db.database import Pool
    from shared.log.position import Position
    from stream_service.broker.shared_snapshots import SharedSnapshots
    from stream_service.filters import Filter
    from stream_service.store.snapshots import SnapshotPart

log = structlog.get_logger()

READERS = 2  # database connections for snapshots
WAIT_SECONDS = 10.0  # for one of these
FRESH_SECONDS = 1.0  # a snapshot is kept for this time after it was read, for those who come later
MAX_WHOLE_SNAPSHOTS = 3  # in memory: those that slow subscribers are still sending, and the latest
MAX_ITEM_SNAPSHOTS = 200  # in memory, of chosen items; with 1,000 items, one takes about 300 KB
MAX_LOCATION_SNAPSHOTS = 20  # in memory, of locations
MAX_LOCATION_BYTES = 64 * 1024 * 1024  # of all these; beyond it, the oldest has to go


class Snapshot:
    """The items at a position of the log, as frames. It grows while it is read."""

    def __init__(self) -> None:
        self.position: Position | None = None
        self._parts: list[bytes] = []
        self._is_complete = False
        self._failure: str | None = None
        self._changed = asyncio.Event()  # replaced after each change

    def add(self, part: bytes, *, is_last: bool) -> None:
        self._parts.append(part)
        self._is_complete = is_last
        self._notify()

    def fail(self, reason: str) -> None:
        """End all streams that are still sending this snapshot, and free its memory."""
        self._failure = reason
        self._parts.clear()
        self._notify()

    @property
    def size(self) -> int:
        """Its bytes in memory."""
        return sum(map(len, self._parts))

    async def parts(self) -> AsyncIterator[bytes]:
        """The parts, as they are read. Raises BusyError if that fails."""
        number = 0
        while True:
            await self._wait_for_part(number)
            part = self._parts[number]
            number += 1
            is_last = self._is_complete and number == len(self._parts)
            yield part
            if is_last:
                return

    async def wait_for_position(self) -> Position:
        """The position, once it is read. Raises BusyError if that fails."""
        while self.position is None:
            await self._wait_for_part(0)
        return self.position

    async def _wait_for_part(self, number: int) -> None:
        while len(self._parts) <= number:
            if self._failure is not None:
                raise BusyError(self._failure)
            await self._changed.wait()

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Snapshots:
    """Reads snapshots, a few at a time.

    ``can_replay`` is whether the events after a position are still in memory. Snapshots of all items are shared with
    other processes, if ``shared`` is given.
    """

    def __init__(
        self, pool: Pool, can_replay: Callable[[Position], bool], shared: SharedSnapshots | None = None
    ) -> None:
        self._pool = pool
        self._shared = shared
        self._can_replay = can_replay
        self._readers = asyncio.Semaphore(READERS)
        self._reading: set[asyncio.Task[None]] = set()
        self._whole: list[weakref.ref[Snapshot]] = []  # snapshots of all items that are still in use, oldest first
        self._of_items: weakref.WeakSet[Snapshot] = weakref.WeakSet()
        self._of_locations: list[weakref.ref[Snapshot]] = []  # that are still in use, oldest first
        # Of all items and of each set of locations, while it is read and for FRESH_SECONDS after that.
        self._latest: dict[Filter | None, Snapshot] = {}

    async def take(self, wanted: Filter | None) -> Snapshot:
        """A snapshot of the items that the filter selects. Raises BusyError."""
        if wanted is None or wanted.item_ids is None:
            snapshot = self._latest.get(wanted) or self._new_shared_snapshot(wanted)
            await snapshot.wait_for_position()
            return snapshot
        if len(self._of_items) >= MAX_ITEM_SNAPSHOTS:
            raise BusyError("too many snapshots are being sent")
        snapshot = Snapshot()
        self._of_items.add(snapshot)
        reading = self._start_reading(snapshot, wanted)
        try:
            await snapshot.wait_for_position()
        except asyncio.CancelledError:
            reading.cancel()  # nobody else waits for it
            raise
        return snapshot

    def close(self) -> None:
        for task in self._reading:
            task.cancel()

    def _new_shared_snapshot(self, wanted: Filter | None) -> Snapshot:
        """A snapshot for all who ask for the same."""
        return self._whole_snapshot() if wanted is None else self._location_snapshot(wanted)

    def _whole_snapshot(self) -> Snapshot:
        alive = _alive(self._whole)
        if len(alive) >= MAX_WHOLE_SNAPSHOTS:
            newest = alive[-1]
            if newest.position is not None and self._can_replay(newest.position):
                return newest
            alive.pop(0).fail("the snapshot was not read in time")
        snapshot = self._latest[None] = Snapshot()
        self._start_reading(snapshot, None)
        self._whole = [weakref.ref(each) for each in (*alive, snapshot)]
        return snapshot

    def _location_snapshot(self, wanted: Filter) -> Snapshot:
        alive = _alive(self._of_locations)
        while len(alive) >= MAX_LOCATION_SNAPSHOTS or sum(each.size for each in alive) > MAX_LOCATION_BYTES:
            alive.pop(0).fail("the snapshot was not read in time")
        snapshot = self._latest[wanted] = Snapshot()
        self._start_reading(snapshot, wanted)
        self._of_locations = [weakref.ref(each) for each in (*alive, snapshot)]
        return snapshot

    def _start_reading(self, snapshot: Snapshot, wanted: Filter | None) -> asyncio.Task[None]:
        task = asyncio.create_task(self._read(snapshot, wanted))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        return task

    async def _read(self, snapshot: Snapshot, wanted: Filter | None) -> None:
        try:
            async with contextlib.aclosing(self._parts(wanted)) as parts:
                async for part in parts:
                    snapshot.position = part.position
                    snapshot.add(part.data, is_last=part.is_last)
        except BusyError as error:
            snapshot.fail(str(error))
        except DatabaseUnavailableError:
            snapshot.fail("the database can't be reached")
        except Exception:
            log.exception("a snapshot could not be read")
            snapshot.fail("the snapshot could not be read")
        finally:
            if snapshot is self._latest.get(wanted):
                asyncio.get_running_loop().call_later(FRESH_SECONDS, self._forget, wanted, snapshot)

    def _parts(self, wanted: Filter | None) -> AsyncGenerator[SnapshotPart]:
        if wanted is not None or self._shared is None:
            return self._read_parts(wanted)
        return self._shared.parts(lambda: self._read_parts(wanted))

    async def _read_parts(self, wanted: Filter | None) -> AsyncGenerator[SnapshotPart]:
        """Read a snapshot from the database."""
        await self._acquire_reader()
        try:
            async with contextlib.aclosing(select_snapshot(self._pool, wanted)) as parts:
                async for part in parts:
                    yield part
        finally:
            self._readers.release()

    async def _acquire_reader(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._readers.acquire()
        except TimeoutError:
            raise BusyError("too many snapshots are being read") from None

    def _forget(self, wanted: Filter | None, snapshot: Snapshot) -> None:
        if self._latest.get(wanted) is snapshot:
            del self._latest[wanted]


def _alive(references: list[weakref.ref[Snapshot]]) -> list[Snapshot]:
    return [snapshot for reference in references if (snapshot := reference()) is not None]
