"""Checks whether the API is ready: it can read and change the stock, and the log records the changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.db.database import acquire, is_current, migration_queries, session_queries
from shared.db.errors import DatabaseUnavailableError, ReadOnlyError
from shared.web.health import NotReadyError

if TYPE_CHECKING:
    from shared.db.database import Connection, Pool


async def check_readiness(writers: Pool) -> None:
    """Raise NotReadyError, with the reason for an operator, unless a change can be made and logged now."""
    try:
        async with acquire(writers) as connection:
            if not await is_current(connection):
                raise NotReadyError("the schema is not up to date: run the migrations")
            if await session_queries.is_read_only(connection):
                raise ReadOnlyError("the database is read-only")
            await _check_triggers(connection)
    except ReadOnlyError:
        raise NotReadyError("the database is read-only") from None
    except DatabaseUnavailableError:
        raise NotReadyError("the database can't be reached, or has no connection free") from None


async def _check_triggers(connection: Connection) -> None:
    async for row in migration_queries.select_silenced(connection):
        raise NotReadyError(
            f"the trigger {row['trigger']} of {row['table']} does not fire in every session, so changes may be missing"
            " from a log, or go unnoticed: run the migrations"
        )
