"""How streams end when a client leaves, in every way that it can, and that nothing of them stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.test_operations import until
from tests.sockets import reset_on_close
from tests.sse import subscribe
from tests.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.postgres import PostgresServer

PATIENCE_SECONDS = 30
CONNECTS, CONNECTS_AT_A_TIME = 10_000, 200
MAX_GROWTH_KB = 16_384  # garbage that is not collected yet; a connection that is kept costs 10 to 20 KB
DATABASE_CONNECTIONS = 5  # at most; they come and go
REQUEST = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"
SECOND_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
PIPELINED = REQUEST + SECOND_REQUEST


@pytest.fixture(scope="module", params=["true", "false"], ids=["direct", "ASGI"])
def stack(
    request: pytest.FixtureRequest, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    database = postgres.create_database()
    settings = {"STREAM_DIRECT_WRITES": request.param, "STREAM_HEARTBEAT_SECONDS": "0.5"}
    stack = Stack(postgres, database, tmp_path_factory.mktemp("logs"), settings)
    stack.start("stream")
    yield stack
    stack.close()
    postgres.drop_database(database)


class Client:
    """A raw connection to the stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, stack: Stack, request: bytes = REQUEST) -> Client:
        """Connect, and wait until the stream is live."""
        reader, writer = await asyncio.open_connection("127.0.0.1", stack.ports["stream"])
        writer.write(request)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await reader.readuntil(b"event: heartbeat\n")
        return cls(reader, writer)

    def reset(self) -> None:
        """Close with a RST."""
        reset_on_close(self.writer.get_extra_info("socket"))
        self.writer.close()

    def close(self) -> None:
        """Close with a FIN."""
        self.writer.close()

    async def read_to_end(self) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read()


def change(stack: Stack) -> None:
    stack.sql("INSERT INTO inventory (name, quantity) VALUES ('bolt', 1)")


@pytest.mark.parametrize("leave", [Client.reset, Client.close])
@pytest.mark.parametrize("request_bytes", [REQUEST, PIPELINED], ids=["one request", "pipelined"])
async def test_a_client_that_leaves_is_forgotten(
    stack: Stack, leave: Callable[[Client], None], request_bytes: bytes
) -> None:
    client = await Client.open(stack, request_bytes)
    await until(stack.stream_url, "stockstream_subscribers", 1)
    leave(client)
    await until(stack.stream_url, "stockstream_subscribers", 0)


async def test_a_client_that_shuts_down_its_side_has_left(stack: Stack) -> None:
    client = await Client.open(stack)
    client.writer.write_eof()
    await client.read_to_end()
    await until(stack.stream_url, "stockstream_subscribers", 0)
    client.close()


@pytest.mark.parametrize("following", [SECOND_REQUEST, b"\x16\x03\x01 no request\r\n\r\n"], ids=["request", "garbage"])
async def test_what_follows_the_request_waits_and_the_stream_goes_on(stack: Stack, following: bytes) -> None:
    client = await Client.open(stack, REQUEST + following)
    for _ in range(3):
        change(stack)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await client.reader.readuntil(b"event: inventory_update\n")
    client.reset()
    await until(stack.stream_url, "stockstream_subscribers", 0)


async def test_after_10_000_connects_nothing_is_left(stack: Stack) -> None:
    if stack.settings["STREAM_DIRECT_WRITES"] == "false":
        pytest.skip("the same code, more slowly")
    choose = random.Random(7)
    pid = stack.pid("stream")
    await _connect_and_leave(stack, choose, 2_000)
    files, memory = _open_files(pid), _resident_kb(pid)
    await _connect_and_leave(stack, choose, CONNECTS)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while _open_files(pid) > files + DATABASE_CONNECTIONS:  # the last ones may not even be accepted yet
            await asyncio.sleep(0.01)
    assert _resident_kb(pid) <= memory + MAX_GROWTH_KB
    assert "Traceback" not in stack.log("stream")
    async with subscribe(stack.stream_url) as subscriber:
        await subscriber.opened()


async def _connect_and_leave(stack: Stack, choose: random.Random, count: int) -> None:
    """Open streams and leave them at any moment, in any way, while the stock changes."""

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", stack.ports["stream"])
        client = Client(reader, writer)
        writer.write(choose.choice((REQUEST, PIPELINED, REQUEST[:20])))
        if choose.random() < 0.7:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(choose.random() * 0.2):
                    await reader.read(choose.choice((1, 100, 10_000)))
        if choose.random() < 0.2:
            writer.write_eof()
        choose.choice((Client.reset, Client.close))(client)

    for start in range(0, count, CONNECTS_AT_A_TIME):
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTS_AT_A_TIME):
                group.create_task(one())
            if not start % (10 * CONNECTS_AT_A_TIME):
                await asyncio.to_thread(change, stack)
    await until(stack.stream_url, "stockstream_subscribers", 0)


def _open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def _resident_kb(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4
