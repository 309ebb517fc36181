"""Which host names each route accepts, and which origins may change the stock."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from api_service.app import create_app as create_api
from api_service.settings import ApiSettings
from shared.process.settings import Bind, Settings
from shared.web.hosts import gate, host_name
from stream_service.app import create_app as create_stream
from stream_service.settings import StreamSettings
from tests.accounts import add_admin, add_admin_token
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from quart import Quart

    from shared.process.settings import Auth
    from tests.postgres import PostgresServer

PATIENCE_SECONDS = 10
ORIGIN = "https://intranet.example.org"
OPEN_TO_ALL = {"/healthz", "/readyz"}
OWN_HOSTS = [
    *("localhost", "LOCALHOST", "localhost.", "localhost:1", "localhost:65535", "a.localhost", "127.0.0.1"),
    *("127.0.0.1:8000", "127.1.2.3", "[::1]", "[::1]:8000", "stock.example.org", "Stock.Example.Org:443"),
    *("stock.example.org.", "a.example.net", "a.b.example.net:8080"),
]
FOREIGN_HOSTS = [
    *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evillocalhost", "0.0.0.0", "10.0.0.1"),
    *("[::2]", "::1:8000", "example.org", "x.stock.example.org", "example.net", "xexample.net", "localhost:x"),
    *("localhost:", "localhost:123456", "localhost, evil.example", "localhost evil", "evil@localhost", "", "."),
    *("localhost/evil", "localhost\\evil", "loc\u00e4lhost", "xn--lclhost-8wa", "127.0.0.1:80:80", "[127.0.0.1", "*"),
]


@pytest.fixture(scope="module")
def stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both services, configured to accept two more host names and writes from one other origin."""
    settings = {
        "ALLOWED_HOSTS": "https://stock.example.org/, *.example.net",
        "ALLOWED_ORIGINS": ORIGIN,
        "AUTH": "login",
    }
    with running_stack(postgres, tmp_path_factory.mktemp("logs"), settings) as stack:
        stack.sql("INSERT INTO inventory (name, quantity) VALUES ('bolt', 5)")
        yield stack


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    """The header of an admin's requests."""
    add_admin(stack)  # so that the tests, which try to delete the first account and token, can go on
    add_admin_token(stack, "first")
    return f"Authorization: {add_admin_token(stack)['Authorization']}"


def routes(service: str, app: Quart) -> Iterator[tuple[str, str, str]]:
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<path:[^>]*>", "scripts/main.js", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield service, method, re.sub(r"<[^>]*>", "1", path)


ROUTES = sorted({*routes("api", create_api(ApiSettings())), *routes("stream", create_stream(StreamSettings()))})
ONLY_IN_A_SESSION = {"/api/session", "/api/session/password"}
WITH_A_TOKEN = [route for route in ROUTES if route[2] not in ONLY_IN_A_SESSION]
READS = [route for route in ROUTES if route[1] == "GET"]
WRITES = [route for route in ROUTES if route[1] != "GET"]
# In order: an item is deleted, then restored.
WRITES_WITH_A_TOKEN = [route for route in WRITES if route in WITH_A_TOKEN]


