"""Where a stream starts: at a position, with a snapshot, or at the head."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from stream_service import frames, metrics
from stream_service.busy import BusyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

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
    """A client's request. Without ``positions`` it starts now; without ``wanted`` it receives every event.

    ``admission`` is for whom the stream is, where there are accounts. ``busy`` is why it can't be served now.
    """

    client: str
    positions: Sequence[Position] = ()
    snapshot: bool = False
    wanted: Filter | None = None
    admission: Admission | None = None
    busy: str | None = None


class Start(NamedTuple):
    """The first frames of a stream, the event after which it goes on, and the number of the log that this is in."""

    frames: AsyncIterator[bytes]
    cursor: int
    log_number: int


class Starts:
    """Finds the start of each stream."""

    def __init__(self, relay: Relay, snapshots: Snapshots) -> None:
        self._relay = relay
        self._snapshots = snapshots

    async def find(self, subscription: Subscription) -> Start:
        """The start of a stream. Raises BusyError."""
        await self._wait_for_the_log()
        if subscription.positions:
            return await self._resume(self._latest(subscription.positions))
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

    async def _resume(self, asked: Position) -> Start:
        """Start after the requested position, or with a reset to the head."""
        relay = self._relay
        if asked.epoch == relay.head.epoch and asked.event_id > relay.head.event_id:
            await self._refresh()  # the client may have seen events that are not read here yet
        if asked.epoch == relay.head.epoch and asked.event_id <= relay.head.event_id:
            metrics.STREAMS.labels("resume").inc()
            if asked.event_id < relay.head.event_id:
                metrics.REPLAYS.labels("ring" if relay.ring.holds(asked.event_id) else "database").inc()
            return self._start(b"", asked)
        metrics.STREAMS.labels("reset").inc()
        reason = "ahead of the log" if asked.epoch == relay.head.epoch else "of another log"
        return self._start(frames.reset(f"the position is {reason}", str(relay.head)), relay.head)

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
