"""Retention drops whole partitions, and keeps what it must."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from api_service.app import create_app
from api_service.http.as_of import find_state
from api_service.settings import ApiSettings
from api_service.store import history, items
from api_service.store.connections import open_pools
from api_service.store.history import EventCriteria
from shared.db.migrations import migrate
from shared.web.problems import Problem
from tests.partitions import small_partitions

if TYPE_CHECKING:
    from shared.db.database import Connection, Pool
    from tests.postgres import Connect, PostgresServer

DAY = timedelta(days=1)
PARTITION_EVENTS = 10
PATIENCE_SECONDS = 20
PRUNE = "SELECT prune_history($1, $2)"
AS_OF = "SELECT id, document::text FROM items_as_of($1) WHERE document IS NOT NULL"


@pytest.fixture(autouse=True)
async def _partitions(pool: Pool) -> None:
    await pool.execute(small_partitions(PARTITION_EVENTS))


async def partitions(pool: Pool) -> list[str]:
    rows = await pool.fetch("SELECT partition::text FROM log_partitions()")
    return [row[0].removeprefix("inventory_history_") for row in rows]


async def event_ids(pool: Pool) -> list[int]:
    return [row[0] for row in await pool.fetch("SELECT event_id FROM inventory_history ORDER BY event_id")]


async def as_of(connection: Pool | Connection, moment: int) -> dict[int, Any]:
    return {row["id"]: json.loads(row["document"]) for row in await connection.fetch(AS_OF, moment)}


async def make_old(pool: Pool, up_to: int) -> None:
    """Date events back: those up to this one are older than a day, the others a little younger."""
    await pool.execute(
        "UPDATE inventory_history"
        " SET changed_at = now() - interval '1 hour' * CASE WHEN event_id <= $1 THEN 25 ELSE 23 END",
        up_to,
    )


async def prune(connection: Pool | Connection, older_than: timedelta = DAY, batch: int = 4) -> int:
    """Prune in batches until nothing is left to do, and return the number of batches."""
    batches = 0
    while await connection.fetchval(PRUNE, older_than, batch):
        batches += 1
    return batches


async def write_history(pool: Pool) -> None:
    """Write 45 events: of a resting item (2), one that is deleted (3), one that comes back (4), and a busy one (1)."""
    await pool.execute(
        "INSERT INTO inventory (id, name, quantity)"
        " VALUES (1, 'busy', 1), (2, 'resting', 2), (3, 'gone', 3), (4, 'back', 4)"
    )
    for _ in range(3):
        await pool.execute("UPDATE inventory SET quantity = quantity + 1 WHERE id IN (3, 4)")
    await pool.execute("DELETE FROM inventory WHERE id >= 3")
    await pool.execute("INSERT INTO inventory (id, name, quantity) VALUES (4, 'back', 9)")
    while await pool.fetchval("SELECT log_head()") < 45:
        await pool.execute("UPDATE inventory SET quantity = quantity + 1 WHERE id = 1")


async def test_whole_partitions_are_replaced_by_the_last_events_of_existing_items(connect: Connect, pool: Pool) -> None:
    await write_history(pool)
    await make_old(pool, 34)
    past = {moment: await as_of(pool, moment) for moment in range(46)}
    api = await connect("stockstream_api")
    while await api.fetchval(PRUNE, DAY, 4):
        floor = await api.fetchval("SELECT log_floor()")
        assert floor in (0, 30), "the floor must move past all dropped partitions at once"
        assert [n for n in await event_ids(pool) if n > floor] == list(range(floor + 1, 46))
        for moment in range(floor, 46):
            assert await as_of(api, moment) == past[moment]
    assert await api.fetchval("SELECT log_floor()") == 30
    assert await partitions(pool) == ["kept_up_to_30", "from_31", "from_41"]
    assert await event_ids(pool) == [2, 13, *range(31, 46)]
    await pool.execute("UPDATE inventory SET quantity = 0 WHERE id = 2")  # event 46
    await make_old(pool, 46)
    await pool.execute("UPDATE inventory SET quantity = 1000 WHERE id = 1")  # event 47
    await prune(api)
    assert await partitions(pool) == ["kept_up_to_40", "from_41", "from_51"]
    assert await api.fetchval("SELECT log_floor()") == 46, "the old events of the last partition are deleted row by row"
    assert await event_ids(pool) == [13, 46, 47]
    assert await as_of(api, 46) == await as_of(pool, 46)
    await api.close()


async def test_another_session_goes_on_where_one_has_stopped(pool: Pool) -> None:
    await write_history(pool)
    await make_old(pool, 34)
    while await pool.fetchval("SELECT copied_up_to FROM inventory_history_reduction") < 12:
        await pool.execute(PRUNE, DAY, 4)
        await pool.expire_connections()
    await prune(pool)
    assert await event_ids(pool) == [2, 13, *range(31, 46)]


async def test_an_item_that_changes_or_is_deleted_meanwhile_loses_no_last_event(connect: Connect, pool: Pool) -> None:
    await write_history(pool)
    await make_old(pool, 34)
    deleting = await connect()
    transaction = deleting.transaction()
    await transaction.start()
    await deleting.execute("DELETE FROM inventory WHERE id = 2")
    while await pool.fetchval("SELECT copied_up_to FROM inventory_history_reduction") < 20:
        await pool.execute(PRUNE, DAY, 4)
    await pool.execute("UPDATE inventory SET quantity = 0 WHERE id = 4")  # event 46; event 13 is copied already
    await prune(pool)
    assert await event_ids(pool) == [2, 13, *range(31, 47)]
    await transaction.rollback()
    await deleting.execute("DELETE FROM inventory WHERE id = 2")
    await make_old(pool, 47)
    await prune(pool)
    assert await event_ids(pool) == [45, 46]
    await deleting.close()


async def test_movements_without_lines_are_deleted_with_the_partitions(pool: Pool) -> None:
    await pool.execute("INSERT INTO inventory (name, quantity) VALUES ('a', 1), ('b', 1), ('c', 1)")

    async def book(*ids: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL stockstream.reason = 'counted'")
            await connection.execute("UPDATE inventory SET quantity = quantity + 1 WHERE id = ANY ($1)", ids)

    open_movement = pool.acquire()
    connection = await open_movement
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SELECT begin_movement('me', NULL, 'counted', NULL, NULL)")  # movement 1, no line yet
    await connection.execute("UPDATE inventory SET quantity = 100 WHERE id = 3")
    await book(1, 2)  # the last events of item 2
    for _ in range(20):
        await book(1)
    await make_old(pool, 20)
    await prune(pool)
    assert await pool.fetchval("SELECT log_floor()") == 20
    await transaction.commit()
    await pool.release(connection)
    movements = [row[0] for row in await pool.fetch("SELECT id FROM movement ORDER BY id")]
    lines = [row[0] for row in await pool.fetch("SELECT DISTINCT movement FROM inventory_history WHERE movement > 0")]
    assert sorted(lines) == movements
    assert {1, 2} <= set(movements)


async def test_a_partition_that_spans_little_waits_until_all_of_it_is_old(pool: Pool) -> None:
    """Otherwise, its rows would be deleted one by one as they get old, and there would never be one to drop."""
    await write_history(pool)
    await make_old(pool, 24)
    await prune(pool)
    assert await event_ids(pool) == [2, 13, *range(21, 46)], "events 21 to 24 wait for the others of their partition"
    await pool.execute("UPDATE inventory_history SET changed_at = now() - interval '19 hours' WHERE event_id > 24")
    await prune(pool)
    assert await pool.fetchval("SELECT log_floor()") == 24, "the partition spans more than a tenth of the retention"
    assert await event_ids(pool) == [2, 13, *range(25, 46)]


@pytest.mark.parametrize("batch", [0, -1, None])
async def test_a_batch_without_rows_is_refused(connect: Connect, pool: Pool, batch: int | None) -> None:
    """It would count as the end of a partition."""
    await write_history(pool)
    await make_old(pool, 35)
    api = await connect("stockstream_api")
    before = await event_ids(pool)
    for _ in range(3):
        with pytest.raises(asyncpg.PostgresError, match="a batch has at least one row"):
            await api.fetchval(PRUNE, DAY, batch)
    assert await event_ids(pool) == before


async def test_two_retentions_leave_no_event_without_its_movement(pool: Pool) -> None:
    """An item changes after its last event has been copied, and a longer retention is asked to delete that event."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL stockstream.reason = 'sold'")
        await connection.execute("INSERT INTO inventory (name, quantity) SELECT 'item', 1 FROM generate_series(1, 2)")
    for _ in range(9):
        await pool.execute("UPDATE inventory SET quantity = quantity + 1 WHERE id = 2")
    await pool.execute("INSERT INTO inventory (name, quantity) SELECT 'other', 1 FROM generate_series(1, 20)")
    await pool.execute("UPDATE inventory_history SET changed_at = now() - interval '30 hours' * (40 - event_id)")
    for _ in range(2):
        await pool.execute(PRUNE, DAY, 3)
    await pool.execute("UPDATE inventory SET quantity = 9")
    await prune(pool, timedelta(hours=1050), 3)
    await prune(pool, DAY, 3)
    rows = await pool.fetch(
        "SELECT h.event_id FROM inventory_history AS h LEFT JOIN movement AS m ON m.id = h.movement"
        " WHERE h.movement IS NOT NULL AND m.id IS NULL"
    )
    assert rows == []


