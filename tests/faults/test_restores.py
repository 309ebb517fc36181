"""The log is restored to an earlier state. Clients that have seen later events get a reset."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from shared.db import migrations
from shared.db.migrations import MigrationError, migrate
from shared.local import postgres
from tests.faults.readers import Reader, Seen
from tests.faults.waiting import within
from tests.partitions import small_partitions
from tests.stack import Stack
from tests.unpartitioned import migrate_to_unpartitioned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from shared.db.database import Connection
    from tests.postgres import PostgresServer

PATIENCE_SECONDS = 30
RESTORE = ["--clean", "--if-exists", "--single-transaction", "--exit-on-error"]  # as in docs/PRODUCTION.md
SETTINGS = {"STREAM_HEARTBEAT_SECONDS": "1", "LOG_LEVEL": "error"}


@pytest.fixture
def stack(own_postgres: PostgresServer, tmp_path: Path) -> Iterator[Stack]:
    """Both services and ten items, on a PostgreSQL that the test may replace."""
    stack = Stack(own_postgres, own_postgres.create_database(), tmp_path, SETTINGS)
    stack.sql("INSERT INTO inventory (name, quantity) SELECT 'item', 0 FROM generate_series(1, 10)")
    start(stack)
    yield stack
    stack.close()


def start(stack: Stack) -> None:
    for name in ("api", "stream"):
        stack.start(name)


def stop(stack: Stack) -> None:
    for name in ("api", "stream"):
        assert stack.stop(name) == 0


def run(*command: str) -> None:
    subprocess.run(command, timeout=PATIENCE_SECONDS, check=True)


def dump(url: str, file: Path) -> None:
    run(postgres.binary("pg_dump"), "-Fc", "-d", url, "-f", str(file))


def change(stack: Stack, events: int) -> None:
    stack.sql(
        "DO $$ BEGIN FOR i IN 1.." + str(events) + " LOOP"
        " UPDATE inventory SET quantity = quantity + 1 WHERE id = i % 10 + 1; END LOOP; END $$"
    )


def head(stack: Stack) -> Seen:
    ((epoch, event_id),) = stack.sql("SELECT log_epoch(), log_head()")
    return Seen(epoch, int(event_id))


@contextlib.asynccontextmanager
async def following(stack: Stack) -> AsyncIterator[list[Reader]]:
    """Run two readers and wait for the head: one loads the list, the other the snapshot of the stream."""
    readers = [
        Reader("by list", stack.stream_url, stack.api_url, by_snapshot=False),
        Reader("by snapshot", stack.stream_url, stack.api_url, by_snapshot=True),
    ]
    tasks = [asyncio.create_task(reader.run()) for reader in readers]
    await wait_for_head(stack, readers)
    yield readers
    for task in tasks:
        task.cancel()
    async with within(PATIENCE_SECONDS, "the readers to end"):
        await asyncio.gather(*tasks, return_exceptions=True)


async def wait_for_head(stack: Stack, readers: list[Reader]) -> None:
    await asyncio.gather(*(reader.until(head(stack), PATIENCE_SECONDS) for reader in readers))


async def check_one_reset(stack: Stack, readers: list[Reader]) -> None:
    """Check that every reader was reset once and now equals the table."""
    await wait_for_head(stack, readers)
    rows = stack.sql("SELECT id, quantity, version FROM inventory")
    table = {int(row[0]): (int(row[1]), int(row[2])) for row in rows}
    for reader in readers:
        assert reader.resets == 1, reader.name
        assert {item["id"]: (item["quantity"], item["version"]) for item in reader.items.values()} == table


async def test_a_restored_backup_resets_clients_that_have_seen_more(stack: Stack, tmp_path: Path) -> None:
    backup, url = tmp_path / "backup", stack.server.url(stack.database)
    async with following(stack) as readers:
        change(stack, 20)
        dump(url, backup)
        change(stack, 20)
        await wait_for_head(stack, readers)
        await asyncio.to_thread(stop, stack)
        run(postgres.binary("pg_restore"), "-d", url, *RESTORE, str(backup))
        change(stack, 50)  # the new log is now longer than the old one, so event ids alone cannot tell them apart
        await asyncio.to_thread(start, stack)
        await check_one_reset(stack, readers)
        change(stack, 5)
        await check_one_reset(stack, readers)


async def test_a_dump_with_several_partitions_is_restored_over_a_log_with_others(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """Partitions that the dump has, and those that it lacks, are replaced."""
    stack = Stack(own_postgres, own_postgres.create_database(), tmp_path)
    backup, url = tmp_path / "backup", stack.database_url
    stack.sql(small_partitions(20))
    stack.sql("INSERT INTO inventory (name, quantity) SELECT 'item', 0 FROM generate_series(1, 10)")
    change(stack, 50)
    rows = stack.sql("SELECT * FROM inventory_history ORDER BY event_id")
    before = [rows, stack.sql("SELECT * FROM log_partitions()"), stack.sql("SELECT log_floor(), log_head()")]
    dump(url, backup)
    change(stack, 50)
    stack.sql("UPDATE inventory_history SET changed_at = changed_at - interval '20 days'")
    while stack.sql("SELECT prune_history('1 day', 1000)") != [("0",)]:
        pass
    change(stack, 50)
    stack.sql("UPDATE inventory_history SET changed_at = changed_at - interval '20 days'")
    stack.sql("SELECT prune_history('1 day', 5)")
    assert stack.sql("SELECT count(next_up_to) FROM inventory_history_reduction") == [("1",)], "a copy has begun"
    epoch = head(stack).epoch
    assert stack.sql("SELECT * FROM log_partitions()") != before[1]
    run(postgres.binary("pg_restore"), "-d", url, *RESTORE, str(backup))
    rows = stack.sql("SELECT * FROM inventory_history ORDER BY event_id")
    assert [rows, stack.sql("SELECT * FROM log_partitions()"), stack.sql("SELECT log_floor(), log_head()")] == before
    assert head(stack).epoch != epoch
    change(stack, 50)
    stack.sql("UPDATE inventory_history SET changed_at = changed_at - interval '20 days'")
    while stack.sql("SELECT prune_history('1 day', 1000)") != [("0",)]:
        pass
    assert head(stack).event_id == 10 + 50 + 50
    assert stack.sql("SELECT count(*) FROM inventory_history") == [("10",)]
    assert await migrate(url) == []


async def test_a_dump_of_the_version_before_partitions_is_restored_and_migrated_again(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """As for a downgrade, after which the upgrade is tried again."""
    own_postgres.sql("postgres", "CREATE DATABASE upgraded")
    stack = Stack(own_postgres, "upgraded", tmp_path)
    backup, url = tmp_path / "backup", stack.database_url
    await migrate_to_unpartitioned(url)
    stack.sql("INSERT INTO inventory (name, quantity) SELECT 'item', 0 FROM generate_series(1, 10)")
    dump(url, backup)
    await migrate(url)
    upgraded = head(stack)
    change(stack, 50)
    run(postgres.binary("pg_restore"), "-d", url, *RESTORE, str(backup))
    change(stack, 5)  # by the trigger of the version before
    restored = head(stack)
    assert (restored.epoch != upgraded.epoch, restored.event_id) == (True, 15)
    await migrate(url)
    assert head(stack) == restored
    change(stack, 5)
    assert head(stack).event_id == 20


async def test_dumps_of_a_migration_that_was_interrupted_are_restored(
    own_postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the version before, of the interrupted migration, and of the finished one, each over the interrupted one."""

    async def be_interrupted(_: Connection) -> None:
        raise MigrationError("interrupted")

    own_postgres.sql("postgres", "CREATE DATABASE upgraded")
    stack = Stack(own_postgres, "upgraded", tmp_path)
    url = stack.database_url
    await migrate_to_unpartitioned(url)
    stack.sql("INSERT INTO inventory (name, quantity) SELECT 'item', 0 FROM generate_series(1, 10)")
    change(stack, 20)
    dump(url, tmp_path / "before")
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_end_first_partition", be_interrupted)
        with pytest.raises(MigrationError):
            await migrate(url)
        dump(url, tmp_path / "interrupted")
    await migrate(url)
    dump(url, tmp_path / "finished")
    run(postgres.binary("pg_restore"), "-d", url, *RESTORE, str(tmp_path / "interrupted"))
    for name in ("interrupted", "finished", "interrupted", "before"):
        run(postgres.binary("pg_restore"), "-d", url, *RESTORE, str(tmp_path / name))
        assert stack.sql("SELECT count(*) FROM inventory_history") == [("30",)], name
    await migrate(url)
    change(stack, 20)
    assert stack.sql("SELECT count(*) FROM inventory_history") == [("50",)]


