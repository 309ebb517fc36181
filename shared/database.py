"""The one door to PostgreSQL: how a service connects, and what it makes of the driver's errors."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiosql
import asyncpg

from shared.local.postgres import embedded_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.settings import Settings

SQL = Path(__file__).resolve().parent.parent / "sql"
CONNECT_TIMEOUT_SECONDS = 5.0
COMMAND_TIMEOUT_SECONDS = 30.0

Pool = asyncpg.Pool
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


class DatabaseUnavailableError(Exception):
    """PostgreSQL can't be reached, or can't serve now; the same call may succeed later."""


# Everything that says "not now" rather than "not like this".
_PASSING_FAULTS = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was cut while a statement began
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,  # a deadlock: another was in the way, the same call may go through
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.UndefinedTableError,  # not migrated yet
    asyncpg.UndefinedFunctionError,
    asyncpg.InsufficientPrivilegeError,
)


@contextlib.contextmanager
def translated_errors() -> Any:
    """Turn the driver's passing faults into DatabaseUnavailableError."""
    try:
        yield
    except _PASSING_FAULTS as error:
        raise DatabaseUnavailableError(f"{type(error).__name__}: {error}") from error


def database_url(settings: Settings, role: str) -> str:
    """The DSN to connect with: the one that is set, else the embedded PostgreSQL's, as this role."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded_url(settings.data_dir, role)


def create_pool(url: str, *, application_name: str, max_size: int) -> Pool:
    """A pool that connects when it is first used, so that a service may start before its database."""
    return asyncpg.create_pool(
        url,
        min_size=0,
        max_size=max_size,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        server_settings={"application_name": application_name},
        reset=_leave_as_it_is,
    )


async def _leave_as_it_is(_connection: asyncpg.Connection) -> None:
    """Our sessions keep nothing beyond a transaction (one that is left open is rolled back by the driver), so the
    usual reset would be a question to the database for nothing."""


@contextlib.asynccontextmanager
async def acquire(pool: Pool) -> AsyncIterator[Connection]:
    """A connection from the pool.

    Raises DatabaseUnavailableError when PostgreSQL can't serve, or no connection was free in time.
    """
    with translated_errors():
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):  # the pool's own would be a task each time
            connection = await pool.acquire()
        try:
            yield connection
        finally:
            await pool.release(connection, timeout=CONNECT_TIMEOUT_SECONDS)


def load_queries(name: str) -> Any:
    """The named queries of ``sql/queries/<name>.sql``, as coroutine functions of a connection."""
    return aiosql.from_path(SQL / "queries" / f"{name}.sql", "asyncpg")
