"""Every route, limit and header of gateway/Caddyfile, in front of real services."""

from __future__ import annotations

import asyncio
import gzip
import io
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from yarl import URL

from tests.acceptance.client import ITEMS, create, get, problem
from tests.gateway.gateway import (
    CADDY,
    CADDYFILE,
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    MAX_IMPORT_BYTES,
    Gateway,
    Upstream,
    adapted,
    get_over_http2,
)
from tests.sse import Frame, subscribe
from tests.stack import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.stack import Stack

IMPORT = f"{ITEMS}/import"
TABLE = f"{IMPORT}/table"
CSV = {"Content-Type": "text/csv"}
FILE = {"Content-Type": "application/octet-stream"}
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
LONG_NAME = "\N{PACKAGE}" * 200  # makes the item long enough to be compressed


# The gateway itself -------------------------------------------------------------------------------------------------


def test_it_is_healthy_without_the_services(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, api=free_port(), stream=free_port())
    gateway.start()
    assert gateway.stop() == 0


def test_it_can_not_be_configured_from_outside() -> None:
    assert adapted()["admin"] == {"disabled": True, "config": {"persist": False}}


def test_timeouts_are_configured() -> None:
    """Reads the timeouts that would take a test too long from the Caddyfile."""
    text = Path(CADDYFILE).read_text()
    patience = re.findall(r"^\s*(idle|\w+_timeout|lb_try_duration|grace_period) (\w+)$", text, re.MULTILINE)
    assert patience == [
        ("grace_period", "2s"),
        ("idle", "2m"),
        ("lb_try_duration", "10s"),  # of the API
        ("dial_timeout", "2s"),
        ("response_header_timeout", "60s"),
        ("lb_try_duration", "5s"),  # of the stream
        ("dial_timeout", "2s"),
        ("response_header_timeout", "15s"),
    ]


# Routes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html"),
        ("/docs", "text/html"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/service-worker.js", "text/javascript"),
        ("/openapi.json", "application/json"),
        ("/asyncapi.json", "application/json"),
        ("/healthz", "application/json"),
        (ITEMS, "application/json"),
        (f"{ITEMS}/export", "text/csv"),
    ],
)
async def test_each_path_is_routed_to_its_service(client: aiohttp.ClientSession, path: str, content_type: str) -> None:
    async with client.get(path) as response:
        assert (response.status, response.content_type) == (200, content_type)
        assert await response.read()


async def test_each_service_describes_itself(client: aiohttp.ClientSession) -> None:
    assert "openapi" in await get(client, "/openapi.json")
    assert "asyncapi" in await get(client, "/asyncapi.json")


async def test_the_page_finds_its_files(client: aiohttp.ClientSession) -> None:
    async with client.get("/") as response:
        page = await response.text()
    files = set(re.findall(r'"(/static/[^"]+)"', page))
    assert len(files) > 10
    for file in files:
        async with client.get(file) as response:
            assert response.status == 200, file


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "/metrics/", "/METRICS", "/%6detrics", "/metrics?x=1", "//metrics", "/%2fmetrics", "/./metrics"),
        *("/readyz", "/readyz/", "/READYZ", "/%72eadyz", "//readyz"),
    ],
)
async def test_what_is_for_operators_is_not_reachable(
    gateway: Gateway, client: aiohttp.ClientSession, method: str, path: str
) -> None:
    async with client.request(method, URL(gateway.url + path, encoded=True), allow_redirects=False) as response:
        assert (response.status, response.content_type) == (404, "application/problem+json")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        if method != "HEAD":
            await problem(response, 404)


async def test_errors_of_the_api_are_passed_through(client: aiohttp.ClientSession) -> None:
    async with client.get("/nowhere") as response:
        await problem(response, 404)
    async with client.post(ITEMS, json={"name": "", "quantity": 1}) as response:
        assert (await problem(response, 422))["errors"][0]["field"] == "name"


@pytest.mark.parametrize("path", ["/", "/asyncapi.json", ITEMS])
async def test_http_2_is_supported(gateway: Gateway, path: str) -> None:
    headers, body = await get_over_http2(gateway.port, path)
    assert headers[":status"] == "200"
    assert body


# Compression --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_an_item_can_be_changed_under_the_etag_of_its_compressed_answer(
    client: aiohttp.ClientSession, encoding: str
) -> None:
    path = f"{ITEMS}/{(await create(client, LONG_NAME))['id']}"
    packed = {"Accept-Encoding": encoding}
    async with client.get(path, headers=packed) as response:
        assert response.headers["Content-Encoding"] == encoding
        assert "accept-encoding" in response.headers["Vary"].lower()
        etag, body = response.headers["ETag"], await response.read()
    assert re.fullmatch(f'"1-[0-9a-f]{{6}}-{encoding}"', etag)
    assert gzip.decompress(body) if encoding == "gzip" else body.startswith(ZSTD_MAGIC)
    async with client.get(path, headers={**packed, "If-None-Match": etag}) as response:
        assert response.status == 304
    async with client.put(path, json={"quantity": 6}, headers={**packed, "If-Match": f'"9", {etag}'}) as response:
        assert response.status == 200
    async with client.put(path, json={"quantity": 7}, headers={"If-Match": etag}) as response:
        await problem(response, 412)
    assert (await get(client, path))["quantity"] == 6


