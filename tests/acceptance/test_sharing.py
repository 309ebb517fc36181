"""No kind of work starves the others: imports, long reads, blocked writers, and a service that stops."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
import pytest

from tests.acceptance.client import ITEMS, create, get, problem
from tests.stack import Stack, refuses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

POOL = 4
ROWS = 3_000
PATIENCE_SECONDS = 30
CSV = {"Content-Type": "text/csv"}
FILE = "name,quantity\n" + "".join(f"bolt {number},{number}\n" for number in range(ROWS))
IMPORT = f"{ITEMS}/import"


@pytest.fixture
def stack(postgres: PostgresServer, database: str, tmp_path: Path) -> Iterator[Stack]:
    """The API with a small connection pool."""
    stack = Stack(postgres, database, tmp_path, {"API_POOL_SIZE": str(POOL)})
    stack.start("api")
    yield stack
    stack.close()


@pytest.fixture
async def api(stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(stack.api_url, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


@pytest.fixture
async def owner(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.database_url)
    yield connection
    await connection.close()


async def send(api: aiohttp.ClientSession, text: str, **query: str) -> tuple[int, Any]:
    async with api.post(IMPORT, data=text.encode(), headers=CSV, params=query) as response:
        return response.status, await response.json(content_type=None)


async def test_imports_wait_for_each_other_without_holding_a_connection(
    api: aiohttp.ClientSession, owner: asyncpg.Connection
) -> None:
    """The test holds the import lock itself, as an import in another process would."""
    item = await create(api)
    async with owner.transaction():
        await owner.execute("SELECT pg_advisory_xact_lock(5310, 3)")
        imports = [asyncio.create_task(send(api, FILE)) for _ in range(2 * POOL)]
        checks = [asyncio.create_task(send(api, FILE, dry_run="1")) for _ in range(2 * POOL)]
        assert [status for status, _ in await asyncio.gather(*checks)] == [200] * 2 * POOL, (
            "a dry run must not wait for the lock"
        )
        for quantity in range(20):
            async with api.put(f"{ITEMS}/{item['id']}", json={"quantity": quantity}) as response:
                assert response.status == 200
            assert await get(api, f"{ITEMS}/{item['id']}")
        assert not any(task.done() for task in imports)
    assert [status for status, _ in await asyncio.gather(*imports)] == [200] * 2 * POOL
    assert await owner.fetchval("SELECT count(*) FROM inventory") == 2 * POOL * ROWS + 1


async def test_imports_beyond_the_queue_are_told_to_retry_and_change_nothing(
    api: aiohttp.ClientSession, owner: asyncpg.Connection
) -> None:
    async with owner.transaction():
        await owner.execute("SELECT pg_advisory_xact_lock(5310, 3)")
        tasks = [asyncio.create_task(api.post(IMPORT, data=FILE.encode(), headers=CSV)) for _ in range(30)]
        done, waiting = await asyncio.wait(tasks, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        refused = done.pop().result()
        assert "imports" in (await problem(refused, 503))["detail"]
        assert refused.headers["Retry-After"]
        assert await get(api, ITEMS) == []
    statuses = [response.status for response in await asyncio.gather(*tasks)]
    assert set(statuses) == {200, 503}
    assert await owner.fetchval("SELECT count(*) FROM inventory") == statuses.count(200) * ROWS
    assert waiting


async def test_a_dry_run_locks_and_writes_nothing(api: aiohttp.ClientSession, owner: asyncpg.Connection) -> None:
    first, second = await create(api, "bolt"), await create(api, "nut")
    text = f"id,name,quantity\n{first['id']}, bolt ,5\n{second['id']},nut,6\n,new,1\n"
    async with owner.transaction():
        await owner.execute(
            "UPDATE inventory SET quantity = 9"
        )  # locks every item; the dry run sees the committed state
        status, result = await send(api, text, dry_run="1")
        assert (status, result) == (200, {"created": 1, "updated": 1, "unchanged": 1})
        locks = await owner.fetchval(
            "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
            " WHERE a.usename = 'stockstream_api' AND l.mode <> 'AccessShareLock' AND l.locktype <> 'virtualxid'"
        )
        assert locks == 0
    status, result = await send(api, text)
    assert (status, result) == (200, {"created": 1, "updated": 2, "unchanged": 0}), (
        "by now, both items differ from the file"
    )
    assert await owner.fetchval("SELECT count(*) FROM inventory") == 3


async def test_a_trend_over_too_many_changes_leaves_out_the_early_moments(
    api: aiohttp.ClientSession, owner: asyncpg.Connection
) -> None:
    await owner.execute("INSERT INTO inventory (name, quantity) SELECT 'item', 1 FROM generate_series(1, 1000)")
    await owner.execute("UPDATE inventory_history SET changed_at = changed_at - interval '40 days'")
    for _ in range(11):
        await owner.execute("UPDATE inventory SET quantity = quantity + 1")
    sequence = "pg_get_serial_sequence('inventory_history', 'event_id')"
    exact = await get(api, "/api/trends", steps="4", since="2020-01-01T00:00:00Z")
    assert exact["total"][-1] == 12_000
    await owner.execute(f"SELECT setval({sequence}, (SELECT last_value + 99900 FROM inventory_history_event_id_seq))")
    await owner.execute("UPDATE inventory SET quantity = 0 WHERE id <= 50")
    trend = await get(api, "/api/trends", steps="4", since="1970-01-01T00:00:00Z")
    assert trend["total"][-1] == 12_000 - 50 * 12
    assert trend["total"][:4] == [None] * 4


async def test_requests_for_trends_leave_connections_to_others(
    api: aiohttp.ClientSession, owner: asyncpg.Connection
) -> None:
    """Ten clients request ten different spans. Of two connections for reading, long reads may use one."""
    item = await create(api)
    async with owner.transaction():
        await owner.execute("LOCK TABLE inventory_history_floor")  # blocks trends but not items
        spans = [f"19{year}-01-01T00:00:00Z" for year in range(70, 80)]
        trends = [asyncio.create_task(get(api, "/api/trends", since=since)) for since in spans]
        await asyncio.sleep(0)
        for quantity in range(20):
            assert await get(api, f"{ITEMS}/{item['id']}")
            async with api.put(f"{ITEMS}/{item['id']}", json={"quantity": quantity}) as response:
                assert response.status == 200
    for trend in await asyncio.gather(*trends):
        assert trend["total"][-1] in range(20)


async def test_current_requests_end_before_the_service_does(
    stack: Stack, api: aiohttp.ClientSession, owner: asyncpg.Connection
) -> None:
    item = await create(api)
    async with owner.transaction():
        await owner.execute("UPDATE inventory SET quantity = 7")
        adjusting = asyncio.create_task(_adjust(api, item["id"]))
        await _until_write_waits(owner)
        stack.signal("api", signal.SIGTERM)
        await _until_port_is_closed(stack.ports["api"])
        await asyncio.sleep(2)  # a service that doesn't drain would have exited by now
        assert not adjusting.done()
    assert await adjusting == 8
    assert await asyncio.to_thread(stack.wait_until_ended, "api") == 0


async def test_a_request_that_takes_longer_than_the_drain_is_rolled_back(
    postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    stack = Stack(postgres, database, tmp_path, {"API_DRAIN_SECONDS": "0.5"})
    owner = await asyncpg.connect(stack.database_url)
    try:
        stack.start("api")
        async with aiohttp.ClientSession(stack.api_url) as api:
            item = await create(api)
            async with owner.transaction():
                await owner.execute("UPDATE inventory SET quantity = 7")
                adjusting = asyncio.create_task(api.patch(f"{ITEMS}/{item['id']}", json={"adjust": 1}))
                await _until_write_waits(owner)
                assert await asyncio.to_thread(stack.stop, "api") == 0
                assert "restarted" in (await problem(await adjusting, 503))["detail"]
            await _until_sessions_end(owner)  # a session that survived would write once the lock is free
        assert await owner.fetchval("SELECT quantity FROM inventory") == 7
    finally:
        await owner.close()
        stack.close()


async def _adjust(api: aiohttp.ClientSession, item_id: int) -> int:
    async with api.patch(f"{ITEMS}/{item_id}", json={"adjust": 1}) as response:
        assert response.status == 200, await response.text()
        quantity: int = (await response.json())["quantity"]
        return quantity


async def _until_write_waits(owner: asyncpg.Connection) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await owner.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            await asyncio.sleep(0.02)


async def _until_sessions_end(owner: asyncpg.Connection) -> None:
    """Wait until PostgreSQL has ended all sessions of the service."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await owner.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'stockstream_api')"
        ):
            await asyncio.sleep(0.02)


async def _until_port_is_closed(port: int) -> None:
    """Wait until the port refuses connections."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not refuses(port):
            await asyncio.sleep(0.02)
