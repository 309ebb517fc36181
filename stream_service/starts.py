"""Where a stream starts: at a position, with a snapshot, or at the head."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from shared.db.database import acquire
from shared.db.errors import DatabaseUnavailableError
from stream_service import frames, metrics
from stream_service.busy import BusyError
from stream_service.filters import filter_of
from stream_service.store import log as log_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.db.database import Pool
    from shared.log.position import Position
    from stream_service.access import Admission
    from stream_service.filters import Filter
    from stream_service.relay import Relay
    from stream_service.snapshots import Snapshot, Snapshots

FIRST_READ_SECONDS = 2.0  # how long a stream waits for the first read of the log
REFRESH_SECONDS = 5.0
OTHER_LOG = -1  # the number of no log here: the stream continues with a reset


@dataclass(frozen=True)
class Subscription:
    """A client's request. Without ``positions`` it starts now.

    It receives the events of these items (none: of all) at these locations and below them (none: at all).
    ``admission`` has the rights, where they narrow the stream. ``busy`` is why it can't be served now.
    """

    client: str
    positions: Sequence[Position] = ()
    snapshot: bool = False
    item_ids: frozenset[int] = frozenset()
    locations: tuple[int, ...] = ()
    admission: Admission | None = None
    busy: str | None = None

    @property
    def wanted(self) -> Filter | None:
        """The events that it receives with its rights."""
        return filter_of(self.item_ids, None if self.admission is None else self.admission.rights.locations)


class Start(NamedTuple):
    """The first frames of a stream, the event after which it goes on, and the number of the log that this is in."""

    frames: AsyncIterator[bytes]
    cursor: int
    log_number: int


class Starts:
    """Finds the start of each stream."""

    def __init__(self, pool: Pool, relay: Relay, snapshots: Snapshots, *, rights_seconds: float) -> None:
        self._pool = pool
        self._relay = relay
        self._snapshots = snapshots
        self._rights_seconds = rights_seconds  # the time until a change of rights has reached every open stream

    async def find(self, subscription: Subscription) -> Start:
        """The start of a stream. Raises BusyError."""
        await self._wait_for_the_log()
        if subscription.positions:
            return await self._resume(self._latest(subscription.positions), subscription)
        if subscription.snapshot:
            return await self._snapshot(subscription.wanted)
        return self._head()

    async def _wait_for_the_log(self) -> None:
        """Wait for the first read of the log: up to 40 ms after a start, longer while the database is unavailable."""
        if self._relay.is_started.is_set():
            return
        try:
            async with asyncio.timeout(FIRST_READ_SECONDS):
                await self._relay.is_started.wait()
        except TimeoutError:
            raise BusyError("the log has not been read yet") from None

    async def _snapshot(self, wanted: Filter | None) -> Start:
        """Start with the current items."""
        log_number = self._relay.log_number
        snapshot = await self._snapshots.take(wanted)
        assert snapshot.position is not None  # noqa: S101 - take() has waited for it
        epoch, event_id = snapshot.position
        if epoch != self._relay.head.epoch or event_id > self._relay.head.event_id:
            await self._refresh()  # else the events in between would be sent once more, when they are read here
        if epoch != self._relay.head.epoch:
            log_number = OTHER_LOG
        metrics.STREAMS.labels("snapshot").inc()
        return Start(self._parts(snapshot), snapshot.position.event_id, log_number)

    def _head(self) -> Start:
        """Start at the head. The position is sent at once, so that a client can resume before its first event."""
        metrics.STREAMS.labels("live").inc()
        return self._start(frames.progress(str(self._relay.head)), self._relay.head)

    def _latest(self, positions: Sequence[Position]) -> Position:
        """The latest position in this log; one of another log only if all are."""
        return max(positions, key=lambda position: (position.epoch == self._relay.head.epoch, position.event_id))

    async def _resume(self, asked: Position, subscription: Subscription) -> Start:
        """Start after the requested position, or with a reset to the head."""
        relay = self._relay
        if asked.epoch == relay.head.epoch and asked.event_id > relay.head.event_id:
            await self._refresh()  # the client may have seen events that are not read here yet
        if asked.epoch != relay.head.epoch:
            return self._reset("the position is of another log")
        if asked.event_id > relay.head.event_id:
            return self._reset("the position is ahead of the log")
        if await self._may_have_other_rights(asked, subscription):
            return self._reset("the rights have changed")
        metrics.STREAMS.labels("resume").inc()
        if asked.event_id < relay.head.event_id:
            metrics.REPLAYS.labels("ring" if relay.ring.holds(asked.event_id) else "blocks").inc()
        return self._start(b"", asked)

    def _reset(self, reason: str) -> Start:
        """Start with a reset to the head."""
        metrics.STREAMS.labels("reset").inc()
        return self._start(frames.reset(reason, str(self._relay.head)), self._relay.head)

    async def _may_have_other_rights(self, asked: Position, subscription: Subscription) -> bool:
        """Whether the client may have come to this position with other rights, and so with other items."""
        changed_at = None if subscription.admission is None else subscription.admission.rights.changed_at
        if changed_at is None:
            return False
        reached_at = self._relay.ring.time_of(asked.event_id)
        if reached_at is None:
            reached_at = await self._time_of(asked.event_id)
        return reached_at is None or reached_at < changed_at.timestamp() + self._rights_seconds

    async def _time_of(self, event_id: int) -> float | None:
        """When this event was committed (seconds since 1970). Raises BusyError."""
        try:
            async with acquire(self._pool) as connection:
                time = await log_store.select_event_time(connection, event_id)
        except DatabaseUnavailableError:
            raise BusyError("the database can't be reached") from None
        return None if time is None else time.timestamp()

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(REFRESH_SECONDS):
                await self._relay.follower.refresh()
        except TimeoutError:
            raise BusyError("the database can't be reached") from None

    def _start(self, frame: bytes, position: Position) -> Start:
        return Start(_one(frame + self._relay.heartbeat()), position.event_id, self._relay.log_number)

    async def _parts(self, snapshot: Snapshot) -> AsyncIterator[bytes]:
        async for part in snapshot.parts():
            yield part
        yield self._relay.heartbeat()


async def _one(frame: bytes) -> AsyncIterator[bytes]:
    yield frame
