"""Unusual states of the database: the services report each one, survive it and recover from it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
import pytest

from shared.db.migrations import migrate
from tests.acceptance.client import ITEMS, create, problem
from tests.faults.waiting import within
from tests.sse import subscribe
from tests.stack import Stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

PATIENCE_SECONDS = 20


@pytest.fixture
def stack(postgres: PostgresServer, database: str, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(postgres, database, tmp_path, {"API_POOL_SIZE": "4"})
    for name in ("api", "stream"):
        stack.start(name)
    yield stack
    stack.close()


@pytest.fixture
async def api(stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(stack.api_url) as session:
        yield session


def alter(stack: Stack, setting: str, *, end_sessions: bool = True) -> None:
    """Change a setting of the database. Connects to another database, since psql would be affected too."""
    stack.server.sql("postgres", f"ALTER DATABASE {stack.database} {setting}")
    if end_sessions:
        sessions = f"FROM pg_stat_activity WHERE datname = '{stack.database}'"
        stack.server.sql("postgres", f"SELECT pg_terminate_backend(pid) {sessions}")


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until the condition holds. Raises StuckError."""
    async with within(PATIENCE_SECONDS, what):
        while not await holds():
            await asyncio.sleep(0.05)


async def status(api: aiohttp.ClientSession, path: str = "/readyz") -> int:
    async with api.get(path) as response:
        return response.status


async def create_when_sessions_are_back(api: aiohttp.ClientSession, name: str) -> dict[str, Any]:
    """Create an item and return it. Retries on 503, since the pool may still use a session that was just ended."""
    async with within(PATIENCE_SECONDS, "an item is added"):
        while True:
            async with api.post(
                ITEMS, json={"name": name, "quantity": 5}, headers={"Idempotency-Key": "1"}
            ) as response:
                if response.status == 201:
                    item: dict[str, Any] = await response.json()
                    return item
                await problem(response, 503)


async def write(api: aiohttp.ClientSession) -> tuple[int, dict[str, Any]]:
    async with api.post(ITEMS, json={"name": "bolt", "quantity": 1}) as response:
        return response.status, json.loads(await response.text())


async def test_a_read_only_database_is_reported_and_written_to_again_afterwards(
    stack: Stack, api: aiohttp.ClientSession
) -> None:
    item = await create(api)
    alter(stack, "SET default_transaction_read_only = on")
    await until(lambda: _says_not_ready(api, "read-only"), "the API says that the database is read-only")
    for method, path, body in (
        ("POST", ITEMS, {"name": "nut", "quantity": 1}),
        ("PUT", f"{ITEMS}/{item['id']}", {"quantity": 9}),
        ("PATCH", f"{ITEMS}/{item['id']}", {"adjust": 1}),
        ("DELETE", f"{ITEMS}/{item['id']}", None),
    ):
        for key in ({}, {"Idempotency-Key": f"{method}-1"}):
            async with api.request(method, path, json=body, headers=key) as response:
                assert "read-only" in (await problem(response, 503))["detail"], method
                assert response.headers["Retry-After"]
    async with api.post(f"{ITEMS}/import", data=b"name,quantity\nx,1\n", headers={"Content-Type": "text/csv"}) as sent:
        await problem(sent, 503)
    async with api.get(ITEMS) as response:
        assert await response.json() == [item], "reading must still work"
    async with subscribe(stack.stream_url, "?snapshot=1") as subscriber:
        assert (await subscriber.next("snapshot")).json == [item]

    alter(stack, "RESET default_transaction_read_only", end_sessions=False)
    await until(lambda: _is(api, 200), "the API is ready again, with the sessions that it had")
    for _ in range(8):
        assert (await write(api))[0] == 201
    assert "unexpected" not in stack.log("api")
    assert "Traceback" not in stack.log("api")


async def _says_not_ready(api: aiohttp.ClientSession, why: str) -> bool:
    """Return whether /readyz gives this reason. At first, it may report the sessions that were just ended instead."""
    async with api.get("/readyz") as response:
        return response.status == 503 and why in (await problem(response, 503))["detail"]


async def _is(api: aiohttp.ClientSession, expected: int) -> bool:
    return await status(api) == expected


async def test_sessions_override_unusual_defaults_of_the_database(stack: Stack, api: aiohttp.ClientSession) -> None:
    for setting in (
        "default_transaction_isolation = 'serializable'",
        "default_transaction_deferrable = on",
        "search_path = '$user'",
        "statement_timeout = '1s'",
        "lock_timeout = '1s'",
        "idle_in_transaction_session_timeout = '1ms'",
        "idle_session_timeout = '1s'",
        "timezone = 'Asia/Kathmandu'",
        "datestyle = 'German, DMY'",
        "intervalstyle = 'sql_standard'",
        "standard_conforming_strings = off",
        "extra_float_digits = -15",
        "plan_cache_mode = 'force_generic_plan'",
    ):
        alter(stack, f"SET {setting}", end_sessions=False)
    alter(stack, "SET work_mem = '64kB'")
    item = await create_when_sessions_are_back(api, "bolt_\\%")
    async with subscribe(stack.stream_url, "?snapshot=1") as subscriber:
        assert (await subscriber.next("snapshot")).json == [item]

        async def adjust() -> int:
            async with api.patch(f"{ITEMS}/{item['id']}", json={"adjust": 1}) as response:
                return response.status

        assert await asyncio.gather(*(adjust() for _ in range(60))) == [200] * 60
        assert (await subscriber.updates(60))[-1].json["data"]["quantity"] == 65
    async with api.get(ITEMS, params={"q": "_\\%"}) as response:
        assert [found["id"] for found in await response.json()] == [item["id"]]
    async with api.get("/api/history", params={"since": item["created_at"], "limit": "1"}) as response:
        assert (await response.json())[0]["after"]["quantity"] == 65
    assert await status(api) == 200
    holder = await asyncpg.connect(stack.database_url)
    await holder.execute("SET idle_in_transaction_session_timeout = 0; SET search_path = public")
    async with holder.transaction():
        await holder.execute("UPDATE inventory SET quantity = 1")
        patient = asyncio.create_task(adjust())
        await asyncio.sleep(1.5)  # longer than the timeouts that the database sets
    assert await patient == 200
    await holder.close()


