"""A pooled session is given to the next caller as clean as a new one, whatever became of the last call on it."""

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
    """A service's pool, with one session."""
    async with create_pool(postgres.url(database), application_name="stockstream test", max_size=1) as pool:
        yield pool


async def test_a_call_that_fails_after_its_statement_was_prepared(one_session: Pool) -> None:
    with pytest.raises(asyncpg.DataError):
        async with acquire(one_session) as connection:
            await connection.fetchval(ITEM_OF_ID, "no number")
    await _is_clean(one_session)


async def test_a_call_that_is_cancelled_at_any_moment(one_session: Pool) -> None:
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
        await _is_clean(one_session)
    assert await _backend(one_session) == first, "the session was not kept"


@pytest.mark.parametrize("begin_transaction", [False, True])
async def test_a_session_that_is_lost_between_two_statements(
    one_session: Pool, pool: Pool, begin_transaction: bool
) -> None:
    """The pool takes it back at once, so that the next call on it is not even tried."""

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
    await _is_clean(one_session)


async def _backend(pool: Pool) -> int:
    async with acquire(pool) as connection:
        pid: int = await session_queries.select_backend(connection)
        return pid


async def _is_clean(pool: Pool) -> None:
    """No transaction is open: neither its locks are held, nor its snapshot is taken."""
    async with acquire(pool) as connection:
        assert not await _locked_tables(connection)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            assert await connection.fetchval("SELECT current_setting('transaction_isolation')") == "repeatable read"


async def _locked_tables(connection: Connection) -> list[str]:
    """The tables that any session holds, but for those of the catalog, which this statement reads itself."""
    rows = await connection.fetch(
        "SELECT DISTINCT relation::regclass::text AS name FROM pg_locks "
        "WHERE relation IS NOT NULL AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return [row["name"] for row in rows if not row["name"].startswith("pg_")]
