"""Detects a pooler in transaction mode in front of PostgreSQL, which can't keep our sessions."""

from __future__ import annotations

import asyncio
import sys

import asyncpg

from shared.db.database import session_queries as queries

TRIED_SECONDS = 2.0  # a database that does not answer must not delay the start


def refuse_transaction_pooler(url: str, setting: str) -> None:
    """Exit with one clear line if the address leads to a pooler in transaction mode.

    A database that can't be reached now is not waited for: the service will, and then finds out by itself.
    """
    if asyncio.run(_lends_to_transactions(url)):
        sys.exit(
            f"stockstream: {setting}: leads to a pooler that lends connections to transactions; sessions keep settings"
            " here, so let it lend them to sessions (PgBouncer: pool_mode = session), or name PostgreSQL itself"
        )


async def _lends_to_transactions(url: str) -> bool:
    try:
        async with asyncio.timeout(TRIED_SECONDS):
            return await _share_a_backend(url)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


async def _share_a_backend(url: str) -> bool:
    """Whether a connection gets another backend while a second one is in a transaction, or both share one."""
    first = await asyncpg.connect(url, timeout=TRIED_SECONDS, statement_cache_size=0)
    try:
        second = await asyncpg.connect(url, timeout=TRIED_SECONDS, statement_cache_size=0)
        try:
            before = await queries.select_backend(first)
            async with second.transaction():
                taken = await queries.select_backend(second)
                return bool(taken == before or await queries.select_backend(first) != before)
        finally:
            second.terminate()
    finally:
        first.terminate()
