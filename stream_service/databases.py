"""Reads blocks of old events from the database, and from a standby of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import structlog

from shared.db.database import acquire, create_pool, is_current, prepare_session
from shared.db.errors import DatabaseUnavailableError, describe
from stream_service import metrics
from stream_service.blocks import BLOCK_EVENTS, Block
from stream_service.store import log as log_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.db.database import Connection, Pool
    from stream_service.blocks import BlockKey

log = structlog.get_logger()

STANDBY_SECONDS = 2.0  # limit for a block, a new connection included, before the primary is asked for it
REST_SECONDS = 5.0  # how long a standby that has failed is left alone


class Primary:
    """Reads blocks from the database that the log is followed in."""

    name = "primary"

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, key: BlockKey) -> Block:
        """Read a block. Raises DatabaseUnavailableError."""
        async with acquire(self._pool) as connection:
            frames = await log_store.select_events(
                connection, key.epoch, after=key.after, up_to=key.up_to, page=BLOCK_EVENTS
            )
            # Read the floor after the events, so that it is above all that was pruned before.
            return Block(frames, key.up_to, await log_store.select_floor(connection))


class Standby:
    """Reads blocks from a standby, as far as it has replayed the log of this epoch.

    It may be behind, promoted, replaced, cut off or suspended. All that this costs is time.
    """

    name = "standby"

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rests_until = float("-inf")  # time.monotonic()
        self._is_available = True

    async def read(self, key: BlockKey) -> Block | None:
        """Read a block. None if the standby does not have it, fails, or is slow."""
        if time.monotonic() < self._rests_until:
            return None
        try:
            async with asyncio.timeout(STANDBY_SECONDS):
                reading = await self._select(key)
        except Exception as error:  # whatever it is, the primary has the block
            self._rest("failed", describe(error))
            return None
        if reading.head.epoch != key.epoch:
            self._rest("other_log", f"its log has the epoch {reading.head.epoch}, not {key.epoch}")
            return None
        if not self._is_available:
            log.info("the standby is back")
            self._is_available = True
        if reading.head.event_id < key.up_to:
            metrics.STANDBY_REFUSALS.labels("behind").inc()
            return None
        return Block(reading.frames, key.up_to, reading.floor)

    async def _select(self, key: BlockKey) -> log_store.Reading:
        async with acquire(self._pool) as connection:
            with _closed_if_cancelled(connection):
                return await log_store.select_block(connection, key.epoch, after=key.after, up_to=key.up_to)

    def _rest(self, reason: str, details: str) -> None:
        metrics.STANDBY_REFUSALS.labels(reason).inc()
        self._rests_until = time.monotonic() + REST_SECONDS
        if self._is_available:
            log.warning("the standby can't be used: old events are read from the primary", reason=details)
        self._is_available = False


@contextlib.asynccontextmanager
async def connected_standby(url: str, *, application_name: str, readers: int) -> AsyncIterator[Standby]:
    """A standby with a pool of its own, which connects on first use."""
    pool = create_pool(url, application_name=application_name, max_size=readers, prepare=_prepare_session)
    await pool
    try:
        yield Standby(pool)
    finally:
        pool.terminate()  # without a farewell: a server that does not answer would be waited for


async def _prepare_session(session: Connection) -> None:
    """Prepare a session of the standby. Raises DatabaseUnavailableError if it has not replayed all migrations."""
    with _closed_if_cancelled(session):
        await prepare_session(session, statement_seconds=STANDBY_SECONDS)
        if not await is_current(session):
            raise DatabaseUnavailableError("its schema is not up to date")


@contextlib.contextmanager
def _closed_if_cancelled(session: Connection) -> Iterator[None]:
    """Close the session if the block is cancelled. Else the pool would wait for a server that may never answer."""
    try:
        yield
    except asyncio.CancelledError:
        session.terminate()
        raise
