"""A service that starts while PostgreSQL goes away: the check for a pooler must not end it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.db import pooler
from shared.db.database import session_queries

if TYPE_CHECKING:
    import asyncpg

    from tests.postgres import PostgresServer


@pytest.mark.parametrize("rounds_of_the_loop", range(4))
@pytest.mark.parametrize("query_that_fails", range(1, 4))
async def test_a_session_that_ends_between_two_calls_is_no_sign_of_a_pooler(
    postgres: PostgresServer,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    query_that_fails: int,
    rounds_of_the_loop: int,
) -> None:
    """Depending on the moment, the driver has read the server's last message, or the end of the connection, or neither.

    The sessions are ended while the loop stands still, so that each of these moments is reached.
    """
    select_backend, queries = session_queries.select_backend, 0

    async def end_sessions_after(connection: asyncpg.Connection) -> int:
        nonlocal queries
        answer: int = await select_backend(connection)
        queries += 1
        if queries == query_that_fails:
            postgres.sql(
                database,
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            for _ in range(rounds_of_the_loop):
                await asyncio.sleep(0)
        return answer

    monkeypatch.setattr(session_queries, "select_backend", end_sessions_after)
    assert not await pooler._is_in_transaction_mode(postgres.url(database))
    assert queries >= query_that_fails
