"""Sixteen writers race, and no reader loses an event.

A sequence alone does not guarantee this: id 5 can commit after id 6, and a reader that has read up to 6 never sees 5.
Here, writers hold their transactions open for random times, abort a fifth of them, use every isolation level and
contend for few items. Meanwhile, a reader asks for the events after the last id it has seen, like the stream.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from typing import TYPE_CHECKING, Literal

import asyncpg
import pytest

from shared.db.database import Pool, load_queries

if TYPE_CHECKING:
    from tests.postgres import Connect

WRITERS = 16
TRANSACTIONS_EACH = 60
ITEMS = 12
ISOLATION: list[Literal["read_committed", "repeatable_read", "serializable"]] = [
    "read_committed",
    "repeatable_read",
    "serializable",
]
MAX_OPEN_SECONDS = 0.02
PAGE = 50

log = load_queries("log")


class RolledBackError(Exception):
    """Makes a writer roll back."""


async def write(pool: Pool, choose: random.Random, commits: list[int]) -> None:
    """Run transactions of one to three changes, held open for a while. Rolls back a fifth of them."""
    for _ in range(TRANSACTIONS_EACH):
        changes = choose.randint(1, 3)
        try:
            async with pool.acquire() as connection, connection.transaction(isolation=choose.choice(ISOLATION)):
                for item_id in sorted(choose.sample(range(1, ITEMS + 1), changes)):
                    await connection.execute("UPDATE inventory SET quantity = quantity + 1 WHERE id = $1", item_id)
                    await asyncio.sleep(choose.random() * MAX_OPEN_SECONDS)
                if choose.random() < 0.2:
                    raise RolledBackError
        except (RolledBackError, asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
            continue
        commits.append(changes)


async def read(pool: Pool, done: asyncio.Event) -> list[asyncpg.Record]:
    """Read the log in pages by position, until the writers are done and the log is exhausted."""
    seen: list[asyncpg.Record] = []
    async with pool.acquire() as connection:
        while True:
            last_look = done.is_set()
            after = seen[-1]["event_id"] if seen else 0
            page = [row async for row in log.select_events(connection, after=after, up_to=2**63 - 1, page=PAGE)]
            seen += page
            if last_look and not page:
                return seen
            await asyncio.sleep(0)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_sixteen_writers_race_and_a_reader_by_position_loses_nothing(pool: Pool, seed: int) -> None:
    await pool.execute("INSERT INTO inventory (name, quantity) SELECT 'item', 0 FROM generate_series(1, $1)", ITEMS)
    commits: list[int] = []
    done = asyncio.Event()
    reader = asyncio.create_task(read(pool, done))
    await asyncio.gather(*(write(pool, random.Random(seed * 1000 + writer), commits) for writer in range(WRITERS)))
    done.set()
    seen = await reader

    ids = [row["event_id"] for row in seen]
    rows = await pool.fetch(
        "SELECT event_id, item_id, (after->>'version')::int AS version FROM inventory_history ORDER BY event_id"
    )
    assert ids == sorted(set(ids)), "events are out of order or repeated"
    assert ids == [row["event_id"] for row in rows], "the reader lost events"
    assert len(ids) == ITEMS + sum(commits), "each committed change must be exactly one row"

    versions = defaultdict(list)
    for row in rows:
        versions[row["item_id"]].append(row["version"])
    for item_id, found in versions.items():
        assert found == list(range(1, len(found) + 1)), f"item {item_id} is not in version order"
    assert len(commits) > WRITERS, "too few transactions were committed"


async def test_a_long_open_transaction_delays_nobody_else(connect: Connect, pool: Pool) -> None:
    await pool.execute("INSERT INTO inventory (name, quantity) VALUES ('a', 0), ('b', 0)")
    slow = await connect()
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute("UPDATE inventory SET quantity = 1 WHERE name = 'a'")
    await pool.execute("UPDATE inventory SET quantity = 1 WHERE name = 'b'", timeout=5)
    assert await pool.fetchval("SELECT after->>'name' FROM inventory_history ORDER BY event_id DESC LIMIT 1") == "b"
    await transaction.commit()
    assert await pool.fetchval("SELECT after->>'name' FROM inventory_history ORDER BY event_id DESC LIMIT 1") == "a"
    await slow.close()


async def test_ids_drawn_early_are_still_in_commit_order(connect: Connect, pool: Pool) -> None:
    """SET CONSTRAINTS IMMEDIATE draws the id before the commit. The lock then makes the next writer wait."""
    await pool.execute("INSERT INTO inventory (name, quantity) VALUES ('a', 0), ('b', 0)")
    early = await connect()
    transaction = early.transaction()
    await transaction.start()
    await early.execute("UPDATE inventory SET quantity = 1 WHERE name = 'a'")
    await early.execute("SET CONSTRAINTS ALL IMMEDIATE")
    late = asyncio.create_task(pool.execute("UPDATE inventory SET quantity = 1 WHERE name = 'b'"))
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    while not await early.fetchval(waiting):
        await asyncio.sleep(0.01)
    await transaction.commit()
    await late
    names = await pool.fetch("SELECT after->>'name' AS name FROM inventory_history ORDER BY event_id DESC LIMIT 2")
    assert [row["name"] for row in names] == ["b", "a"]
    await early.close()
