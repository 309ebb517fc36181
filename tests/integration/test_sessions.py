"""A pooled session is clean for the next caller, even if the previous call failed or was cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from shared.db.database import acquire, create_pool, session_queries
from shared.db.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.db.database import Connection, Pool
    from tests.postgres import PostgresServer

ITEM_OF_ID = "SELECT name FROM inventory WHERE id = $1"


@pytest.fixture
async def one_session(postgres: PostgresServer, database: str) -> AsyncIterator[Pool]:
    """A pool with one session, configured like a service's."""
    async with create_pool(postgres.url(database), application_name="stockstream test", max_size=1) as pool:
        yield pool


async def test_a_session_is_clean_after_a_statement_that_failed_once_prepared(one_session: Pool) -> None:
    with pytest.raises(asyncpg.DataError):
        async with acquire(one_session) as connection:
            await connection.fetchval(ITEM_OF_ID, "no number")
    await _check_session_is_clean(one_session)


async def test_a_session_is_clean_after_a_cancellation_at_any_moment(one_session: Pool) -> None:
    async def read(number: int) -> None:
        async with acquire(one_session) as connection:
            await connection.fetchval(f"SELECT name, {number} FROM inventory WHERE id = $1", number)

    first = await _backend(one_session)
    for turns in range(0, 150, 3):
        reading = asyncio.create_task(read(turns))
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await _check_session_is_clean(one_session)
    assert await _backend(one_session) == first, "the session was not kept"


@pytest.mark.parametrize("begin_transaction", [False, True])
async def test_the_pool_replaces_a_session_that_is_lost_between_two_statements(
    one_session: Pool, pool: Pool, begin_transaction: bool
) -> None:
    """The pool notices the loss at once, so that the second statement fails without being sent."""

    async def two_statements() -> None:
        async with acquire(one_session) as connection:
            backend = await session_queries.select_backend(connection)
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            await pool.execute("SELECT pg_terminate_backend($1)", backend)
            async with asyncio.timeout(10):
                await lost.wait()
            if begin_transaction:
                await connection.transaction().start()
            await connection.fetchval(ITEM_OF_ID, 1)

    with pytest.raises(DatabaseUnavailableError):
        await two_statements()
    await _check_session_is_clean(one_session)


async def _backend(pool: Pool) -> int:
    async with acquire(pool) as connection:
        pid: int = await session_queries.select_backend(connection)
        return pid


async def _check_session_is_clean(pool: Pool) -> None:
    """Check that no transaction is open: no locks are held, and no snapshot has been taken."""
    async with acquire(pool) as connection:
        assert not await _locked_tables(connection)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            assert await connection.fetchval("SELECT current_setting('transaction_isolation')") == "repeatable read"


async def _locked_tables(connection: Connection) -> list[str]:
    """Return the tables that any session has locked, except catalogs, which this query itself locks."""
    rows = await connection.fetch(
        "SELECT DISTINCT relation::regclass::text AS name FROM pg_locks "
        "WHERE relation IS NOT NULL AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return [row["name"] for row in rows if not row["name"].startswith("pg_")]
