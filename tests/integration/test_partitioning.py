"""The migration that partitions a log, written by the version before: what it keeps, and what can interrupt it."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from shared.db import migrations
from shared.db.database import Functions, migration_queries, read_functions
from shared.db.migrations import MigrationError, migrate
from tests.partitions import small_partitions
from tests.unpartitioned import migrate_to_unpartitioned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.db.database import Connection
    from tests.postgres import PostgresServer

NAME = "unpartitioned"
PATIENCE_SECONDS = 20
DAY = timedelta(days=1)
CHANGE = "UPDATE inventory SET quantity = quantity + 1 WHERE id = 1"
DEFINITIONS = """
    SELECT regexp_replace(pg_get_indexdef(indexrelid), ' (INDEX \\S+|ON (ONLY )?\\S+)', '', 'g') AS definition
    FROM pg_index WHERE indrelid = $1::text::regclass
"""


@pytest.fixture
async def url(postgres: PostgresServer) -> AsyncIterator[str]:
    """A database of the version before, with 30 events of which ten are pruned."""
    postgres.sql("postgres", f"CREATE DATABASE {NAME}")
    url = postgres.url(NAME)
    await migrate_to_unpartitioned(url)
    connection = await asyncpg.connect(url)
    await connection.execute("INSERT INTO inventory (name, quantity) SELECT 'item', 1 FROM generate_series(1, 3)")
    for _ in range(25):
        await connection.execute(CHANGE)
    await connection.execute("DELETE FROM inventory WHERE id = 3")
    await connection.execute("BEGIN; SET CONSTRAINTS ALL IMMEDIATE; UPDATE inventory SET quantity = 0; ROLLBACK")
    await connection.execute(
        "UPDATE inventory_history SET changed_at = changed_at - interval '2 days' WHERE event_id <= 10"
    )
    assert await connection.fetchval("SELECT prune_history($1, 100)", DAY) == 10
    await connection.close()
    yield url
    postgres.drop_database(NAME)


@pytest.fixture
async def owner(url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions of ten event ids."""
    functions = read_functions()
    text = functions.text.replace("RETURN 5000000;", "RETURN 10;")
    assert text != functions.text
    monkeypatch.setattr(migrations, "read_functions", lambda: Functions(text, "small partitions"))


async def documents(owner: Connection) -> list[Any]:
    rows = await owner.fetch("SELECT history_document(h)::text FROM inventory_history AS h ORDER BY event_id")
    return [json.loads(row[0]) for row in rows]


async def state(owner: Connection) -> list[Any]:
    """What clients know of the log: its position, its extent, and its past."""
    extent = await owner.fetchrow("SELECT log_position(), log_floor(), log_epoch(), log_head()")
    past = [await owner.fetch("SELECT id, document::text FROM items_as_of($1)", moment) for moment in range(10, 30)]
    return [extent, *past]


async def test_a_migrated_log_is_the_same_log(url: str, owner: Connection) -> None:
    before = [await state(owner), await documents(owner)]
    epoch = await owner.fetchval(
        "SELECT left(encode(sha256(convert_to(concat_ws('/',"
        " (SELECT system_identifier FROM pg_control_system()),"
        " left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),"
        " (SELECT oid FROM pg_database WHERE datname = current_database()),"
        " 'inventory_history'::regclass::oid), 'UTF8')), 'hex'), 8)"
    )
    assert await owner.fetchval("SELECT log_epoch()") == epoch
    indexes = {row[0] for row in await owner.fetch(DEFINITIONS, "inventory_history")}
    assert (await migrate(url))[0] == "0017_partitions"
    assert [await state(owner), await documents(owner)] == before
    assert await owner.fetchval("SELECT log_epoch()") == epoch, "another epoch would reset every client"
    for table in (
        "inventory_history",
        *[row[0] for row in await owner.fetch("SELECT partition FROM log_partitions()")],
    ):
        assert {row[0] for row in await owner.fetch(DEFINITIONS, str(table))} == indexes
    await owner.execute(CHANGE)
    assert await owner.fetchval("SELECT log_head()") == 32, "ids go on after those that a rollback has used"
    assert await migrate(url) == []


