"""Hostile clients on raw sockets: each is refused or disconnected, while other clients are served."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.sse import subscribe
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import PostgresServer

IDLE_SECONDS = 1
PATIENCE_SECONDS = 20
HALF_OPEN = 2_000
HOST = "Host: localhost\r\n"


@pytest.fixture(scope="module")
def stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both services, with short timeouts."""
    settings = {"IDLE_SECONDS": str(IDLE_SECONDS), "BODY_SECONDS": "1"}
    with running_stack(postgres, tmp_path_factory.mktemp("logs"), settings) as stack:
        yield stack


@pytest.fixture(params=["api", "stream"])
def port(request: pytest.FixtureRequest, stack: Stack) -> int:
    return stack.ports[request.param]


async def answer(port: int, sent: bytes) -> bytes:
    """Send bytes and return everything received until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        writer.write(sent)
        await writer.drain()
    received = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                received += data
    writer.close()
    return received


async def check_service_works(stack: Stack) -> None:
    """Check that a change is accepted and delivered."""
    async with (
        subscribe(stack.stream_url) as subscriber,
        aiohttp.ClientSession(stack.api_url) as api,
    ):
        await subscriber.opened()
        async with api.post("/api/inventories", json={"name": "well", "quantity": 1}) as response:
            assert response.status == 201
        assert (await subscriber.updates(1))[0].json["data"]["name"] == "well"


async def test_endless_headers_are_refused(stack: Stack, port: int) -> None:
    flood = f"GET /healthz HTTP/1.1\r\n{HOST}" + "".join(f"X-{number}: {'x' * 90}\r\n" for number in range(2_000))
    assert (await answer(port, flood.encode())).startswith(b"HTTP/1.1 431 ")
    long_line = f"GET /{'x' * 100_000} HTTP/1.1\r\n{HOST}\r\n"
    assert (await answer(port, long_line.encode())).startswith(b"HTTP/1.1 431 ")
    await check_service_works(stack)


async def test_headers_sent_byte_by_byte_are_cut_off(stack: Stack, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        for byte in f"GET /healthz HTTP/1.1\r\n{HOST}X-Slow: {'x' * 10_000}".encode():
            writer.write(bytes([byte]))
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    if await reader.read(1) == b"":
                        break
    assert time.monotonic() - began < PATIENCE_SECONDS
    writer.close()


async def test_a_silent_connection_is_closed(port: int) -> None:
    assert await answer(port, b"") == b""


async def test_a_body_that_never_arrives_is_a_408(stack: Stack) -> None:
    head = f"POST /api/inventories HTTP/1.1\r\n{HOST}Content-Type: application/json\r\nContent-Length: 30\r\n\r\n"
    for path in ("/api/inventories", "/api/inventories/import"):
        sent = head.replace("/api/inventories", path)
        sent = sent.replace("application/json", "text/csv") if path.endswith("import") else sent
        received = await answer(stack.ports["api"], sent.encode() + b'{"name": ')
        assert received.startswith(b"HTTP/1.1 408 "), received
        assert b"application/problem+json" in received


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\n\r\n",
        "GET  HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "G\u00cbT /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        "POST /api/inventories HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /api/inventories HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "POST /api/inventories HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
        "\x16\x03\x01\x02\x00\x01\x00",
        "\r\n" * 50,
    ],
)
async def test_malformed_http_is_a_400(port: int, head: str) -> None:
    received = await answer(port, head.encode("latin-1") + b"\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400 "), received
    assert b"Traceback" not in received


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("TRACE", "/healthz", 405),
        ("PROPFIND", "/healthz", 405),
        ("X" * 500, "/healthz", 405),
        ("CONNECT", "a:80", 404),  # hypercorn treats the authority as a path, which no route matches
    ],
)
async def test_an_unknown_method_is_refused(port: int, method: str, target: str, status: int) -> None:
    received = await answer(port, f"{method} {target} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n".encode())
    assert received.startswith(f"HTTP/1.1 {status} ".encode()), received


@pytest.mark.parametrize(
    "path",
    [
        "/static/..%2f..%2fetc/passwd",
        "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/static/scripts/../../pyproject.toml",
        "/static/..\\..\\pyproject.toml",
        "//etc/passwd",
        "/static/scripts/main.js%00.txt",
        "/static/scripts",
        "/static/" + "a/" * 4_000,
        "http://evil.example/static/../pyproject.toml",
    ],
)
async def test_no_path_leads_out_of_the_frontend(stack: Stack, path: str) -> None:
    received = await answer(stack.ports["api"], f"GET {path} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n".encode())
    assert received.split(b" ")[1] in {b"404", b"400"}, received[:200]
    assert b"[project]" not in received


@pytest.mark.parametrize(
    "position", ["x", "1", "-1", "a-", "a--1", "a-1-2", "\u00e4-1", "a-9223372036854775808", "a" * 9_000]
)
async def test_a_malformed_position_is_a_400(stack: Stack, position: str) -> None:
    sent = f"GET /events HTTP/1.1\r\n{HOST}Last-Event-ID: {position}\r\nConnection: close\r\n\r\n"
    received = await answer(stack.ports["stream"], sent.encode("latin-1"))
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in received


async def test_thousands_of_half_open_connections_do_not_keep_others_out(stack: Stack, port: int) -> None:
    connections = []
    for _ in range(HALF_OPEN):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n")
        connections.append((reader, writer))
    await check_service_works(stack)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for reader, writer in connections:
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()
