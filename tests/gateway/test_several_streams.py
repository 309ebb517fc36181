"""Several stream processes behind one gateway: it spreads streams over them, and avoids those that are gone or stop."""

from __future__ import annotations

import asyncio
import re
import signal
import urllib.request
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.gateway.gateway import Gateway
from tests.sse import Frame, Subscriber, subscribe
from tests.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

PROCESSES = 3
DRAIN = {"STREAM_DRAIN_SECONDS": "30"}  # longer than a test


@pytest.fixture
def streams(postgres: PostgresServer, database: str, tmp_path: Path) -> Iterator[list[Stack]]:
    """Stream processes on one database."""
    stacks = []
    for number in range(PROCESSES):
        folder = tmp_path / str(number)
        folder.mkdir()
        stacks.append(Stack(postgres, database, folder, DRAIN))
    for stack in stacks:
        stack.start("stream", wait=False)
    for stack in stacks:
        stack.wait_until_ready("stream")
    yield stacks
    for stack in stacks:
        stack.close()


@pytest.fixture
def gateway(streams: list[Stack], tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path, api=streams[0].ports["api"], stream=streams[0].ports["stream"])
    gateway.start_with_streams([stack.ports["stream"] for stack in streams])
    yield gateway
    gateway.close()


def subscribers(stack: Stack) -> int:
    """Return how many streams this process has open."""
    with urllib.request.urlopen(f"{stack.stream_url}/metrics", timeout=5) as response:
        found = re.search(r"^stockstream_subscribers (\S+)$", response.read().decode(), re.MULTILINE)
    assert found is not None
    return int(float(found[1]))


def add_item(stack: Stack, name: str) -> None:
    stack.sql(f"INSERT INTO inventory (name, quantity) VALUES ('{name}', 1)")


async def test_each_stream_goes_to_the_process_with_the_fewest(gateway: Gateway, streams: list[Stack]) -> None:
    async with AsyncExitStack() as opened:
        for _ in range(4 * PROCESSES):
            stream = await opened.enter_async_context(subscribe(gateway.url))
            await stream.opened()
        assert [subscribers(stack) for stack in streams] == [4] * PROCESSES


async def test_the_gateway_logs_no_error_when_a_stream_opens_or_goes_to_another_process(
    gateway: Gateway, streams: list[Stack]
) -> None:
    streams[0].kill("stream")
    async with AsyncExitStack() as opened:
        for _ in range(PROCESSES):
            await (await opened.enter_async_context(subscribe(gateway.url))).opened()
        assert not gateway.errors()


async def test_the_streams_of_a_killed_process_resume_at_another_one(gateway: Gateway, streams: list[Stack]) -> None:
    async with AsyncExitStack() as opened:
        clients = [await opened.enter_async_context(subscribe(gateway.url)) for _ in range(2 * PROCESSES)]
        for client in clients:
            await client.opened()
        add_item(streams[0], "before")
        for client in clients:
            await client.updates(1)
        streams[0].kill("stream")
        add_item(streams[1], "after")
        for client in clients:
            assert (await next_update(gateway, client)).json["data"]["name"] == "after"


async def next_update(gateway: Gateway, client: Subscriber) -> Frame:
    """Return the next change of this stream, or of the one that resumes it."""
    try:
        (update,) = await client.updates(1)
    except (EOFError, aiohttp.ClientPayloadError):
        async with subscribe(gateway.url, last_event_id=client.last_event_id) as resumed:
            (update,) = await resumed.updates(1)
    return update


async def test_a_process_that_stops_gets_no_new_stream(gateway: Gateway, streams: list[Stack]) -> None:
    async with subscribe(streams[0].stream_url) as last:
        await last.opened()
        streams[0].signal("stream", signal.SIGTERM)
        while await asyncio.to_thread(streams[0].is_ready, "stream"):
            await asyncio.sleep(0.01)
        async with AsyncExitStack() as opened:
            for _ in range(6):
                stream = await opened.enter_async_context(subscribe(gateway.url))
                await stream.opened()  # no `event: busy`
            assert [subscribers(stack) for stack in streams[1:]] == [3, 3]


async def test_a_process_that_starts_again_gets_new_streams(gateway: Gateway, streams: list[Stack]) -> None:
    streams[0].kill("stream")
    async with AsyncExitStack() as opened:
        for _ in range(4):
            await (await opened.enter_async_context(subscribe(gateway.url))).opened()
        streams[0].start("stream")
        while not subscribers(streams[0]):  # the gateway avoids a process for a second after a failure
            await (await opened.enter_async_context(subscribe(gateway.url))).opened()
