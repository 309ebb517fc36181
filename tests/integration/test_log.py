"""A change and its row in the log are committed together or not at all, whatever makes the change."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Literal

import asyncpg
import pytest

from api_service.store import items
from shared.db.database import Connection, Pool, load_queries
from shared.log.fields import FIELDS, ItemFields
from shared.log.follower import select_head

if TYPE_CHECKING:
    from tests.postgres import Connect, PostgresServer


queries = load_queries("items")


async def history(pool: Pool) -> list[tuple[str, Any, Any]]:
    rows = await pool.fetch("SELECT operation, before, after FROM inventory_history ORDER BY event_id")
    return [(row[0], row[1] and json.loads(row[1]), row[2] and json.loads(row[2])) for row in rows]


async def add(pool: Pool, name: str = "bolt", quantity: int = 5) -> int:
    return int(
        await pool.fetchval("INSERT INTO inventory (name, quantity) VALUES ($1, $2) RETURNING id", name, quantity)
    )


async def test_each_operation_is_one_row_with_full_documents(pool: Pool) -> None:
    item_id = await add(pool)
    await pool.execute("UPDATE inventory SET quantity = 4")
    await pool.execute("DELETE FROM inventory")
    (insert, update, delete) = await history(pool)
    first, second = insert[2], update[2]
    assert insert == ("INSERT", None, first)
    assert update == ("UPDATE", first, second)
    assert delete == ("DELETE", second, None)
    assert list(first) == ["id", *FIELDS, "location", "counted_at", "version", "created_at", "updated_at"]
    assert (first["id"], first["name"], first["quantity"], first["version"]) == (item_id, "bolt", 5, 1)
    assert (second["quantity"], second["version"], second["created_at"]) == (4, 2, first["created_at"])


async def test_a_document_is_in_utc_whatever_the_time_zone_of_the_session(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("SET timezone = 'Asia/Kathmandu'")
        await connection.execute("INSERT INTO inventory (name, quantity) VALUES ('bolt', 1)")
        (row,) = await connection.fetch("SELECT after->>'created_at' AS text, changed_at FROM inventory_history")
    assert row["text"].endswith("Z")
    assert row["text"][:16] == row["changed_at"].strftime("%Y-%m-%dT%H:%M")


async def test_a_change_by_psql_is_logged_with_its_role(postgres: PostgresServer, database: str, pool: Pool) -> None:
    postgres.sql(database, "INSERT INTO inventory (name, quantity) VALUES ('bolt', 5)")
    postgres.sql(database, "UPDATE inventory SET quantity = 9 WHERE name = 'bolt'")
    assert [(row[0], row[2]["quantity"]) for row in await history(pool)] == [("INSERT", 5), ("UPDATE", 9)]
    assert await pool.fetchval("SELECT DISTINCT actor FROM inventory_history") == "stockstream"


async def test_copy_is_logged_row_by_row(postgres: PostgresServer, database: str, pool: Pool) -> None:
    rows = "".join(f"item {number}\t{number}\n" for number in range(500))
    done = postgres.psql(database, "COPY inventory (name, quantity) FROM STDIN", stdin=rows)
    assert done.returncode == 0, done.stderr
    logged = await history(pool)
    assert len(logged) == 500
    assert [row[2]["quantity"] for row in logged] == list(range(500))


async def test_an_update_of_100_000_rows_is_100_000_events_and_one_notification(pool: Pool, connect: Connect) -> None:
    rings: list[object] = []
    listener = await connect()
    await listener.add_listener("inventory_history", lambda *arguments: rings.append(arguments[3]))
    await pool.execute("INSERT INTO inventory (name, quantity) SELECT 'item', 1 FROM generate_series(1, 100000)")
    await pool.execute("UPDATE inventory SET quantity = quantity + 1")
    await listener.execute("SELECT 1")
    assert await pool.fetchval("SELECT count(*) FROM inventory_history WHERE operation = 'UPDATE'") == 100_000
    assert rings == ["", ""]
    await listener.close()


async def test_truncate_is_refused(pool: Pool) -> None:
    await add(pool)
    for table in ("inventory", "inventory_history", "inventory, inventory_history CASCADE"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="TRUNCATE"):
            await pool.execute(f"TRUNCATE {table}")
    assert await pool.fetchval("SELECT count(*) FROM inventory") == 1


async def test_a_replication_role_does_not_disable_the_log(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("INSERT INTO inventory (name, quantity) VALUES ('bolt', 1)")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute("TRUNCATE inventory")
    assert len(await history(pool)) == 1


async def test_a_rolled_back_transaction_leaves_only_a_gap_in_the_ids(pool: Pool) -> None:
    await add(pool)
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE inventory SET quantity = 0")
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        await transaction.rollback()
    await pool.execute("UPDATE inventory SET quantity = 7")
    assert [row["event_id"] for row in await pool.fetch("SELECT event_id FROM inventory_history")] == [1, 3]
    assert [row[0] for row in await history(pool)] == ["INSERT", "UPDATE"]


async def test_several_changes_of_an_item_in_one_transaction_are_several_events(pool: Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("INSERT INTO inventory (name, quantity) VALUES ('bolt', 1)")
        await connection.execute("UPDATE inventory SET quantity = 2")
        await connection.execute("UPDATE inventory SET quantity = 3")
        await connection.execute("DELETE FROM inventory")
    logged = await history(pool)
    assert [row[0] for row in logged] == ["INSERT", "UPDATE", "UPDATE", "DELETE"]
    assert [row[2]["version"] for row in logged[:3]] == [1, 2, 3]


@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_writers_of_every_isolation_level_are_logged(
    pool: Pool, isolation: Literal["repeatable_read", "serializable"]
) -> None:
    await add(pool)
    async with pool.acquire() as first, pool.acquire() as second:
        transaction = first.transaction(isolation=isolation)
        await transaction.start()
        await first.fetch("SELECT * FROM inventory")
        await second.execute("INSERT INTO inventory (name, quantity) VALUES ('nut', 1)")
        await first.execute("UPDATE inventory SET quantity = 6 WHERE name = 'bolt'")
        await transaction.commit()
    assert [row[2]["name"] for row in await history(pool)] == ["bolt", "nut", "bolt"]


async def test_a_name_of_200_four_byte_characters_is_whole_in_the_log(pool: Pool) -> None:
    name = "\N{PACKAGE}" * 200
    await add(pool, name)
    ((_, _, after),) = await history(pool)
    assert after["name"] == name


async def test_a_write_that_changes_nothing_is_not_logged(pool: Pool) -> None:
    await add(pool)
    assert await pool.execute("UPDATE inventory SET quantity = 5, name = ' bolt '") == "UPDATE 1"
    assert await pool.fetchval("SELECT version FROM inventory") == 1
    assert len(await history(pool)) == 1


async def test_the_version_increases_through_deletion_and_reinsertion(pool: Pool) -> None:
    item_id = await add(pool)
    for _ in range(2):
        await pool.execute("DELETE FROM inventory")
        await pool.execute("INSERT INTO inventory (id, name, quantity) VALUES ($1, 'bolt', 1)", item_id)
    assert await pool.fetchval("SELECT version FROM inventory") == 5
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("DELETE FROM inventory")
        await connection.execute("INSERT INTO inventory (id, name, quantity) VALUES ($1, 'bolt', 1)", item_id)
    assert await pool.fetchval("SELECT version FROM inventory") == 7


async def test_reinserting_an_id_waits_for_its_open_deletion(pool: Pool) -> None:
    item_id = await add(pool)
    async with pool.acquire() as first:
        transaction = first.transaction()
        await transaction.start()
        await first.execute("DELETE FROM inventory")
        again = asyncio.create_task(
            pool.fetchval("INSERT INTO inventory (id, name, quantity) VALUES ($1, 'b', 1) RETURNING version", item_id)
        )
        while not await first.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)
        await transaction.commit()
    assert await again == 3


async def test_ids_inserted_explicitly_are_skipped_by_the_sequence(pool: Pool) -> None:
    await pool.execute("INSERT INTO inventory (id, name, quantity) VALUES (1, 'a', 1), (2, 'b', 1), (4, 'd', 1)")
    await pool.execute("DELETE FROM inventory WHERE id = 2")
    assert [await add(pool), await add(pool)] == [3, 5]


async def test_an_id_cannot_change(pool: Pool) -> None:
    await add(pool)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="cannot change"):
        await pool.execute("UPDATE inventory SET id = 99")


@pytest.mark.parametrize(
    ("name", "quantity"),
    [("", 1), (" \t ", 1), ("x" * 201, 1), ("a\x07b", 1), ("a\x85b", 1), ("bolt", -1)],
)
async def test_the_database_enforces_the_limits(pool: Pool, name: str, quantity: int) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await add(pool, name, quantity)


@pytest.mark.parametrize("name", [" bolt\n", "\u00a0bolt\u3000", "\x1cbolt\x85", "\u2029bolt\u200a"])
async def test_the_database_trims_a_name_as_python_does(pool: Pool, name: str) -> None:
    await add(pool, name)
    assert name.strip() == await pool.fetchval("SELECT name FROM inventory") == "bolt"


async def test_a_snapshot_and_every_event_after_it_are_the_table(pool: Pool) -> None:
    """The position and the items of a list come from one database snapshot, despite concurrent writers."""
    await pool.execute("INSERT INTO inventory (name, quantity) SELECT 'item', 0 FROM generate_series(1, 5)")
    stop = asyncio.Event()

    async def keep_writing() -> None:
        while not stop.is_set():
            await pool.execute(
                "UPDATE inventory SET quantity = quantity + 1 WHERE id = (SELECT 1 + floor(random() * 5)::int)"
            )

    writers = [asyncio.create_task(keep_writing()) for _ in range(4)]
    snapshots: dict[int, list[Any]] = {}
    async with asyncio.timeout(30), pool.acquire() as connection:
        while len(snapshots) < 50:  # until there are snapshots at 50 positions
            row = await queries.select_items(connection)
            snapshots[int(row["position"].rpartition("-")[2])] = json.loads(row["items"])
    stop.set()
    await asyncio.gather(*writers)

    events = await pool.fetch("SELECT event_id, item_id, after FROM inventory_history ORDER BY event_id")
    table = json.loads(await pool.fetchval("SELECT json_agg(item_document(i) ORDER BY id) FROM inventory i"))
    for position, listed in snapshots.items():
        state = {item["id"]: item for item in listed}
        for event in events:
            if event["event_id"] > position:
                after = json.loads(event["after"])
                assert after["version"] == state[event["item_id"]]["version"] + 1, "an event is missing or repeated"
                state[event["item_id"]] = after
        assert sorted(state.values(), key=lambda item: item["id"]) == table


async def test_the_epoch_changes_with_the_database(postgres: PostgresServer, pool: Pool) -> None:
    async with pool.acquire() as connection:
        here = await select_head(connection)
        assert here == await select_head(connection)
    other = postgres.create_database()
    assert postgres.sql(other, "SELECT log_epoch()") != [(here.epoch,)]
    postgres.drop_database(other)


async def test_the_first_event_of_a_timeline_is_committed_with_the_timeline(pool: Pool) -> None:
    """A standby derives its epoch from it; tests/faults/test_standby.py has real promotions."""

    async def timeline_is_current(connection: Connection | Pool) -> bool:
        return bool(await connection.fetchval("SELECT log_timeline() = current_timeline()"))

    assert await timeline_is_current(pool)
    await pool.execute("UPDATE inventory_history_timeline SET timeline = '00000000'")  # as after a promotion
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("INSERT INTO inventory (name, quantity) VALUES ('bolt', 1)")
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert await timeline_is_current(connection)
        assert not await timeline_is_current(pool)
        await transaction.rollback()
        assert not await timeline_is_current(connection)
        await connection.execute("INSERT INTO inventory (name, quantity) VALUES ('bolt', 1)")
        assert await timeline_is_current(connection)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("stockstream_api", "UPDATE inventory_history SET actor = 'x'"),
        ("stockstream_api", "DELETE FROM inventory_history"),
        ("stockstream_api", "INSERT INTO inventory_history (item_id, operation) VALUES (1, 'INSERT')"),
        ("stockstream_api", "UPDATE inventory SET version = 1"),
        ("stockstream_api", "ALTER TABLE inventory DISABLE TRIGGER ALL"),
        ("stockstream_api", "SET session_replication_role = replica"),
        ("stockstream_api", "CREATE TABLE t ()"),
        ("stockstream_api", "UPDATE inventory SET location = 1"),
        ("stockstream_api", "INSERT INTO movement (reason, actor) VALUES ('sold', 'x')"),
        ("stockstream_api", "UPDATE movement SET actor = 'x'"),
        ("stockstream_api", "DELETE FROM location_ancestor"),
        ("stockstream_api", "DELETE FROM rights_change"),
        ("stockstream_api", "UPDATE inventory_history_timeline SET timeline = '00000002'"),
        ("stockstream_stream", "INSERT INTO location (name) VALUES ('x')"),
        ("stockstream_stream", "INSERT INTO inventory (name, quantity) VALUES ('a', 1)"),
        ("stockstream_stream", "UPDATE inventory SET quantity = 1"),
        ("stockstream_stream", "DELETE FROM inventory"),
        ("stockstream_stream", "DELETE FROM inventory_history"),
        ("stockstream_stream", "SELECT setval('inventory_history_event_id_seq', 1)"),
    ],
)
async def test_a_service_lacks_privileges_that_it_does_not_need(connect: Connect, role: str, statement: str) -> None:
    connection = await connect(role)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


async def test_the_actor_of_a_transaction_reaches_the_log(connect: Connect, pool: Pool) -> None:
    api = await connect("stockstream_api")
    for name, actor in (("bolt", "Zoë"), ("nut", None)):
        await items.insert_items(api, [items.Addition(ItemFields(name=name, quantity=1))], actor=items.Actor(actor))
    await api.close()
    actors = await pool.fetch("SELECT actor FROM inventory_history ORDER BY event_id")
    assert [row["actor"] for row in actors] == ["Zoë", "stockstream_api"]