async def test_a_client_that_accepts_no_encoding_gets_none(client: aiohttp.ClientSession) -> None:
    path = f"{ITEMS}/{(await create(client, LONG_NAME))['id']}"
    async with client.get(path) as response:
        assert "Content-Encoding" not in response.headers
        assert re.fullmatch('"1-[0-9a-f]{6}"', response.headers["ETag"])


# Limits -------------------------------------------------------------------------------------------------------------


def body_of(size: int) -> bytes:
    """Return a new item as JSON, padded to `size` bytes."""
    return b'{"name":"bolt","quantity":5}'.ljust(size)


def csv_of(size: int) -> bytes:
    """Return a CSV file of one row, padded to `size` bytes."""
    return b"name,quantity\nbolt,5\n".ljust(size, b"\n")


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    """Yield the data in chunks, so that it is sent without a Content-Length."""
    for begin in range(0, len(data), 8_192):
        yield data[begin : begin + 8_192]


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "headers", "make", "most"),
    [
        (ITEMS, JSON, body_of, MAX_BODY_BYTES),
        (IMPORT, CSV, csv_of, MAX_IMPORT_BYTES),
        (TABLE, FILE, csv_of, MAX_IMPORT_BYTES),
    ],
    ids=["item", "import", "table"],
)
@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "chunked"])
async def test_the_size_of_a_body_is_limited(
    client: aiohttp.ClientSession,
    path: str,
    headers: dict[str, str],
    make: Callable[[int], bytes],
    most: int,
    is_declared: bool,
) -> None:
    for size, statuses in ((most, {200, 201}), (most + 1, {413}), (most + 100_000, {413})):
        data = io.BytesIO(make(size)) if is_declared else chunks(make(size))
        async with client.post(path, data=data, headers=headers) as response:
            assert response.status in statuses
            if response.status == 413:
                await problem(response, 413)
                assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_body_that_is_too_large_reaches_no_service(echo: Gateway, upstream: Upstream) -> None:
    async with aiohttp.ClientSession(echo.url) as client:
        for path, most in ((ITEMS, MAX_BODY_BYTES), ("/", MAX_BODY_BYTES), (IMPORT, MAX_IMPORT_BYTES)):
            async with client.post(path, data=io.BytesIO(b"x" * (most + 1))) as response:
                await problem(response, 413)
    assert upstream.requests == []


async def test_the_size_of_request_headers_is_limited(client: aiohttp.ClientSession) -> None:
    async with client.get(ITEMS, headers={"X-Note": "x" * (MAX_HEADER_BYTES - 1_000)}) as response:
        assert response.status == 200
    async with client.get(ITEMS, headers={"X-Note": "x" * (2 * MAX_HEADER_BYTES)}) as response:
        assert response.status == 431


async def test_headers_that_never_arrive_time_out(gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"GET / HTTP/1.1\r\nHost:")
    begin = time.monotonic()
    async with asyncio.timeout(15):
        await reader.read()
    assert time.monotonic() - begin > 8
    writer.close()


# Events -------------------------------------------------------------------------------------------------------------


async def test_changes_arrive_at_once_and_a_stream_resumes(gateway: Gateway, client: aiohttp.ClientSession) -> None:
    async with subscribe(gateway.url, headers={"Accept-Encoding": "gzip, zstd"}) as stream:
        assert stream.response.content_type == "text/event-stream"
        assert "Content-Encoding" not in stream.response.headers
        await stream.opened()
        for quantity in range(3):
            begin = time.monotonic()
            await create(client, quantity=quantity)
            (update,) = await stream.updates(1)
            assert update.json["data"]["quantity"] == quantity
            assert time.monotonic() - begin < 2
        last = stream.last_event_id
    missed = [(await create(client))["id"] for _ in range(3)]
    async with subscribe(gateway.url, last_event_id=last) as stream:
        assert [update.json["data"]["id"] for update in await stream.updates(3)] == missed


async def assert_busy(response: aiohttp.ClientResponse) -> None:
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache, no-transform"
    retry, busy = (Frame.parse(raw) for raw in (await response.text()).split("\n\n") if raw)
    assert retry.retry is not None
    assert 2_000 <= retry.retry <= 2_999
    assert busy.event == "busy"
    assert busy.json == {"reason": "the stream can't be reached"}
    assert not {"Server", "Via"} & set(response.headers)