async def test_a_held_lock_is_reported_and_does_not_affect_readers(stack: Stack, api: aiohttp.ClientSession) -> None:
    item = await create(api)
    holder = await asyncpg.connect(stack.database_url)
    async with holder.transaction():
        await holder.execute("UPDATE inventory SET quantity = 7")

        async def adjust() -> aiohttp.ClientResponse:
            return await api.patch(f"{ITEMS}/{item['id']}", json={"adjust": 1})

        waiting = [asyncio.create_task(adjust()) for _ in range(12)]
        locks = (
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        await until(lambda: _answers(stack, locks), "a write waits for the lock")
        for _ in range(5):
            assert await status(api, ITEMS) == 200
        problems = [await problem(await task, 503) for task in waiting]
    assert any("lock" in one["detail"] for one in problems), "requests that had a connection must report the lock"
    await holder.close()
    async with api.patch(f"{ITEMS}/{item['id']}", json={"adjust": 1}) as response:
        assert (await response.json())["quantity"] == 8


async def _answers(stack: Stack, query: str) -> bool:
    return stack.sql(query) == [("t",)]


async def test_a_bug_is_a_500_with_a_traceback_in_the_log(stack: Stack, api: aiohttp.ClientSession) -> None:
    await create(api)
    stack.sql("REVOKE SELECT ON inventory_name FROM stockstream_api")
    async with api.get(ITEMS, params={"q": "bolt"}) as response:
        await problem(response, 500)
    log = stack.log("api")
    assert "unexpected error" in log
    assert "InsufficientPrivilegeError" in log
    stack.sql("GRANT SELECT ON inventory_name TO stockstream_api")
    assert await status(api, f"{ITEMS}?q=bolt") == 200


async def test_a_missing_schema_is_a_503(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.sql("postgres", "CREATE DATABASE empty_for_now")
    stack = Stack(postgres, "empty_for_now", tmp_path)
    try:
        stack.start("api", wait=False)
        async with aiohttp.ClientSession(stack.api_url) as api:
            await until(lambda: _serves(api), "the API serves")
            for path in (ITEMS, f"{ITEMS}/1", "/api/history", "/readyz"):
                async with api.get(path) as response:
                    await problem(response, 503)
        assert "Traceback" not in stack.log("api")
    finally:
        stack.close()
        postgres.drop_database("empty_for_now")


async def _serves(api: aiohttp.ClientSession) -> bool:
    try:
        return await status(api, "/healthz") == 200
    except aiohttp.ClientError:
        return False


async def test_housekeeping_continues_after_an_error(postgres: PostgresServer, database: str, tmp_path: Path) -> None:
    stack = Stack(postgres, database, tmp_path)
    old = "INSERT INTO idempotency_key (key, request, created_at) VALUES ('old', 'x', now() - interval '30 hours')"
    stack.sql("ALTER TABLE idempotency_key RENAME COLUMN created_at TO hidden")
    try:
        stack.start("api")
        failed = "background work failed"
        await until(lambda: _says(stack, failed), "the failure is in the log")
        assert "Traceback" in stack.log("api")
        stack.sql("ALTER TABLE idempotency_key RENAME COLUMN hidden TO created_at")
        stack.sql(old)
        gone = "SELECT count(*) = 0 FROM idempotency_key"
        await until(lambda: _answers(stack, gone), "the old key is forgotten")
    finally:
        stack.close()


async def _says(stack: Stack, text: str) -> bool:
    return text in stack.log("api")


@pytest.mark.parametrize("how", ["DISABLE", "ENABLE", "ENABLE REPLICA"])
async def test_disabled_triggers_are_reported_and_enabled_by_the_next_migration(
    stack: Stack, api: aiohttp.ClientSession, how: str
) -> None:
    for table in ("inventory", "inventory_history"):
        stack.sql(f"ALTER TABLE {table} {how} TRIGGER {'USER' if 'REPLICA' not in how else f'{table}_refuse_truncate'}")
    async with api.get("/readyz") as response:
        detail = (await problem(response, 503))["detail"]
    assert "trigger inventory_" in detail
    assert "run the migrations" in detail
    assert await migrate(stack.database_url) == []
    assert await status(api) == 200
    await create(api)
    stack.sql("SET session_replication_role = replica; UPDATE inventory SET quantity = 77")
    assert stack.sql("SELECT after ->> 'quantity' FROM inventory_history ORDER BY event_id DESC LIMIT 1") == [("77",)]
