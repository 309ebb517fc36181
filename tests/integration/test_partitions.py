"""The log is partitioned by event ids: writes never lack a partition, and reads don't notice the bounds."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import asyncpg
import pytest

from api_service.store import history
from api_service.store.history import EventCriteria
from shared.db.database import load_queries
from stream_service.store import log as log_store
from tests.partitions import small_partitions

if TYPE_CHECKING:
    from shared.db.database import Connection, Pool
    from tests.postgres import Connect

PARTITION_EVENTS = 10
PATIENCE_SECONDS = 20
ITEMS = 4
AS_OF = "SELECT id, document::text FROM items_as_of($1) WHERE document IS NOT NULL"
STATE = "SELECT id, item_document(i)::text FROM inventory AS i"
CHANGE = "UPDATE inventory SET quantity = quantity + 1 WHERE id = $1"


@pytest.fixture(autouse=True)
async def _partitions(pool: Pool) -> None:
    await pool.execute(small_partitions(PARTITION_EVENTS))


async def bounds(pool: Pool) -> list[tuple[int, int]]:
    """The first and the last id of each partition."""
    rows = await pool.fetch("SELECT coalesce(starts_at, 1), ends_before - 1 FROM log_partitions()")
    return [(row[0], row[1]) for row in rows]


async def event_ids(pool: Pool) -> list[int]:
    return [row[0] for row in await pool.fetch("SELECT event_id FROM inventory_history ORDER BY event_id")]


async def read_state(connection: Pool | Connection, query: str, *parameters: int) -> dict[int, str]:
    return {row[0]: row[1] for row in await connection.fetch(query, *parameters)}


async def add_items(pool: Pool, count: int = ITEMS) -> None:
    await pool.execute("INSERT INTO inventory (name, quantity) SELECT 'item', 1 FROM generate_series(1, $1)", count)


async def write_random_history(pool: Pool, events: int, choose: random.Random) -> list[dict[int, str] | None]:
    """Write this many events, in transactions of various sizes, and return the stock after each event.

    Changes of more than one event are movements. Within those, only the stock at the end is known (None before).
    """
    await add_items(pool)
    states: list[dict[int, str] | None] = [{}, *[None] * (ITEMS - 1), await read_state(pool, STATE)]
    while len(states) <= events:
        ids = sorted(choose.sample(range(1, ITEMS + 1), choose.randint(1, 3)))
        async with pool.acquire() as connection, connection.transaction():
            if len(ids) > 1:
                await connection.execute("SET LOCAL stockstream.reason = 'sold'")
            await connection.execute(f"SET LOCAL stockstream.actor = 'actor {choose.randint(1, 3)}'")
            for item_id in ids:
                await connection.execute(CHANGE, item_id)
        states += [*[None] * (len(ids) - 1), await read_state(pool, STATE)]
    return states


# Writing ------------------------------------------------------------------------------------------------------------


async def test_partitions_are_contiguous_and_one_is_always_ahead(pool: Pool) -> None:
    await add_items(pool)
    for number in range(ITEMS + 1, 60):
        await pool.execute(CHANGE, number % ITEMS + 1)
        found = await bounds(pool)
        assert found[0][0] == 1
        assert all(after[0] == before[1] + 1 for before, after in pairwise(found))
        assert found[-1][1] >= number + PARTITION_EVENTS // 2, "half a partition must be free for the next writes"
    assert await event_ids(pool) == list(range(1, 60))
    assert len(await bounds(pool)) == 7


async def test_a_transaction_may_fill_several_partitions(pool: Pool) -> None:
    await add_items(pool, 75)
    assert await event_ids(pool) == list(range(1, 76))


async def test_a_write_after_many_unused_ids_has_a_partition(pool: Pool) -> None:
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("INSERT INTO inventory (name, quantity) SELECT 'item', 1 FROM generate_series(1, 75)")
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        await transaction.rollback()
    await add_items(pool, 2)
    assert await event_ids(pool) == [76, 77]
    assert await pool.fetchval("SELECT log_head()") == 77
    async with pool.acquire() as connection, connection.transaction():
        savepoint = connection.transaction()
        await savepoint.start()
        await connection.execute("INSERT INTO inventory (name, quantity) SELECT 'item', 1 FROM generate_series(1, 30)")
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        await savepoint.rollback()
        await connection.execute(CHANGE, await connection.fetchval("SELECT min(id) FROM inventory"))
    assert await event_ids(pool) == [76, 77, 108]


@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read", "serializable"])
async def test_writers_with_old_snapshots_use_new_partitions(
    connect: Connect, pool: Pool, isolation: Literal["read_committed", "repeatable_read", "serializable"]
) -> None:
    await add_items(pool)
    old = await connect()
    transaction = old.transaction(isolation=isolation)
    await transaction.start()
    await old.execute(CHANGE, 1)
    for _ in range(50):
        await pool.execute(CHANGE, 2)
    await transaction.commit()
    await old.close()
    assert await event_ids(pool) == list(range(1, ITEMS + 52))


async def test_racing_writers_extend_the_log_in_commit_order(pool: Pool) -> None:
    await pool.execute(small_partitions(3))
    await add_items(pool)
    done = asyncio.Event()

    async def write(choose: random.Random) -> None:
        for _ in range(25):
            async with pool.acquire() as connection, connection.transaction():
                for item_id in sorted(choose.sample(range(1, ITEMS + 1), choose.randint(1, 3))):
                    await connection.execute(CHANGE, item_id)

    async def follow() -> list[int]:
        seen = [0]
        async with pool.acquire() as connection:
            while True:
                is_last = done.is_set()
                page = await log_store.select_events(connection, "epoch", after=seen[-1], page=7)
                seen += [frame.event_id for frame in page]
                if is_last and not page:
                    return seen[1:]

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(random.Random(seed)) for seed in range(8)))
    done.set()
    assert await following == await event_ids(pool)
    versions = defaultdict(list)
    for row in await pool.fetch("SELECT item_id, after ->> 'version' AS v FROM inventory_history ORDER BY event_id"):
        versions[row["item_id"]].append(int(row["v"]))
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())


async def test_a_session_that_locks_the_log_against_new_partitions_delays_nobody_while_there_is_room(
    connect: Connect, pool: Pool
) -> None:
    """ANALYZE of the log takes this lock."""
    await add_items(pool)
    locking = await connect()
    transaction = locking.transaction()
    await transaction.start()
    await locking.execute("LOCK TABLE ONLY inventory_history IN SHARE UPDATE EXCLUSIVE MODE")
    end = await pool.fetchval("SELECT log_partitions_end()")
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(end - ITEMS - 1):
            await pool.execute(CHANGE, 1)
    assert await pool.fetchval("SELECT log_head()") == end - 1
    waiting = asyncio.create_task(pool.execute(CHANGE, 1))
    while not await locking.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"):
        await asyncio.sleep(0.01)
    await transaction.commit()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await waiting
    assert await pool.fetchval("SELECT log_head()") == end
    await locking.close()


async def test_a_temporary_table_can_not_pretend_that_the_log_is_not_partitioned_yet(
    connect: Connect, pool: Pool
) -> None:
    api = await connect("stockstream_api")
    await api.execute(
        "CREATE TEMPORARY TABLE inventory_history_first"
        " (event_id bigint, CONSTRAINT inventory_history_end CHECK (true))"
    )
    for _ in range(3 * PARTITION_EVENTS):
        await api.execute("INSERT INTO inventory (name, quantity) VALUES ('item', 1)")
    await api.execute("SELECT extend_log()")
    assert await event_ids(pool) == [*range(1, 3 * PARTITION_EVENTS + 1)]


async def test_a_transaction_that_reads_the_log_by_a_cursor_can_write_to_it(pool: Pool) -> None:
    """PostgreSQL refuses to change a table that the same session is reading."""
    await add_items(pool)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor = await connection.cursor("SELECT event_id FROM inventory_history")
        while await pool.fetchval("SELECT last_value FROM inventory_history_event_id_seq") < PARTITION_EVENTS:
            await connection.execute(CHANGE, 1)
        assert await cursor.fetch(1)
    await pool.execute(CHANGE, 1)
    assert await pool.fetchval("SELECT log_head()") == PARTITION_EVENTS + 1


async def test_the_api_extends_the_log_before_the_last_partition_is_half_full(connect: Connect, pool: Pool) -> None:
    api, stream = await connect("stockstream_api"), await connect("stockstream_stream")
    await api.execute("SELECT extend_log()")
    assert await bounds(pool) == [(1, 10), (11, 20)]
    await api.execute("SELECT extend_log()")
    assert await bounds(pool) == [(1, 10), (11, 20)], "a partition is still unused"
    await add_items(pool, 11)
    assert len(await bounds(pool)) == 2
    await api.execute("SELECT extend_log()")
    assert len(await bounds(pool)) == 3
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await stream.execute("SELECT extend_log()")
    await api.close()
    await stream.close()


async def test_no_partition_can_be_emptied_or_changed_past_the_log(connect: Connect, pool: Pool) -> None:
    await add_items(pool, 25)
    partitions = [row[0] for row in await pool.fetch("SELECT partition::text FROM log_partitions()")]
    assert len(partitions) >= 3
    services = [await connect(role) for role in ("stockstream_api", "stockstream_stream")]
    for partition in partitions:
        async with pool.acquire() as owner:
            await owner.execute("SET session_replication_role = replica")
            with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="TRUNCATE"):
                await owner.execute(f"TRUNCATE {partition}")
        for service in services:
            for statement in (
                f"DELETE FROM {partition}",
                f"UPDATE {partition} SET actor = 'x'",
                f"TRUNCATE {partition}",
                f"ALTER TABLE inventory_history DETACH PARTITION {partition}",
                "SELECT create_partition('x')",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await service.execute(statement)
    for service in services:
        assert await service.fetchval("SELECT count(*) FROM inventory_history") == 25
        await service.close()


# Reading ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_reader_reads_across_bounds(connect: Connect, pool: Pool, seed: int) -> None:
    states = await write_random_history(pool, 45, random.Random(seed))
    head = await pool.fetchval("SELECT log_head()")
    events = [json.loads(row[0]) for row in await pool.fetch("SELECT history_document(h) FROM inventory_history AS h")]
    events.sort(key=lambda event: -event["event_id"])
    assert [event["event_id"] for event in events] == list(range(head, 0, -1))
    times = {row[0]: row[1] for row in await pool.fetch("SELECT event_id, changed_at FROM inventory_history")}
    connection = await connect("stockstream_api")

    async def found(page: int, after: int | None, **criteria: Any) -> list[int]:
        rows = await history.select_history(connection, EventCriteria(None, **criteria), limit=page, after=after)
        return [row.event_id for row in rows]

    for event_id in range(head + 1):
        for page in (1, 4, 100):
            read = await log_store.select_events(connection, "epoch", after=event_id, page=page)
            assert [frame.event_id for frame in read] == list(range(event_id + 1, head + 1))[:page]
            read = await log_store.select_events(connection, "epoch", after=event_id, up_to=event_id + 13, page=page)
            assert [frame.event_id for frame in read] == list(range(event_id + 1, min(event_id + 13, head) + 1))[:page]
        if states[event_id] is not None:
            assert await read_state(connection, AS_OF, event_id) == states[event_id]
        older = [event for event in events if event["event_id"] <= event_id]
        criteria: list[dict[str, Any]] = [{}, {"item": 2}, {"actor": "actor 1"}, {"reason": "sold"}]
        for wanted in criteria:
            field = {"item": "item_id"}
            expected = [
                event["event_id"]
                for event in older
                if all(event[field.get(name, name)] == value for name, value in wanted.items())
            ]
            assert await found(3, event_id + 1, **wanted) == expected[:3]
        if event_id:
            assert await history.select_event_at(connection, times[event_id]) == event_id
            assert await found(100, None, until=times[event_id]) == [event["event_id"] for event in older]
            assert await found(100, None, since=times[event_id]) == list(range(head, event_id, -1))

    for movement in {event["movement"] for event in events if event["movement"]}:
        lines = [event["item_id"] for event in events if event["movement"] == movement]
        text = await load_queries("movements").select_movement(connection, id=movement, locations=None)
        assert [line["item"] for line in json.loads(text)["lines"]] == sorted(lines)
        assert json.loads(text)["complete"] is True
    await pool.execute("DELETE FROM inventory WHERE id <= 2")
    assert [row.event_id for row in await history.select_deletions(connection, locations=None, limit=9)] == [
        head + 2,
        head + 1,
    ]
    await connection.close()


async def plan(connection: Connection, query: str) -> str:
    """The plan of this query as it ran, with generic plans as in a session that has prepared it."""
    return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {query}"))


async def test_the_head_is_read_from_the_newest_partitions_alone(pool: Pool) -> None:
    await add_items(pool, 195)
    assert len(await bounds(pool)) >= 20
    async with pool.acquire() as connection:
        used = await plan(connection, "SELECT max(event_id) FROM inventory_history")
    scans = re.findall(r"Index Only Scan Backward using \S+ on (\S+).*\(actual rows=(\S+)", used)
    assert [int(float(rows)) for _, rows in scans] == [0] * (len(scans) - 1) + [1], used
    assert len(scans) <= 3, used
    assert len(re.findall("never executed", used)) >= 17, used


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_range_of_events_is_read_from_its_partitions_alone(pool: Pool, mode: str) -> None:
    await add_items(pool, 195)
    async with pool.acquire() as connection:
        await connection.execute(f"SET plan_cache_mode = {mode}")
        await connection.execute(f"PREPARE replay AS {log_store.queries.select_events.sql}")
        used = await plan(connection, "EXECUTE replay (95, 104, 1000)")
    partitions = set(re.findall(r"on (inventory_history_\w+)", used))
    assert partitions == {"inventory_history_from_91", "inventory_history_from_101"}, used