async def test_clients_that_cannot_reach_the_stream_are_told_to_retry(own_gateway: Gateway, stack: Stack) -> None:
    stack.stop("stream")
    async with aiohttp.ClientSession(own_gateway.url) as client:
        async with client.get("/events") as response:
            await assert_busy(response)
        async with client.get("/asyncapi.json") as response:
            await problem(response, 502)
        assert await get(client, ITEMS) == []
    stack.start("stream")
    async with subscribe(own_gateway.url) as stream:
        await stream.opened()


async def test_a_silent_stream_service_counts_as_down(echo: Gateway, upstream: Upstream) -> None:
    upstream.is_silent = True
    async with aiohttp.ClientSession(echo.url) as client, client.get("/events") as response:
        await assert_busy(response)


# Outages ------------------------------------------------------------------------------------------------------------


async def test_a_request_waits_for_an_api_that_restarts(own_gateway: Gateway, stack: Stack) -> None:
    stack.stop("api")
    async with aiohttp.ClientSession(own_gateway.url) as client:
        made = asyncio.create_task(create(client))
        imported = asyncio.create_task(client.post(IMPORT, data=csv_of(100), headers=CSV))
        await asyncio.sleep(2)
        assert not made.done()
        await asyncio.to_thread(stack.start, "api")
        await made
        async with await imported as response:
            assert response.status == 200
        assert len(await get(client, ITEMS)) == 2


async def test_an_api_that_stays_down_is_a_problem(own_gateway: Gateway, stack: Stack) -> None:
    stack.stop("api")
    begin = time.monotonic()
    async with aiohttp.ClientSession(own_gateway.url) as client:
        answers = await asyncio.gather(client.get("/"), client.put(f"{ITEMS}/1", json={"quantity": 1}))
        for response in answers:
            await problem(response, 502)
            assert response.headers["Retry-After"] == "2"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert not {"Server", "Via"} & set(response.headers)
        assert 9 < time.monotonic() - begin < 20
        async with client.get("/metrics") as response:
            await problem(response, 404)
    async with subscribe(own_gateway.url) as stream:
        await stream.opened()


async def test_open_streams_do_not_delay_a_stop(own_gateway: Gateway) -> None:
    async with subscribe(own_gateway.url) as stream:
        await stream.opened()
        begin = time.monotonic()
        assert await asyncio.to_thread(own_gateway.stop) == 0
        assert time.monotonic() - begin < 5


# Headers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/api/inventories", IMPORT, "/asyncapi.json", "/events"])
async def test_only_the_gateway_sets_the_forwarding_headers(echo: Gateway, upstream: Upstream, path: str) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    forged["Forwarded"] = "for=203.0.113.9;proto=https"
    asked = {**forged, "Host": "stock.example:99"}
    async with aiohttp.ClientSession(echo.url) as client, client.get(path, headers=asked) as response:
        assert response.status == 200
    got = dict(line.lower().split(": ", 1) for line in upstream.requests[0][1:] if line)
    assert got["host"] == got["x-forwarded-host"] == "stock.example:99"
    assert got["x-forwarded-for"] == "127.0.0.1"
    assert got["x-forwarded-proto"] == "http"
    assert "forwarded" not in got
    assert upstream.requests[0][0] == f"GET {path} HTTP/1.1"


async def test_a_trusted_proxy_names_the_client(upstream: Upstream, tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, api=upstream.port, stream=upstream.port, trusted_proxies="127.0.0.0/8")
    gateway.start()
    try:
        said = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "https"}
        async with aiohttp.ClientSession(gateway.url) as client, client.get("/", headers=said) as response:
            assert response.status == 200
    finally:
        gateway.close()
    got = dict(line.lower().split(": ", 1) for line in upstream.requests[0][1:] if line)
    assert got["x-forwarded-for"] == "198.51.100.1, 203.0.113.9, 127.0.0.1"
    assert got["x-forwarded-proto"] == "https"


@pytest.mark.parametrize(("trusted", "passes"), [("", False), ("127.0.0.0/8", True)])
@pytest.mark.parametrize("path", ["/", ITEMS, "/events"])
async def test_only_a_trusted_proxy_says_who_the_client_is(
    upstream: Upstream, tmp_path: Path, path: str, trusted: str, passes: bool
) -> None:
    gateway = Gateway(tmp_path, api=upstream.port, stream=upstream.port, trusted_proxies=trusted)
    gateway.start()
    try:
        said = {"rEmote-USER": "ann", "Remote-Groups": "admins"}
        async with aiohttp.ClientSession(gateway.url) as client, client.get(path, headers=said) as response:
            assert response.status == 200
    finally:
        gateway.close()
    got = {line.lower().partition(":")[0] for line in upstream.requests[0][1:]}
    assert ({"remote-user", "remote-groups"} <= got) == passes
    assert passes or not {"remote-user", "remote-groups"} & got


