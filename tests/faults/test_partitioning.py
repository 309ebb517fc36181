"""The log is partitioned while services run, writers write and clients follow."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from shared.db.migrations import migrate
from tests.faults.readers import Reader, Seen
from tests.faults.waiting import within
from tests.faults.writers import MAX_ITEMS, ApiWriter, SqlWriter, Writer
from tests.stack import Stack, answers
from tests.unpartitioned import migrate_to_unpartitioned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

NAME = "unpartitioned"
PATIENCE_SECONDS = 30
KEPT = 5
SETTINGS = {"STREAM_HEARTBEAT_SECONDS": "1", "STREAM_RING_BYTES": str(2**17), "LOG_LEVEL": "error"}


@pytest.fixture
def stack(own_postgres: PostgresServer, tmp_path: Path) -> Iterator[Stack]:
    """Both services on a log of the version before, which has been pruned: the last events of a few items are kept."""
    own_postgres.sql("postgres", f"CREATE DATABASE {NAME}")
    asyncio.run(migrate_to_unpartitioned(own_postgres.url(NAME)))
    stack = Stack(own_postgres, NAME, tmp_path, SETTINGS)
    stack.sql(f"INSERT INTO inventory (name, quantity) SELECT 'item', 0 FROM generate_series(1, {MAX_ITEMS})")
    stack.sql(f"UPDATE inventory SET quantity = 1 WHERE id > {KEPT}")
    stack.sql("UPDATE inventory_history SET changed_at = changed_at - interval '2 days'")
    stack.sql(f"UPDATE inventory SET quantity = 2 WHERE id > {KEPT}")
    stack.sql("SELECT prune_history('1 day', 1000)")
    for name in ("api", "stream"):
        stack.start(name, wait=False)
    stack.wait_until_ready("stream")
    yield stack
    stack.close()


def head(stack: Stack) -> Seen:
    ((epoch, event_id),) = stack.sql("SELECT log_epoch(), log_head()")
    return Seen(epoch, int(event_id))


async def until(condition: Callable[[], bool], what: str) -> None:
    async with within(PATIENCE_SECONDS, what):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.02)


@pytest.mark.timeout(180)
async def test_a_log_is_partitioned_under_running_services_and_nobody_notices(stack: Stack) -> None:
    await until(lambda: answers(f"{stack.api_url}/healthz"), "the API to answer")
    kept = stack.sql(f"SELECT event_id, item_id, after FROM inventory_history WHERE item_id <= {KEPT} ORDER BY 1")
    assert len(kept) == KEPT
    before, floor = head(stack), stack.sql("SELECT log_floor()")
    writers: list[Writer] = [
        *(SqlWriter(stack.database_url, random.Random(seed)) for seed in range(3)),
        ApiWriter(stack.api_url, {}, random.Random(3)),
    ]
    readers = [
        Reader("by list", stack.stream_url, stack.api_url, by_snapshot=False),
        Reader("by snapshot", stack.stream_url, stack.api_url, by_snapshot=True),
    ]
    reading = [asyncio.create_task(reader.run()) for reader in readers]
    writing = [asyncio.create_task(writer.run()) for writer in writers]

    async def until_written(more: int) -> None:
        wanted = [len(writer.confirmed) + more for writer in writers]
        await until(
            lambda: all(len(writer.confirmed) >= count for writer, count in zip(writers, wanted, strict=True)),
            f"{more} more changes by each writer",
        )

    await until_written(20)
    async with within(PATIENCE_SECONDS, "the migration"):
        await migrate(stack.database_url)
    await until_written(20)
    await until(lambda: stack.is_ready("api"), "the API to be ready")
    for writer in writers:
        writer.stop()
    async with within(PATIENCE_SECONDS, "the writers to finish"):
        await asyncio.gather(*writing)
    after = head(stack)
    await asyncio.gather(*(reader.until(after, PATIENCE_SECONDS) for reader in readers))
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)

    assert after.epoch == before.epoch
    assert stack.sql("SELECT log_floor()") == floor
    assert set(kept) <= set(stack.sql("SELECT event_id, item_id, after FROM inventory_history"))
    log = [int(row[0]) for row in stack.sql("SELECT event_id FROM inventory_history ORDER BY event_id")]
    logged = {
        (int(row[0]), int(row[1]))
        for row in stack.sql(
            "SELECT item_id, coalesce((after ->> 'version')::bigint, (before ->> 'version')::bigint + 1)"
            " FROM inventory_history"
        )
    }
    for writer in writers:
        assert {tuple(change) for change in writer.confirmed} <= logged
    assert [writer.failures for writer in writers] == [0] * len(writers)
    for reader in readers:
        assert reader.resets == 0, reader.name
        assert reader.loaded_at is not None
        seen = [seen.event_id for seen in reader.seen]
        assert seen == [event_id for event_id in log if event_id > reader.loaded_at.event_id], reader.name
