"""Snapshots of all items that the stream processes share: one process reads each from the database and puts it into
the broker, where the others find it.

Without the broker, each process reads its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.asyncio.lock import Lock

from shared.log.position import Position
from stream_service import metrics
from stream_service.broker.stream import BrokerUnavailableError, key, translated
from stream_service.store.snapshots import SnapshotPart

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from redis.asyncio import Redis

FRESH_SECONDS = 5.0  # a snapshot is offered for this time after it was read
KEPT_SECONDS = 10.0  # and its parts are kept for this time, for those who have begun to fetch them
READING_SECONDS = 2.0  # the process that reads one must add a part within this time, else another one reads it
WAIT_SECONDS = 5.0  # for another process that reads one
POLL_SECONDS = 0.05
PAGE_PARTS = 16
TOO_LARGE = b"too large"


class _Offer(NamedTuple):
    """A snapshot in the broker."""

    name: str
    position: Position
    parts: int


class _NotSharedError(Exception):
    """This snapshot can't be shared."""


class SharedSnapshots:
    """The snapshots of the log with this epoch, which may change."""

    def __init__(
        self, client: Redis, epoch: Callable[[], str], *, is_trusted: Callable[[], bool], max_bytes: int
    ) -> None:
        self._client = client
        self._epoch = epoch
        self._is_trusted = is_trusted
        self._max_bytes = max_bytes  # larger snapshots are not shared

    async def parts(self, read: Callable[[], AsyncGenerator[SnapshotPart]]) -> AsyncGenerator[SnapshotPart]:
        """The parts of a fresh snapshot: from the broker, or else those that ``read`` yields, which are then shared."""
        sharing = None
        if self._is_trusted():
            sharing = _Sharing(self._client, self._epoch(), self._max_bytes)
            found = await self._find(sharing)
            if found is not None:
                metrics.SHARED_SNAPSHOTS.inc()
                for part in found:
                    yield part
                return
        try:
            async with contextlib.aclosing(read()) as parts:
                async for part in parts:
                    if sharing is not None:
                        await sharing.add(part)
                    yield part
        finally:
            if sharing is not None:
                await sharing.end()

    async def _find(self, sharing: _Sharing) -> list[SnapshotPart] | None:
        """The parts of a snapshot in the broker. None if this process has to read one, and shares it if it can."""
        deadline = time.monotonic() + WAIT_SECONDS
        with contextlib.suppress(BrokerUnavailableError, _NotSharedError):
            while time.monotonic() < deadline:
                offer = await self._offer(sharing.epoch)
                if offer is not None:
                    return await self._fetch(offer)
                if await sharing.begin():
                    return None
                await asyncio.sleep(POLL_SECONDS)
        return None

    async def _offer(self, epoch: str) -> _Offer | None:
        with translated():
            offer: Any = await self._client.get(key(epoch, "snapshot"))
        if offer is None:
            return None
        if offer == TOO_LARGE:
            raise _NotSharedError
        name, event_id, parts = offer.split()
        return _Offer(name.decode(), Position(epoch, int(event_id)), int(parts))

    async def _fetch(self, offer: _Offer) -> list[SnapshotPart] | None:
        """All parts of a snapshot; None if some are missing."""
        parts: list[bytes] = []
        while len(parts) < offer.parts:
            with translated():
                page: Any = await self._client.lrange(
                    key(offer.position.epoch, f"snapshot:{offer.name}"), len(parts), len(parts) + PAGE_PARTS - 1
                )
            if not page:
                return None
            parts += page
        return [SnapshotPart(offer.position, data, number == offer.parts) for number, data in enumerate(parts, 1)]


class _Sharing:
    """A snapshot that this process may put into the broker while it reads it. It does if it gets the lock for this.

    Whatever fails here, the snapshot is read all the same.
    """

    def __init__(self, client: Redis, epoch: str, max_bytes: int) -> None:
        self.epoch = epoch
        self._client = client
        self._room = max_bytes
        self._name = secrets.token_hex(8)
        self._count = 0
        self._lock = Lock(client, key(epoch, "reading"), timeout=READING_SECONDS, blocking=False, thread_local=False)
        self._is_active = False

    async def begin(self) -> bool:
        """Take the lock. False if another process has it. Raises BrokerUnavailableError."""
        with translated():
            self._is_active = await self._lock.acquire()
        return self._is_active

    async def add(self, part: SnapshotPart) -> None:
        """Add a part, if the lock was taken."""
        if not self._is_active:
            return
        self._count += 1
        self._room -= len(part.data)
        try:
            if part.position.epoch != self.epoch:
                await self.end()
            elif self._room < 0:
                await self._set(TOO_LARGE)
                await self.end()
            else:
                await self._store(part)
        except BrokerUnavailableError:
            self._is_active = False

    async def end(self) -> None:
        """Release the lock, if it was taken."""
        if self._is_active:
            self._is_active = False
            with contextlib.suppress(BrokerUnavailableError), translated():
                await self._lock.release()

    async def _store(self, part: SnapshotPart) -> None:
        parts = key(self.epoch, f"snapshot:{self._name}")
        with translated():
            await self._lock.reacquire()
            both: Any = self._client.pipeline(transaction=True)
            await both.rpush(parts, part.data).expire(parts, round(KEPT_SECONDS)).execute()
        if part.is_last:
            await self._set(f"{self._name} {part.position.event_id} {self._count}".encode())

    async def _set(self, offer: bytes) -> None:
        with translated():
            await self._client.set(key(self.epoch, "snapshot"), offer, px=round(FRESH_SECONDS * 1000))