@pytest.mark.parametrize("path", ["/", "/nowhere", "/metrics", ITEMS, IMPORT, "/asyncapi.json", "/events"])
async def test_no_response_names_the_server_software(client: aiohttp.ClientSession, echo: Gateway, path: str) -> None:
    async with client.get(path) as response:
        assert not {"Server", "Via"} & set(response.headers)
    async with aiohttp.ClientSession(echo.url) as other, other.get(path) as response:
        assert not {"Server", "Via"} & set(response.headers)
    async with client.post(path, data=b"x" * (MAX_IMPORT_BYTES + 1)) as response:
        assert not {"Server", "Via"} & set(response.headers)


# Coverage of the Caddyfile ------------------------------------------------------------------------------------------

EVERY_API_REQUEST = {
    "request_body": test_the_size_of_a_body_is_limited,
    "too_large error": test_a_body_that_is_too_large_reaches_no_service,
    "headers": test_an_item_can_be_changed_under_the_etag_of_its_compressed_answer,
    "encode": test_an_item_can_be_changed_under_the_etag_of_its_compressed_answer,
    "reverse_proxy": test_each_path_is_routed_to_its_service,
}
OPERATORS = "/metrics /metrics/ /readyz /readyz/"
TESTED = {
    "127.0.0.1 static_response": test_it_is_healthy_without_the_services,
    "headers": test_no_response_names_the_server_software,
    "untrusted headers": test_only_a_trusted_proxy_says_who_the_client_is,
    f"{OPERATORS} headers": test_what_is_for_operators_is_not_reachable,
    f"{OPERATORS} static_response": test_what_is_for_operators_is_not_reachable,
    "/events reverse_proxy": test_changes_arrive_at_once_and_a_stream_resumes,
    "/asyncapi.json reverse_proxy": test_each_service_describes_itself,
    **EVERY_API_REQUEST,
    **{f"{IMPORT} {TABLE} {handler}": test for handler, test in EVERY_API_REQUEST.items()},
}
ERRORS_TESTED = {
    "headers": test_an_api_that_stays_down_is_a_problem,
    "events headers": test_clients_that_cannot_reach_the_stream_are_told_to_retry,
    "events static_response": test_clients_that_cannot_reach_the_stream_are_told_to_retry,
    "too_large headers": test_the_size_of_a_body_is_limited,
    "too_large static_response": test_the_size_of_a_body_is_limited,
    "static_response": test_an_api_that_stays_down_is_a_problem,
}
SERVER_OPTIONS_TESTED = {
    "read_header_timeout": test_headers_that_never_arrive_time_out,
    "idle_timeout": test_timeouts_are_configured,
    "max_header_bytes": test_the_size_of_request_headers_is_limited,
    "protocols": test_http_2_is_supported,
    "trusted_proxies": test_a_trusted_proxy_names_the_client,
    "trusted_proxies_strict": test_a_trusted_proxy_names_the_client,
}


def handlers(routes: list[dict[str, Any]], where: str = "") -> Iterator[str]:
    """Yield the name of each handler of these routes, prefixed with the matchers that lead to it."""
    for route in routes:
        place = " ".join(filter(None, [where, *(matcher_name(match) for match in route.get("match", ()))]))
        for handler in route["handle"]:
            if handler["handler"] == "subroute":
                yield from handlers(handler["routes"], place)
            else:
                yield f"{place} {handler['handler']}".strip()


def matcher_name(match: dict[str, Any]) -> str:
    """Return the name of an expression in the Caddyfile, or else the paths or hosts."""
    if "expression" in match:
        return str(match["expression"]["name"])
    if "not" in match:
        return "untrusted"
    return " ".join(match.get("path") or match["host"])


def test_everything_in_the_caddyfile_has_a_test() -> None:
    config = adapted()
    servers = config["apps"]["http"]["servers"].values()
    assert {name for server in servers for name in handlers(server["routes"])} == set(TESTED)
    errors = [server["errors"]["routes"] for server in servers if "errors" in server]
    assert {name for routes in errors for name in handlers(routes)} == set(ERRORS_TESTED)
    others = {"listen", "routes", "errors", "logs", "automatic_https"}
    assert {name for server in servers for name in server} - others == set(SERVER_OPTIONS_TESTED)
    assert set(config["apps"]["http"]) == {"servers", "grace_period"}


def test_the_caddyfile_is_formatted() -> None:
    done = subprocess.run([CADDY, "fmt", CADDYFILE], capture_output=True, text=True, check=True)
    assert done.stdout == Path(CADDYFILE).read_text()
