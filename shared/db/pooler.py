"""Detects a pooler in transaction mode in front of PostgreSQL, which can't keep our sessions."""

from __future__ import annotations

import asyncio
import sys

import asyncpg

from shared.db.database import session_queries as queries
from shared.db.errors import DRIVER_ERRORS

TIMEOUT_SECONDS = 2.0  # a database that does not answer must not delay the start


def refuse_transaction_pooler(url: str, setting: str) -> None:
    """Exit with one clear line if the address leads to a pooler in transaction mode.

    This does not wait for a database that can't be reached. The service does, and then finds out by itself.
    """
    if asyncio.run(_is_in_transaction_mode(url)):
        sys.exit(
            f"stockstream: {setting}: leads to a pooler in transaction mode, which loses the settings of our sessions:"
            " use session mode (PgBouncer: pool_mode = session), or connect to PostgreSQL directly"
        )


async def _is_in_transaction_mode(url: str) -> bool:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await _share_a_backend(url)
    except (ValueError, *DRIVER_ERRORS):
        return False


async def _share_a_backend(url: str) -> bool:
    """Whether two connections share a backend, or one changes its backend while the other is in a transaction."""
    first = await asyncpg.connect(url, timeout=TIMEOUT_SECONDS, statement_cache_size=0)
    try:
        second = await asyncpg.connect(url, timeout=TIMEOUT_SECONDS, statement_cache_size=0)
        try:
            before = await queries.select_backend(first)
            async with second.transaction():
                taken = await queries.select_backend(second)
                return bool(taken == before or await queries.select_backend(first) != before)
        finally:
            second.terminate()
    finally:
        first.terminate()