async def test_privileges_on_the_log_are_kept_and_partitions_have_none(url: str, owner: Connection) -> None:
    await owner.execute("GRANT SELECT ON inventory_history TO pg_monitor WITH GRANT OPTION")
    await migrate(url)
    granted = (
        "SELECT grantee, privilege_type, is_grantable FROM information_schema.table_privileges WHERE table_name = $1"
    )
    rows = {tuple(row) for row in await owner.fetch(granted + " AND grantee <> 'stockstream'", "inventory_history")}
    assert rows == {
        ("pg_monitor", "SELECT", "YES"),
        ("stockstream_api", "SELECT", "NO"),
        ("stockstream_stream", "SELECT", "NO"),
    }
    for row in await owner.fetch("SELECT partition::text FROM log_partitions()"):
        assert await owner.fetch(granted + " AND grantee <> 'stockstream'", row[0]) == []


async def test_privileges_on_columns_and_those_that_others_have_passed_on_are_kept(url: str, owner: Connection) -> None:
    await owner.execute("CREATE ROLE auditor; CREATE ROLE their_report; CREATE ROLE counter")
    try:
        await owner.execute("GRANT SELECT ON inventory_history TO auditor WITH GRANT OPTION")
        await owner.execute("SET ROLE auditor; GRANT SELECT ON inventory_history TO their_report; RESET ROLE")
        await owner.execute("GRANT SELECT (event_id, item_id) ON inventory_history TO counter")
        await migrate(url)
        for role, columns in (("auditor", "*"), ("their_report", "*"), ("counter", "event_id, item_id")):
            await owner.execute(f"SET ROLE {role}")
            assert len(await owner.fetch(f"SELECT {columns} FROM inventory_history")) > 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.fetch("SELECT actor FROM inventory_history")
    finally:
        await owner.execute("RESET ROLE; DROP OWNED BY auditor, their_report, counter CASCADE")
        await owner.execute("DROP ROLE auditor, their_report, counter")


@pytest.mark.parametrize(
    "report",
    [
        "VIEW report AS SELECT actor, count(*) FROM inventory_history GROUP BY 1",
        "PUBLICATION report FOR TABLE inventory_history",
        "PUBLICATION report FOR TABLES IN SCHEMA public",
        "PUBLICATION report FOR ALL TABLES",
    ],
)
async def test_views_and_publications_of_the_log_are_reported(url: str, owner: Connection, report: str) -> None:
    """They would see only the first partition, or other tables than before."""
    await owner.execute(f"CREATE {report}")
    with pytest.raises(MigrationError, match=r"0017_partitions.*other objects refer to it: .*report"):
        await migrate(url)
    await owner.execute(f"DROP {report.split()[0]} report")
    await migrate(url)


async def test_a_log_that_is_published_can_be_pruned(url: str, owner: Connection) -> None:
    await migrate(url)
    await owner.execute("UPDATE inventory_history SET changed_at = changed_at - interval '2 days' WHERE event_id <= 20")
    await owner.execute("CREATE PUBLICATION report FOR TABLE inventory_history")
    assert await owner.fetchval("SELECT prune_history($1, 100)", DAY) == 10


async def test_indexes_of_any_name_are_kept(url: str, owner: Connection) -> None:
    names = ["my_report", '"inventory_history_Report"', "inventory_history_" + "x" * 45]
    for number, name in enumerate(names):
        await owner.execute(f"CREATE INDEX {name} ON inventory_history (actor, changed_at, (event_id + {number}))")
    indexes = {row[0] for row in await owner.fetch(DEFINITIONS, "inventory_history")}
    await migrate(url)
    for table in await owner.fetch("SELECT 'inventory_history' UNION ALL SELECT partition::text FROM log_partitions()"):
        assert {row[0] for row in await owner.fetch(DEFINITIONS, table[0])} == indexes
    for name in names:
        assert await owner.fetchval("SELECT to_regclass($1) IS NOT NULL", name)


async def test_an_index_whose_creation_was_interrupted_is_not_created_under_a_lock(url: str, owner: Connection) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await owner.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON inventory_history (item_id)")
    await migrate(url)
    assert await owner.fetchval("SELECT to_regclass('broken') IS NULL")


