"""Where a stream starts when the request names several positions, or the log has not been read yet."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.sse import subscribe
from tests.stack import Stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

EVENTS = 30
PATIENCE_SECONDS = 20


@pytest.fixture
def stack(postgres: PostgresServer, database: str, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(postgres, database, tmp_path)
    stack.sql(f"INSERT INTO inventory (name, quantity) SELECT 'item', n FROM generate_series(1, {EVENTS}) AS n")
    stack.start("stream")
    yield stack
    stack.close()


def epoch(stack: Stack) -> str:
    ((found,),) = stack.sql("SELECT log_epoch()")
    return found


@pytest.mark.parametrize(
    ("query", "header", "first"),
    [
        (
            "?last_event_id={e}-5&lastEventId={e}-20",
            None,
            21,
        ),  # a polyfill appends a newer position to the page's older one
        ("?lastEventId={e}-20&last_event_id={e}-5", None, 21),
        ("?last_event_id={e}-20&lastEventId={e}-5", None, 21),
        ("?lastEventId={e}-5&lastEventId={e}-20", None, 21),
        ("?last_event_id={e}-5&last_event_id={e}-20", None, 21),
        ("?last_event_id={e}-9&lastEventId={e}-10", None, 11),  # compared as numbers, not as text
        ("?last_event_id=&lastEventId={e}-20", None, 21),
        ("?last_event_id=0000-999&lastEventId={e}-20", None, 21),  # another log
        ("?last_event_id={e}-20&lastEventId=ffffffff-999", None, 21),
        ("?last_event_id={e}-5&lastEventId={e}-20", "{e}-10", 11),  # the header wins
        ("?last_event_id={e}-20", "{e}-10", 11),
        ("?snapshot=1&last_event_id={e}-5&lastEventId={e}-20", None, 21),
    ],
)
async def test_the_header_wins_or_else_the_furthest_parameter(
    stack: Stack, query: str, header: str | None, first: int
) -> None:
    here = epoch(stack)
    position = header.format(e=here) if header else None
    async with subscribe(stack.stream_url, query.format(e=here), last_event_id=position) as subscriber:
        assert (await subscriber.next("inventory_update")).event_id == first


async def test_positions_that_are_all_of_another_log_are_a_reset(stack: Stack) -> None:
    async with subscribe(stack.stream_url, "?last_event_id=0000-5&lastEventId=ffff-20") as subscriber:
        assert (await subscriber.next("reset")).json["reason"] == "the position is of another log"


@pytest.mark.parametrize("query", ["?last_event_id=x&lastEventId={e}-2", "?last_event_id={e}-2&lastEventId=-1"])
async def test_one_malformed_parameter_is_a_400_that_names_it(stack: Stack, query: str) -> None:
    async with (
        aiohttp.ClientSession(stack.stream_url) as session,
        session.get("/events" + query.format(e=epoch(stack))) as response,
    ):
        assert response.status == 400
        malformed = "last_event_id" if "=x" in query else "lastEventId"
        assert (await response.json())["detail"].startswith(f"{malformed}: ")


@pytest.fixture
async def stack_without_database(own_postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Stack]:
    """A running stream service that has not reached its database yet."""
    stack = Stack(own_postgres, own_postgres.create_database(), tmp_path)
    own_postgres.stop(signal.SIGINT)
    stack.start("stream", wait=False)
    async with asyncio.timeout(PATIENCE_SECONDS), aiohttp.ClientSession(stack.stream_url) as session:
        while True:
            try:
                async with session.get("/healthz") as response:
                    assert response.status == 200
                    break
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
    yield stack
    stack.close()


async def test_a_stream_opened_before_the_first_read_waits_for_it(stack_without_database: Stack) -> None:
    async with subscribe(stack_without_database.stream_url, "?snapshot=1") as subscriber:
        await asyncio.to_thread(stack_without_database.server.start)
        frame = await subscriber.frame()
        while frame.event is None:
            frame = await subscriber.frame()
        if frame.event == "busy":  # PostgreSQL started too late for the stream to wait for it
            assert frame.json["full"] is False
            return
        assert (frame.event, frame.json) == ("snapshot", [])
        stack_without_database.sql("INSERT INTO inventory (name, quantity) VALUES ('bolt', 5)")
        assert (await subscriber.updates(1))[0].json["data"]["name"] == "bolt"


async def test_while_the_database_is_down_a_stream_is_told_why_and_to_retry_soon(stack_without_database: Stack) -> None:
    async with subscribe(stack_without_database.stream_url) as subscriber:
        retry, busy = await subscriber.rest()
    assert retry.retry is not None
    assert 1_000 <= retry.retry <= 4_000
    assert busy.event == "busy"
    assert busy.json == {"reason": "the log has not been read yet", "full": False}


async def test_a_client_whose_snapshot_cannot_be_read_is_told_to_retry_soon(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    stack = Stack(own_postgres, own_postgres.create_database(), tmp_path)
    stack.start("stream")
    try:
        own_postgres.stop(signal.SIGINT)
        async with subscribe(stack.stream_url, "?snapshot=1") as subscriber:
            retry, busy = await subscriber.rest()
        assert retry.retry is not None
        assert retry.retry <= 4_000
        assert (busy.event, busy.json["full"]) == ("busy", False)
    finally:
        stack.close()
