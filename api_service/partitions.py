"""Adds partitions to the log before they are needed, so that no write has to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from api_service.store import history
from shared.db.database import acquire
from shared.db.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from shared.db.database import Pool

log = structlog.get_logger()

INTERVAL_SECONDS = 60.0


async def extend_log_periodically(pool: Pool) -> None:
    """Look now and every INTERVAL_SECONDS, until cancelled. Several processes may run this at once."""
    while True:
        try:
            async with acquire(pool) as connection:
                await history.extend_log(connection)
        except DatabaseUnavailableError as error:
            log.warning("the log can't be extended at the moment", reason=str(error))
        await asyncio.sleep(INTERVAL_SECONDS)
