"""What the API does by itself: it prunes the log, if it is told to, and forgets the keys of old requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from api_service.store import history, idempotency
from shared.database import acquire
from shared.faults import DatabaseUnavailableError

if TYPE_CHECKING:
    from datetime import timedelta

    from shared.database import Pool

log = structlog.get_logger()

INTERVAL_SECONDS = 60.0
BATCH_EVENTS = 1_000  # of the log, in one transaction


async def keep_house(pool: Pool, retention: timedelta | None) -> None:
    """Do it now and every INTERVAL_SECONDS, until cancelled. Several services may do so at once."""
    while True:
        try:
            await _forget_keys(pool)
            if retention is not None:
                await _prune(pool, retention)
        except DatabaseUnavailableError as error:
            log.warning("housekeeping waits for the database", reason=str(error))
        await asyncio.sleep(INTERVAL_SECONDS)


async def _forget_keys(pool: Pool) -> None:
    async with acquire(pool) as connection:
        await idempotency.delete_old_keys(connection)


async def _prune(pool: Pool, retention: timedelta) -> None:
    """A batch at a time, each on a connection that others may have had in between."""
    total = 0
    while passed := await _prune_batch(pool, retention):
        total += passed
    if total:
        log.info("history was pruned", events=total, older_than=str(retention))


async def _prune_batch(pool: Pool, retention: timedelta) -> int:
    async with acquire(pool) as connection:
        return await history.prune_history(connection, retention, BATCH_EVENTS)
