"""What the stream relies on in the server: the contract with the pinned versions of Hypercorn and h11."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import weakref
from typing import TYPE_CHECKING, Any

import aiohttp
import h2.connection
import h2.events
import pytest
from hypercorn.config import Config

from shared.process import server
from stream_service import connection
from tests.sockets import reset_on_close

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

PATIENCE_SECONDS = 10
START = {"type": "http.response.start", "status": 200, "headers": []}


@contextlib.asynccontextmanager
async def serving(app: Any, grace_seconds: float = 5) -> AsyncIterator[int]:
    """Serve this app; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.graceful_timeout = grace_seconds
    stop = asyncio.Event()
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:

        async def until() -> None:
            await stop.wait()

        group.create_task(server.serve(_with_lifespan(app), config, listener, 10, until))
        yield listener.getsockname()[1]
        stop.set()


def _with_lifespan(app: Any) -> Any:
    async def asgi_app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for name in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{name}.complete"})

    return asgi_app


def body(data: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def test_a_stream_takes_the_connection_over_once_the_headers_are_sent() -> None:
    lost, messages = asyncio.Event(), []

    async def app(scope: dict[str, Any], receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        await send(START)
        assert connection.can_take_over(scope)
        stream = connection.take_over(scope)
        stream.on_lost = lost.set

        async def go_on() -> None:
            while (message := await receive())["type"] != "http.disconnect":
                messages.append(message)
            stream.write(connection.chunk(b"one "))
            await stream.send(b"two ")
            await stream.send(b"")
            await stream.send(b"three")
            await stream.end()

        background.append(asyncio.create_task(go_on()))

    background: list[asyncio.Task[None]] = []
    async with serving(app) as port, aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(f"http://127.0.0.1:{port}/") as response:
                assert await response.read() == b"one two three"
            await lost.wait()
            lost.clear()
        await asyncio.gather(*background)
    assert all(message["type"] == "http.request" for message in messages)


async def test_http_1_0_and_http_2_go_through_the_servers_interface() -> None:
    direct = []

    async def app(scope: dict[str, Any], receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        await send(START)
        direct.append(connection.can_take_over(scope))
        stream = connection.AsgiConnection(receive, send)
        await stream.send(b"whole")
        await stream.end()

    async with serving(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\nwhole")
        writer.close()
        assert await _get_over_http2(port) == b"whole"
    assert direct == [False, False]


async def _get_over_http2(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    http2 = h2.connection.H2Connection()
    http2.initiate_connection()
    headers = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "localhost")]
    http2.send_headers(1, headers, end_stream=True)
    received = b""
    while True:
        writer.write(http2.data_to_send())
        for event in http2.receive_data(await reader.read(65_536)):
            if isinstance(event, h2.events.DataReceived):
                received += event.data or b""
            elif isinstance(event, h2.events.StreamEnded):
                writer.close()
                return received


async def test_a_direct_send_waits_while_the_client_does_not_read() -> None:
    sent = asyncio.Queue[int]()

    async def app(scope: dict[str, Any], _receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        await send(START)
        stream = connection.take_over(scope)
        number = 0
        while not stream.unsent_bytes():
            stream.write(connection.chunk(b"x" * 65_536))
            number += 1
        waiting = asyncio.create_task(stream.send(b"last"))
        await asyncio.sleep(0)
        assert not waiting.done()
        sent.put_nowait(number)
        await waiting
        assert not stream.unsent_bytes()
        await stream.end()

    async with serving(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        count = await sent.get()
        whole = b""
        while not whole.endswith(b"0\r\n\r\n"):
            whole += await reader.read(1_000_000)
        assert whole.count(b"x") == count * 65_536
        assert whole.endswith(b"\r\n4\r\nlast\r\n0\r\n\r\n")
        writer.close()


async def test_a_request_that_does_not_end_in_time_is_cancelled() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def app(_scope: Any, _receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        await send(START)
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(app, grace_seconds=0.05) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await began.wait()
    assert ended.is_set()
    writer.close()


REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", REQUEST[:20], REQUEST, REQUEST * 2], ids=["nothing", "part", "one", "two"])
@pytest.mark.parametrize("leaves_at_once", [True, False])
async def test_nothing_is_kept_of_a_client_that_has_left(sent: bytes, leaves_at_once: bool) -> None:
    received = asyncio.Queue[str]()

    async def app(_scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        await send(START)
        await send(body(b"begun"))
        while (message := await receive())["type"] != "http.disconnect":
            pass
        received.put_nowait(message["type"])

    async with serving(app) as port:
        await asyncio.sleep(0)
        before = asyncio.all_tasks()
        with socket.create_connection(("127.0.0.1", port)) as client:
            reset_on_close(client)
            client.sendall(sent)
            if REQUEST in sent and not leaves_at_once:
                await asyncio.get_running_loop().run_in_executor(None, client.recv, 5)
        async with _open_stream(port):
            pass
        while tasks := asyncio.all_tasks() - before:
            await asyncio.wait(tasks)
    assert received.get_nowait() == "http.disconnect"


MANY_CHUNKS = b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1_000


@pytest.mark.parametrize("takes_over", [True, False])
@pytest.mark.parametrize("resets", [True, False])
async def test_nothing_is_kept_of_a_client_whose_request_was_never_read(takes_over: bool, resets: bool) -> None:
    async def app(scope: Any, _receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        await send(START)
        await send(body(b"begun"))
        if takes_over and connection.can_take_over(scope):
            streams.append(connection.take_over(scope))
        else:
            await send(body(b"", more=False))

    streams: list[connection.DirectConnection] = []
    async with serving(app) as port:
        await asyncio.sleep(0)
        before = asyncio.all_tasks()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(MANY_CHUNKS)
        await reader.readuntil(b"begun")
        if resets:
            reset_on_close(writer.get_extra_info("socket"))
        writer.close()
        while tasks := asyncio.all_tasks() - before:
            await asyncio.wait(tasks)
    assert len(streams) == takes_over


async def test_nothing_of_the_server_stays_with_a_connection_that_was_taken_over() -> None:
    freed = asyncio.Event()
    streams: list[connection.DirectConnection] = []

    async def app(scope: Any, _receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        await send(START)
        await send(body(b"begun"))
        weakref.finalize(scope["state"][server.CONNECTION], freed.set)
        streams.append(connection.take_over(scope))

    gc.disable()  # so that a cycle would be found
    try:
        async with serving(app) as port, _open_stream(port):
            await freed.wait()
            await streams[0].send(b"more")
    finally:
        gc.enable()


@contextlib.asynccontextmanager
async def _open_stream(port: int) -> AsyncIterator[None]:
    """A stream that has begun. The server has then accepted all earlier connections."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    await reader.readuntil(b"begun")
    yield
    writer.close()