async def ask(stack: Stack, service: str, method: str, path: str, *headers: str) -> tuple[int, bytes]:
    """Send a request and return the status and the received bytes. Of a stream, returns the headers only."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.ports[service])
    head = "\r\n".join((f"{method} {path} HTTP/1.1", *headers, "Connection: close", "", ""))
    writer.write(head.encode("latin-1"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        received = await reader.readuntil(b"\r\n\r\n")
        if b"event-stream" not in received:
            received += await reader.read()
    writer.close()
    return int(received.split(b" ")[1]), received


@pytest.mark.parametrize(("service", "method", "path"), WITH_A_TOKEN)
async def test_every_route_answers_to_known_host_names_only(
    stack: Stack, token: str, service: str, method: str, path: str
) -> None:
    status, received = await ask(stack, service, method, path, "Host: evil.example")
    if path in OPEN_TO_ALL:
        assert status == 200
        return
    assert status == 421
    problem = json.loads(received.partition(b"\r\n\r\n")[2])
    assert "ALLOWED_HOSTS" in problem["detail"]
    assert "evil.example" in problem["detail"]
    status, _ = await ask(stack, service, method, path, "Host: localhost", token)
    assert status not in {401, 403, 421}
    status, _ = await ask(stack, service, method, f"{path}/no/such/page", "Host: evil.example")
    assert status == 421, "an unknown path must not be answered either"


@pytest.mark.parametrize("service", ["api", "stream"])
@pytest.mark.parametrize("host", OWN_HOSTS)
async def test_known_host_names_are_accepted(stack: Stack, service: str, host: str) -> None:
    status, received = await ask(stack, service, "GET", "/metrics", f"Host: {host}")
    assert status == 200, received


@pytest.mark.parametrize("service", ["api", "stream"])
@pytest.mark.parametrize("host", FOREIGN_HOSTS)
async def test_foreign_host_names_are_refused(stack: Stack, service: str, host: str) -> None:
    status, received = await ask(stack, service, "GET", "/metrics", f"Host: {host}")
    assert status in {400, 421}, received  # 400 for an empty host, which hypercorn refuses itself


@pytest.mark.parametrize("service", ["api", "stream"])
async def test_repeated_missing_and_forwarded_host_headers_are_refused(stack: Stack, service: str) -> None:
    for headers in (
        ("Host: evil.example", "Host: localhost"),
        ("Host: localhost", "Host: evil.example"),
        ("Host: evil.example", "X-Forwarded-Host: localhost"),
        ("Host: evil.example", "Forwarded: host=localhost"),
        (),
    ):
        status, received = await ask(stack, service, "GET", "/metrics", *headers)
        assert status in {400, 421}, (headers, received)


def test_a_host_header_is_parsed_strictly() -> None:
    assert host_name("[::1]:80") == "::1"
    assert host_name("A.Example.:80") == "a.example"
    assert host_name("a b") is None
    assert host_name("x" * 64) is None
    assert host_name(".") is None


async def test_with_any_host_allowed_an_invalid_name_is_still_refused(
    postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    stack = Stack(postgres, database, tmp_path, {"ALLOWED_HOSTS": "*"})
    try:
        for service in ("api", "stream"):
            stack.start(service)
            for host in ("evil.example", "10.0.0.1", "localhost"):
                assert (await ask(stack, service, "GET", "/metrics", f"Host: {host}"))[0] == 200
            for host in (".", "a..b", "x" * 64, "xn--", "xn--lclhost-8wa", "xn--\xff", "\xff", "a" + ".a" * 200):
                status, received = await ask(stack, service, "GET", "/metrics", f"Host: {host}")
                assert status in {200, 400, 421}, (host, received)
    finally:
        stack.close()


@pytest.mark.parametrize(("service", "method", "path"), WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        ("Sec-Fetch-Site: cross-site",),
        ("Sec-Fetch-Site: same-site",),
        ("Sec-Fetch-Site: cross-site", "Origin: https://evil.example"),
        ("Sec-Fetch-Site: same-site", "Origin: http://localhost:9999"),
        ("Sec-Fetch-Site: cross-site", "Origin: http://localhost"),  # Sec-Fetch-Site takes precedence
        ("Sec-Fetch-Site: same-origin, cross-site",),
        ("Sec-Fetch-Site: SAME-ORIGIN",),
        ("Origin: https://evil.example",),
        ("Origin: null",),
        ("Origin: http://localhost:9999",),
        ("Origin: https://localhost:80",),
        ("Origin: http://localhost.evil.example",),
        ("Origin: http://localhost, http://evil.example",),
        ("Origin: file://",),
        ("Origin: ",),
        (f"Origin: {ORIGIN}.evil.example",),
        (f"Sec-Fetch-Site: cross-site\r\nOrigin: {ORIGIN}:8443",),
    ],
)
async def test_a_page_of_another_site_changes_nothing(
    stack: Stack, service: str, method: str, path: str, headers: tuple[str, ...]
) -> None:
    before = stack.sql("SELECT log_head()")
    status, received = await ask(stack, service, method, path, "Host: localhost", *headers)
    assert status == 403, received
    assert b"ALLOWED_ORIGINS" in received
    assert b"problem+json" in received
    assert stack.sql("SELECT log_head()") == before


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Sec-Fetch-Site: same-origin",),
        ("Sec-Fetch-Site: none",),
        ("Sec-Fetch-Site: same-origin", "Origin: http://localhost"),
        ("Origin: http://localhost",),
        ("Origin: http://LOCALHOST:80",),
        ("Origin: https://localhost",),  # a proxy terminates TLS and forwards the host
        (f"Sec-Fetch-Site: cross-site\r\nOrigin: {ORIGIN}",),
        (f"Origin: {ORIGIN}",),
    ],
)
async def test_the_own_page_allowed_origins_and_other_clients_may_write(
    stack: Stack, token: str, headers: tuple[str, ...]
) -> None:
    for service, method, path in WRITES_WITH_A_TOKEN:
        status, received = await ask(stack, service, method, path, "Host: localhost", token, *headers)
        assert status not in {401, 403, 421}, (method, path, received)


async def test_a_page_of_an_allowed_origin_may_read_the_responses(stack: Stack, token: str) -> None:
    path = "/api/inventories/1"
    ours = ("Host: localhost", f"Origin: {ORIGIN}", "Access-Control-Request-Method: PUT")
    wanted = "Access-Control-Request-Headers: content-type, if-match, idempotency-key"
    status, received = await ask(stack, "api", "OPTIONS", path, *ours, wanted)
    assert status == 200
    assert f"access-control-allow-origin: {ORIGIN}".encode() in received.lower()
    assert b"put" in received.lower().partition(b"access-control-allow-methods:")[2].partition(b"\r\n")[0]
    status, received = await ask(stack, "api", "GET", path, token, *ours[:2])
    assert status == 200
    assert f"access-control-allow-origin: {ORIGIN}".encode() in received.lower()
    assert b"access-control-allow-credentials: true" in received.lower()
    status, received = await ask(stack, "api", "OPTIONS", path, "Host: localhost", "Origin: https://evil.example")
    assert b"access-control-allow-origin" not in received.lower()


@pytest.mark.parametrize(("service", "method", "path"), READS)
async def test_reading_with_a_token_needs_no_origin(
    stack: Stack, token: str, service: str, method: str, path: str
) -> None:
    headers = ("Host: localhost", "Sec-Fetch-Site: cross-site", "Origin: https://evil.example")
    status, received = await ask(stack, service, method, path, token, *headers)
    assert status not in {401, 403, 421}, received
    assert b"access-control-allow-origin" not in received.lower(), "scripts of other sites must not see the response"


@pytest.mark.parametrize(("auth", "status"), [("open", 421), ("login", 200)])
async def test_the_address_of_the_service_is_its_name_only_with_accounts(auth: Auth, status: int) -> None:
    """Without accounts, being reachable by others is a decision, which ALLOWED_HOSTS expresses."""
    statuses: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        statuses.append(200)

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    for bind in (Bind("10.0.0.1", 8000), Bind("0.0.0.0", 8000)):
        scope = {"type": "http", "path": "/", "headers": [(b"host", b"10.0.0.1:8000")], "server": ("10.0.0.1", 8000)}
        await gate(app, Settings(auth=auth), bind)(scope, None, send)
    assert statuses == [status, status]