async def test_a_restored_copy_with_a_new_timeline_resets_clients_that_have_seen_more(stack: Stack) -> None:
    """Follows the instructions in docs/PRODUCTION.md for restoring a copy of the volume."""
    cluster, copy = postgres.cluster_dir(stack.server.data_dir), stack.server.data_dir / "copy"
    async with following(stack) as readers:
        before = head(stack)
        await asyncio.to_thread(stack.server.stop, signal.SIGINT)
        run("cp", "-a", str(cluster), str(copy))
        await asyncio.to_thread(stack.server.start)
        change(stack, 40)
        await wait_for_head(stack, readers)
        await asyncio.to_thread(stop, stack)
        await asyncio.to_thread(stack.server.stop, signal.SIGINT)
        shutil.rmtree(cluster)
        copy.rename(cluster)
        (cluster / "recovery.signal").touch()
        with (cluster / "postgresql.auto.conf").open("a") as settings:
            settings.write("restore_command = 'false'\n")
        await asyncio.to_thread(stack.server.start)
        async with within(PATIENCE_SECONDS, "the end of the recovery"):
            while stack.sql("SELECT pg_is_in_recovery()") != [("f",)]:
                await asyncio.sleep(0.05)
        assert head(stack).epoch != before.epoch
        change(stack, 60)
        await asyncio.to_thread(start, stack)
        await check_one_reset(stack, readers)
