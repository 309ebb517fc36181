"""Deletes expired data: old events of the log, idempotency keys, sessions, and attempts to sign in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from api_service.sign_in import WINDOW
from api_service.store import history, idempotency, sign_ins
from shared.db.database import acquire
from shared.db.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from datetime import timedelta

    from shared.db.database import Pool

log = structlog.get_logger()

INTERVAL_SECONDS = 60.0
BATCH_ROWS = 1_000  # processed in one transaction


async def prune_periodically(pool: Pool, retention: timedelta | None) -> None:
    """Prune now and every INTERVAL_SECONDS, until cancelled. Several processes may run this at once.

    Without ``retention`` the log is kept for ever.
    """
    while True:
        try:
            await _delete_expired(pool)
            if retention is not None:
                await _prune_history(pool, retention)
        except DatabaseUnavailableError as error:
            log.warning("pruning waits for the database", reason=str(error))
        await asyncio.sleep(INTERVAL_SECONDS)


async def _delete_expired(pool: Pool) -> None:
    async with acquire(pool) as connection:
        await idempotency.delete_old_keys(connection)
        await sign_ins.delete_expired_sessions(connection)
        await sign_ins.delete_old_failures(connection, WINDOW)


async def _prune_history(pool: Pool, retention: timedelta) -> None:
    """Prune in batches, and release the connection after each."""
    total = 0
    while pruned := await _prune_batch(pool, retention):
        total += pruned
    if total:
        log.info("history was pruned", rows=total, older_than=str(retention))


async def _prune_batch(pool: Pool, retention: timedelta) -> int:
    async with acquire(pool) as connection:
        return await history.prune_history(connection, retention, BATCH_ROWS)