async def test_the_migration_waits_for_a_long_reader_and_delays_nobody(url: str, owner: Connection) -> None:
    reader = await asyncpg.connect(url)
    transaction = reader.transaction()
    await transaction.start()
    seen = await reader.fetch("SELECT event_id FROM inventory_history ORDER BY event_id")
    await reader.execute("SELECT 1")  # ends the snapshot, for which the migration would wait without a lock
    migrating = asyncio.create_task(migrate(url))
    tried = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(3):  # attempts
            while not await owner.fetchval(tried):
                await asyncio.sleep(0.005)
            await owner.execute(CHANGE)
            while await owner.fetchval(tried):
                await asyncio.sleep(0.005)
    assert not migrating.done()
    assert len(await reader.fetch("SELECT event_id FROM inventory_history")) == len(seen) + 3
    await transaction.commit()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await migrating
    await owner.execute(CHANGE)
    await reader.close()


async def test_functions_are_replaced_without_blocking_those_who_wait_behind_a_long_reader(
    url: str, owner: Connection
) -> None:
    """The triggers of other tables are created again, which needs an exclusive lock."""
    reader = await asyncpg.connect(url)
    async with reader.transaction():
        await reader.execute("SELECT * FROM location")  # keeps a lock, but no snapshot
        migrating = asyncio.create_task(migrate(url))
        tried = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await owner.fetchval(tried):
                await asyncio.sleep(0.005)
            await owner.fetch("SELECT * FROM location")
        assert not migrating.done()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await migrating
    await reader.close()


async def test_an_autovacuum_of_the_log_ends_for_the_migration(url: str, owner: Connection) -> None:
    vacuums = (
        "SELECT count(*) FROM pg_stat_progress_vacuum"
        " WHERE relid IN (to_regclass('inventory_history'), to_regclass('inventory_history_first'))"
    )
    for setting in ("naptime = '1s'", "vacuum_cost_delay = '100ms'", "vacuum_cost_limit = 1"):
        await owner.execute(f"ALTER SYSTEM SET autovacuum_{setting}")
    await owner.execute("SELECT pg_reload_conf()")
    try:
        await owner.execute("INSERT INTO inventory (name, quantity) SELECT 'item', 1 FROM generate_series(1, 3000)")
        await owner.execute("ALTER TABLE inventory_history SET (autovacuum_vacuum_scale_factor = 0)")
        await owner.execute("UPDATE inventory_history SET actor = 'x'")
        async with asyncio.timeout(4 * PATIENCE_SECONDS):
            while not await owner.fetchval(vacuums):
                await asyncio.sleep(0.05)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await migrate(url)
    finally:
        await owner.execute("ALTER SYSTEM RESET ALL")
        await owner.execute("SELECT pg_reload_conf()")


async def test_no_row_is_read_under_a_lock(url: str, owner: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL would read all rows to attach a partition, unless a constraint proves that they meet its bounds."""
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_end_first_partition", _do_nothing)
        await migrate(url)
    messages: list[str] = []
    owner.add_log_listener(lambda _, message: messages.append(message.message))
    await owner.execute("SET client_min_messages = debug1")
    await migration_queries.end_first_partition(owner)
    about = [message for message in messages if "inventory_history_first" in message]
    assert 'partition constraint for table "inventory_history_first" is implied by existing constraints' in about
    assert [message for message in about if "verifying" in message] == [
        'verifying table "inventory_history_first"'  # when the constraint is validated, which needs no lock
    ]
    assert not any("building index" in message for message in about)


async def _do_nothing(_: Connection) -> None: ...


async def test_an_owner_without_other_privileges_can_migrate_and_the_api_can_extend_and_prune(
    postgres: PostgresServer,
) -> None:
    postgres.sql("postgres", "CREATE ROLE plain_owner LOGIN CREATEROLE")
    postgres.sql("postgres", "CREATE DATABASE plain OWNER plain_owner")
    try:
        url = postgres.url("plain", "plain_owner")
        await migrate_to_unpartitioned(url)
        await migrate(url)
        owner, api = [await asyncpg.connect(postgres.url("plain", role)) for role in ("plain_owner", "stockstream_api")]
        await owner.execute(small_partitions(10))
        await api.execute("INSERT INTO inventory (name, quantity) SELECT 'item', 1 FROM generate_series(1, 25)")
        await owner.execute("UPDATE inventory_history SET changed_at = changed_at - interval '2 days'")
        await api.execute("UPDATE inventory SET quantity = 2 WHERE id > 5")
        while await api.fetchval("SELECT prune_history($1, 7)", DAY):
            pass
        rows = await api.fetch("SELECT event_id FROM inventory_history ORDER BY event_id")
        assert [row[0] for row in rows] == [*range(1, 6), *range(26, 46)]
        for connection in (owner, api):
            await connection.close()
    finally:
        postgres.drop_database("plain")
        postgres.sql("postgres", "DROP ROLE plain_owner")


# Interruptions ------------------------------------------------------------------------------------------------------


async def test_between_the_migration_and_its_functions_everything_works(
    url: str, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: Connection) -> None:
        raise MigrationError("interrupted")

    before = [await state(owner), await documents(owner)]
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_replace_functions", fail)
        with pytest.raises(MigrationError, match="interrupted"):
            await migrate(url)
    assert await owner.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'inventory_history'::regclass") == 1
    assert [await state(owner), await documents(owner)] == before
    await owner.execute(CHANGE)
    assert await owner.fetchval("SELECT log_head()") == 32
    await owner.execute("UPDATE inventory_history SET changed_at = changed_at - interval '2 days' WHERE event_id <= 20")
    assert await owner.fetchval("SELECT prune_history($1, 100)", DAY) == 10, "the functions are still the former ones"
    before = [await state(owner), await documents(owner)]
    await migrate(url)
    assert [await state(owner), await documents(owner)] == before
    await owner.execute(CHANGE)
    assert await owner.fetchval("SELECT log_head()") == 33


INTERRUPTED = """
    CREATE FUNCTION interrupt() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM pg_constraint WHERE conname = 'inventory_history_end' AND convalidated) THEN
            RAISE EXCEPTION 'interrupted';
        END IF;
    END;
    $$;
    CREATE EVENT TRIGGER interrupt ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION interrupt()