async def test_a_longer_retention_stops_what_has_begun(pool: Pool) -> None:
    await write_history(pool)
    await make_old(pool, 34)
    await pool.execute(PRUNE, DAY, 4)
    await pool.execute(PRUNE, DAY, 4)
    assert await prune(pool, 30 * DAY) == 0
    assert await event_ids(pool) == list(range(1, 46))
    assert await prune(pool) > 0
    assert await event_ids(pool) == [2, 13, *range(31, 46)]


async def test_an_upgrade_begins_the_copy_anew(
    postgres: PostgresServer, database: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration may have added a column."""
    await write_history(pool)
    await make_old(pool, 34)
    for _ in range(3):
        await pool.execute(PRUNE, DAY, 4)
    await pool.execute("ALTER TABLE inventory_history ADD COLUMN colour text")
    await pool.execute("DELETE FROM stockstream_migration WHERE name = 'functions'")
    await migrate(postgres.url(database))
    await prune(pool)
    assert await event_ids(pool) == [2, 13, *range(31, 46)]


async def test_a_reader_of_the_log_makes_the_drop_wait_and_nobody_else(connect: Connect, pool: Pool) -> None:
    await write_history(pool)
    await make_old(pool, 34)
    reader = await connect("stockstream_api")
    transaction = reader.transaction(isolation="repeatable_read")
    await transaction.start()
    before = await reader.fetch("SELECT event_id FROM inventory_history ORDER BY event_id")
    await prune(pool)
    assert await pool.fetchval("SELECT log_floor()") == 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        await pool.execute("UPDATE inventory SET quantity = 0 WHERE id = 1")
    assert await reader.fetch("SELECT event_id FROM inventory_history ORDER BY event_id") == before
    await transaction.commit()
    assert await prune(pool) > 0
    assert await event_ids(pool) == [2, 13, *range(31, 47)]
    await reader.close()


async def test_a_past_state_is_never_read_from_partitions_that_its_snapshot_does_not_match(
    postgres: PostgresServer, database: str, connect: Connect, pool: Pool
) -> None:
    """A request for the past begins while old partitions are dropped. It waits, and is then told that they are gone."""
    await write_history(pool)
    await make_old(pool, 34)
    past = await as_of(pool, 31)
    pruning = await connect()
    while await pool.fetchval("SELECT copied_up_to FROM inventory_history_reduction") < 30:
        await pool.execute(PRUNE, DAY, 4)
    transaction = pruning.transaction()
    await transaction.start()
    assert await pruning.fetchval(PRUNE, DAY, 4) == 1
    url = postgres.url(database, "stockstream_api")

    async def read_past(event_id: int) -> dict[int, Any]:
        async with pools.one_snapshot() as connection:
            await find_state(connection, event_id)
            rows = await items.select_past_page(connection, event_id, items.Selection("name"))
            return {row.id: json.loads(row.document) for row in rows}

    async with open_pools(url, application_name="test", size=8) as pools, create_app(ApiSettings()).app_context():
        old, young = asyncio.create_task(read_past(25)), asyncio.create_task(read_past(31))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'inventory_history'::regclass"
        while await pruning.fetchval(waiting) < 2:
            await asyncio.sleep(0.01)
        await transaction.commit()
        with pytest.raises(Problem, match="does not reach back"):
            await old
        assert await young == past
    await pruning.close()


async def test_history_and_audit_show_kept_events_and_no_others(pool: Pool) -> None:
    await write_history(pool)
    await make_old(pool, 34)
    await prune(pool)
    async with pool.acquire() as connection:
        found = await history.select_history(connection, EventCriteria(None), limit=100)
        assert [event.event_id for event in found] == [*range(45, 30, -1), 13, 2]
        found = await history.select_history(connection, EventCriteria(None, item=4), limit=100)
        assert [event.event_id for event in found] == [13]
        assert await history.select_deletions(connection, locations=None, limit=9) == []
        assert await items.restore_item(connection, 3, actor=items.Actor()) is None
