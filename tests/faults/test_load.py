"""Overload: the services slow down, report that they are busy and recover. Confirmed changes are kept."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aiohttp
import asyncpg
import pytest

from tests.faults.campaign import Verdict, settle_and_judge
from tests.faults.readers import Reader
from tests.faults.soak import memory_mb
from tests.faults.test_restores import head, wait_for_head
from tests.faults.waiting import within
from tests.faults.world import World
from tests.stack import Stack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import PostgresServer

SEED = 23
POOL = 4
WRITERS = POOL // 2  # the other connections are for reads
AT_ONCE = 20
FLOOD_SECONDS = 60
FLOOD_WRITERS = 16
MANY = 1_000_000
MANY_SECONDS = 240  # time for the reader to parse all events
PATIENCE_SECONDS = 30
BEHIND = 100_000
GROWTH_MB = 40  # allowed growth of the resident set between measurements, for the ring and the allocator


async def test_an_api_whose_connections_are_all_taken_says_503_and_recovers(
    postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    stack = Stack(postgres, database, tmp_path, {"API_POOL_SIZE": str(POOL)})
    try:
        stack.start("api")
        stack.sql("INSERT INTO inventory (name, quantity) VALUES ('wanted', 0)")
        holder = await asyncpg.connect(stack.database_url, command_timeout=PATIENCE_SECONDS)
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("SELECT FROM inventory FOR UPDATE")
        async with aiohttp.ClientSession(stack.api_url) as api:

            async def adjust() -> tuple[int, str | None]:
                async with api.patch("/api/inventories/1", json={"adjust": 1}) as response:
                    return response.status, response.headers.get("Retry-After")

            asked = {asyncio.create_task(adjust()) for _ in range(AT_ONCE)}
            refused = set()
            async with within(PATIENCE_SECONDS, "all but the pool's requests to be refused"):
                while len(asked) > WRITERS:
                    done, asked = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
                    refused |= {task.result() for task in done}
            assert refused == {(503, "2")}
            await transaction.commit()
            async with within(PATIENCE_SECONDS, "the pool's requests to be answered"):
                assert [status for status, _ in await asyncio.gather(*asked)] == [200] * WRITERS
            assert (await adjust())[0] == 200
        assert stack.sql("SELECT quantity FROM inventory") == [(str(WRITERS + 1),)]
        await holder.close()
    finally:
        stack.close()


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    async with within(PATIENCE_SECONDS, "the reader to end"):
        await asyncio.gather(task, return_exceptions=True)


async def flood(url: str, ends: float) -> int:
    """Update items without a pause until `ends`. Returns the number of changes."""
    connection = await asyncpg.connect(url, command_timeout=PATIENCE_SECONDS)
    tried = changed = 0
    while time.monotonic() < ends:
        done = await connection.execute("UPDATE inventory SET quantity = quantity + 1 WHERE id = 1 + $1 % 30", tried)
        tried, changed = tried + 1, changed + int(done.split()[-1])
    await connection.close()
    return changed


@pytest.mark.heavy
@pytest.mark.timeout(300)
async def test_a_minute_of_writes_without_pause_loses_nothing_and_memory_is_flat(
    own_postgres: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = Verdict(SEED)
    async with World(own_postgres, tmp_path, SEED) as world:
        url, begin = world.stack.database_url, time.monotonic()
        memory = {}
        floods = [asyncio.create_task(flood(url, begin + FLOOD_SECONDS)) for _ in range(FLOOD_WRITERS)]
        for when in (FLOOD_SECONDS / 3, FLOOD_SECONDS):
            await asyncio.sleep(begin + when - time.monotonic())
            memory[when] = {name: memory_mb(world.stack, name) for name in ("api", "stream")}
        written = sum(await asyncio.gather(*floods))
        await settle_and_judge(world, verdict)
    early, late = memory.values()
    with capsys.disabled():
        print(f"\n{written / FLOOD_SECONDS:,.0f} changes/s for {FLOOD_SECONDS} s; MB at a third {early}, then {late}")
        print(verdict)
    assert verdict.is_clean, (str(verdict), verdict.complaints)
    assert all(late[name] - early[name] < GROWTH_MB for name in early)


@pytest.mark.heavy
@pytest.mark.timeout(600)
async def test_a_million_changes_in_one_transaction_reach_a_reader_and_memory_is_bounded(
    own_postgres: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Stack(own_postgres, own_postgres.create_database(), tmp_path, {"LOG_LEVEL": "error"})
    try:
        stack.sql(
            f"INSERT INTO inventory (name, quantity) SELECT 'item', 0 FROM generate_series(1, {MANY})",
            seconds=MANY_SECONDS,
        )
        stack.start("api")
        stack.start("stream")
        before = memory_mb(stack, "stream")
        reader = Reader("far behind", stack.stream_url, stack.api_url, by_snapshot=False)
        reader.start_over([], stack.sql("SELECT log_position()")[0][0])
        following = asyncio.create_task(reader.run())
        began = time.monotonic()
        await asyncio.to_thread(stack.sql, "UPDATE inventory SET quantity = quantity + 1", seconds=MANY_SECONDS)
        committed = time.monotonic()
        await reader.until(head(stack), MANY_SECONDS)
        told = time.monotonic()
        await end(following)
        grown = memory_mb(stack, "stream") - before
        with capsys.disabled():
            print(f"\n{MANY:,} changes: committed in {committed - began:.1f} s, told {told - committed:.1f} s later,")
            print(f"the stream grew by {grown:.0f} MB")
        assert reader.events == MANY
        assert [seen.event_id for seen in reader.seen] == list(range(MANY + 1, 2 * MANY + 1))
        assert grown < 200
    finally:
        stack.close()


@pytest.mark.heavy
async def test_a_client_that_resumes_100_000_events_later_gets_each_once(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    stack = Stack(own_postgres, own_postgres.create_database(), tmp_path, {"LOG_LEVEL": "error"})
    try:
        stack.sql("INSERT INTO inventory (name, quantity) SELECT 'item', 0 FROM generate_series(1, 1000)")
        start = stack.sql("SELECT log_position()")[0][0]
        for _ in range(BEHIND // 1000):
            stack.sql("UPDATE inventory SET quantity = quantity + 1")
        stack.start("api")
        stack.start("stream")
        reader = Reader("long away", stack.stream_url, stack.api_url, by_snapshot=False)
        reader.start_over([], start)
        following = asyncio.create_task(reader.run())
        await wait_for_head(stack, [reader])
        await end(following)
        assert [seen.event_id for seen in reader.seen] == list(range(1_001, 1_001 + BEHIND))
        assert reader.connects == 1
    finally:
        stack.close()