"""


@pytest.mark.usefixtures("_small")
async def test_an_interrupted_migration_fails_no_write_however_long_it_takes_to_go_on(
    url: str, owner: Connection
) -> None:
    """The interruption leaves a constraint that refuses ids after the next ten. The trigger of the log removes it."""
    await owner.execute(INTERRUPTED)
    with pytest.raises(MigrationError, match="interrupted"):
        await migrate(url)
    end = await owner.fetchval("SELECT log_partitions_end()")
    assert end == 31 + 10
    for _ in range(end):
        await owner.execute(CHANGE)
    assert await owner.fetchval("SELECT log_head()") == 31 + end
    await owner.execute("DROP EVENT TRIGGER interrupt")
    await migrate(url)
    bounds = [tuple(row) for row in await owner.fetch("SELECT starts_at, ends_before FROM log_partitions()")]
    assert bounds == [(None, 31 + end + 10), (31 + end + 10, 31 + end + 20)]


@pytest.mark.usefixtures("_small")
async def test_an_interrupted_migration_lets_nobody_wait_for_a_long_reader(url: str, owner: Connection) -> None:
    """While there is room for events, the trigger does not wait until it can remove the constraint."""
    await owner.execute(INTERRUPTED)
    with pytest.raises(MigrationError, match="interrupted"):
        await migrate(url)
    await owner.execute("DROP EVENT TRIGGER interrupt")
    end = await owner.fetchval("SELECT log_partitions_end()")
    reader = await asyncpg.connect(url)
    async with reader.transaction():
        await reader.fetch("SELECT count(*) FROM inventory_history")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await owner.fetchval("SELECT log_head()") < end - 1:
                await owner.execute(CHANGE)
    await reader.close()


@pytest.mark.usefixtures("_small")
async def test_an_interrupted_migration_removes_its_constraint_while_there_is_room(url: str, owner: Connection) -> None:
    await owner.execute(INTERRUPTED)
    with pytest.raises(MigrationError, match="interrupted"):
        await migrate(url)
    end = await owner.fetchval("SELECT log_partitions_end()")
    while await owner.fetchval("SELECT log_partitions_end()") == end:
        await owner.execute(CHANGE)
    assert await owner.fetchval("SELECT log_head()") < end


@pytest.mark.usefixtures("_small")
async def test_an_interrupted_migration_goes_on_where_it_was(url: str, owner: Connection) -> None:
    await owner.execute(INTERRUPTED)
    with pytest.raises(MigrationError, match="interrupted"):
        await migrate(url)
    await owner.execute("DROP EVENT TRIGGER interrupt")
    before = [await state(owner), await documents(owner)]
    assert await migrate(url) == []
    bounds = [tuple(row) for row in await owner.fetch("SELECT starts_at, ends_before FROM log_partitions()")]
    assert bounds == [(None, 41), (41, 51)]
    assert [await state(owner), await documents(owner)] == before
