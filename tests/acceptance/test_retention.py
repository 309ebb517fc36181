"""History retention: older events are pruned, and clients that need them are told."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.acceptance.client import refused
from tests.partitions import small_partitions
from tests.sse import subscribe
from tests.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

PATIENCE_SECONDS = 20


@pytest.fixture(params=[1000, 2], ids=["row by row", "by partitions"])
def stack(postgres: PostgresServer, database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Both services, not started yet, with a history retention of one day."""
    stack = Stack(postgres, database, tmp_path, {"HISTORY_RETENTION": "1d"})
    stack.sql(small_partitions(request.param))
    yield stack
    stack.close()


def write_history(stack: Stack) -> list[str]:
    """Write three days of history of two items, one deleted on the first day. Returns the position after each event."""
    stack.sql("INSERT INTO inventory (name, quantity) VALUES ('kept', 1), ('gone', 2)")
    stack.sql("UPDATE inventory SET quantity = 5 WHERE name = 'kept'")
    stack.sql("DELETE FROM inventory WHERE name = 'gone'")
    stack.sql("UPDATE inventory_history SET changed_at = changed_at - interval '2 days'")
    stack.sql("INSERT INTO inventory (name, quantity) VALUES ('new', 7)")
    return [row[0] for row in stack.sql("SELECT log_epoch() || '-' || n FROM generate_series(0, log_head()) AS n")]


async def until_pruned(stack: Stack) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while stack.sql("SELECT log_floor() > 0") != [("t",)]:
            await asyncio.sleep(0.02)


async def test_old_events_are_pruned_except_the_last_event_of_an_existing_item(stack: Stack) -> None:
    write_history(stack)
    stack.start("api")
    await until_pruned(stack)
    rows = stack.sql("SELECT event_id, coalesce(after, before) ->> 'name' FROM inventory_history ORDER BY event_id")
    assert rows == [("3", "kept"), ("5", "new")]


async def test_the_past_is_available_as_far_as_the_log_reaches_and_gone_before(stack: Stack) -> None:
    positions = write_history(stack)
    stack.start("api")
    await until_pruned(stack)
    async with aiohttp.ClientSession(stack.api_url) as api:
        async with api.get("/api/inventories", params={"as_of": positions[4]}) as response:
            assert [(item["name"], item["quantity"]) for item in await response.json()] == [("kept", 5)]
        for old in (positions[3], "2020-01-01T00:00:00Z"):
            async with api.get("/api/inventories", params={"as_of": old}) as response:
                await refused(response, "as_of", 410)
                assert json.loads(await response.text())["oldest"] == positions[4]
        async with api.post("/api/inventories/2/restore") as response:
            assert response.status == 410
        async with api.get("/api/inventories/2/history") as response:
            assert (response.status, await response.json()) == (200, [])


async def test_a_pruned_position_gets_a_reset_and_then_new_events(stack: Stack) -> None:
    positions = write_history(stack)
    stack.start("api")
    stack.start("stream")
    await until_pruned(stack)
    for old in positions[:4]:
        async with subscribe(stack.stream_url, last_event_id=old) as subscriber:
            reset = await subscriber.next("reset")
            assert reset.json == {
                "reason": "what followed the position is not in the log any more",
                "head": positions[5],
            }
            assert reset.id == positions[5]
    async with subscribe(stack.stream_url, last_event_id=positions[4]) as subscriber:
        (frame,) = await subscriber.updates(1)
        assert frame.json["data"]["name"] == "new"
        stack.sql("UPDATE inventory SET quantity = 6 WHERE name = 'kept'")
        (frame,) = await subscriber.updates(1)
        assert frame.json["data"]["quantity"] == 6


async def test_a_log_that_was_pruned_completely_keeps_its_position(stack: Stack) -> None:
    stack.sql("INSERT INTO inventory (name, quantity) VALUES ('gone', 2)")
    stack.sql("DELETE FROM inventory")
    stack.sql("UPDATE inventory_history SET changed_at = changed_at - interval '2 days'")
    head = stack.sql("SELECT log_position()")
    stack.start("api")
    await until_pruned(stack)
    assert stack.sql("SELECT count(*) FROM inventory_history") == [("0",)]
    assert stack.sql("SELECT log_position()") == head
    stack.start("stream")
    async with subscribe(stack.stream_url, last_event_id=head[0][0]) as subscriber:
        stack.sql("INSERT INTO inventory (name, quantity) VALUES ('new', 1)")
        (frame,) = await subscriber.updates(1)
        assert frame.event_id == 3


async def test_history_is_not_pruned_unless_configured(stack: Stack) -> None:
    write_history(stack)
    del stack.settings["HISTORY_RETENTION"]
    stack.sql("INSERT INTO idempotency_key (key, request, created_at) VALUES ('old', '', now() - interval '2 days')")
    stack.start("api")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while stack.sql("SELECT count(*) FROM idempotency_key") != [("0",)]:
            await asyncio.sleep(0.02)
    assert stack.sql("SELECT log_floor(), count(*) FROM inventory_history") == [("0", "5")]


async def test_the_api_adds_a_partition_before_it_is_needed(stack: Stack) -> None:
    stack.sql(small_partitions(10))
    stack.start("api")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while stack.sql("SELECT partition FROM log_partitions()")[1:] != [("inventory_history_from_11",)]:
            await asyncio.sleep(0.02)
