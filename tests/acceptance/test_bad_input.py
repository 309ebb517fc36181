"""Invalid input to any route: a problem that names the field, never a 500, and no client data in the log."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
import pytest
from yarl import URL

from api_service.app import create_app
from api_service.settings import ApiSettings
from tests.acceptance.client import ITEMS, JSON, change, create, get, problem, refused
from tests.accounts import PASSWORD, Accounts, add_admin
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.postgres import PostgresServer

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
PATIENCE_SECONDS = 10
SECRET = "top-secret-payload"
CSV = {"Content-Type": "text/csv"}


def routes() -> Iterator[tuple[str, str]]:
    """Yield each method and path of the API, with `<id>` in place of an item id."""
    for rule in create_app(ApiSettings()).url_map.iter_rules():
        path = re.sub(r"<[^>]*>", "<id>", rule.rule)
        if path.startswith("/api"):
            yield from ((method, path) for method in sorted((rule.methods or set()) & METHODS))


ROUTES = sorted(set(routes()))
WITH_ID = [(method, path) for method, path in ROUTES if "<id>" in path]

SIGNS_IN = {("POST", "/api/session"), ("POST", "/api/setup"), ("PUT", "/api/session/password")}
SIGNS_OUT = {("DELETE", "/api/session"), ("DELETE", "/api/sessions/<id>"), ("DELETE", "/api/accounts/<id>")}
NO_SUCH_ID = "999999999"

# A valid body for each route that takes JSON, except those in SIGNS_IN, which test_sign_in.py tests.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", ITEMS): {"name": "nut", "quantity": 1},
    ("PUT", f"{ITEMS}/<id>"): {"name": "nut", "quantity": 1},
    ("PATCH", f"{ITEMS}/<id>"): {"adjust": 1},
    ("POST", "/api/locations"): {"name": "Shelf"},
    ("PATCH", "/api/locations/<id>"): {"name": "Shelf"},
    ("POST", "/api/accounts"): {"name": "bob"},
    ("PATCH", "/api/accounts/<id>"): {"password": PASSWORD},
    ("POST", "/api/tokens"): {"name": "scanner", "account": int(NO_SUCH_ID)},
}
BOOKING = {("POST", "/api/movements"), ("POST", "/api/transfers"), ("PUT", "/api/minimums")}  # in test_booking_input.py
WITHOUT_JSON = {
    ("POST", f"{ITEMS}/<id>/restore"),
    ("POST", f"{ITEMS}/import"),
    ("POST", f"{ITEMS}/import/table"),
    ("POST", "/api/movements/<id>/undo"),
}

INVALID_INTEGERS = [
    *("-0", "-0.0", "0.0", "1.0", "1e2", "1E400", "-1e-400", "NaN", "Infinity", "-Infinity"),
    *("2147483648", "-2147483648", "9223372036854775808", "1" + "0" * 400, "-" + "9" * 5000),
    *('"1"', '""', "true", "false", "null", "[]", "[1]", "{}", '{"adjust": 1}'),
]
INVALID_NAMES = [
    *('""', '" "', '"\\u0000"', '"a\\u0000b"', '"a\\u001fb"', '"\\u007f"', '"\\u0085x\\u0085y"', '"a\\nb"'),
    *('"\\ud800"', '"\\udc00a"', '"\\udfff\\ud800"', f'"{"x" * 201}"', f'"{"x" * 50_000}"'),
    *("1", "-0", "NaN", "true", "[]", '["a"]', "{}", '{"name": "a"}'),
]
INVALID_JSON = [
    *(b"", b" ", b"{", b"}", b"nul", b"'a'", b"{'adjust': 1}", b'{"adjust": 1,}', b'{"adjust": 01}', b'{"adjust": +1}'),
    *(b'{"adjust": 0x1}', b'{"adjust": 1} x', b'{"name": "\x00"}', b'{"name": "a\nb"}', b'{"name": "\\x"}', b"\x00"),
    *(
        b'{"name": "\xff"}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": "\xc0\xaf"}',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
    ),
    *(b"[" * 30_000, b'{"a":' * 10_000, b'{"adjust":' + b"[" * 5_000 + b"]" * 5_000 + b"}", gzip.compress(b"{}")),
]
INVALID_IDS = ["0", "-1", "-0", "1.0", "1e3", "x", "%00", "%FF", "%ED%A0%80", "null", "9223372036854775808"]
INVALID_IDS += ["1" + "0" * 30, "9" * 4300, "+1", "%2B1", "0x1", "1%20", "1;2", "1,2", "..%2F1", "*"]


@pytest.fixture(scope="module")
def shared_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both services, with accounts: without accounts, requests about them are refused, whatever they contain."""
    with running_stack(postgres, tmp_path_factory.mktemp("logs"), {"AUTH": "login"}) as stack:
        add_admin(stack)
        yield stack


@pytest.fixture
async def cookie(shared_stack: Stack) -> AsyncIterator[str]:
    """The cookie of an admin, who has just signed in. The stock is empty."""
    owner = await asyncpg.connect(shared_stack.database_url)
    await owner.execute("DELETE FROM inventory")
    yield (await Accounts(owner).session(1))["Cookie"]
    await owner.close()


@pytest.fixture
async def api(shared_stack: Stack, cookie: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(shared_stack.api_url, headers={"Cookie": cookie}) as session:
        yield session


async def address(api: aiohttp.ClientSession, path: str) -> str:
    """Replace `<id>` in a path with the id of a new item, or with that of no account, session or token."""
    if "<id>" not in path:
        return path
    return path.replace("<id>", str((await create(api))["id"]) if path.startswith(ITEMS) else NO_SUCH_ID)


def test_every_route_that_writes_is_classified() -> None:
    taking = {route for route in ROUTES if route[0] in {"POST", "PUT", "PATCH"}}
    assert taking == set(BODIES) | BOOKING | WITHOUT_JSON | SIGNS_IN


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_an_unknown_parameter_is_refused_everywhere(api: aiohttp.ClientSession, method: str, path: str) -> None:
    target = await address(api, path)
    body = BODIES.get((method, path))
    for query, field in (("surprise=1", "surprise"), ("surprise", "surprise"), ("%FF=1", "\ufffd"), ("=1", "")):
        async with api.request(method, URL(f"{target}?{query}", encoded=True), json=body) as response:
            await refused(response, field, sent=query)
    if path.startswith(f"{ITEMS}/<id>"):
        assert (await get(api, target.removesuffix("/restore").removesuffix("/history")))["version"] == 1


@pytest.mark.parametrize(("method", "path"), WITH_ID)
async def test_an_id_that_no_item_can_have_is_a_404_everywhere(
    api: aiohttp.ClientSession, method: str, path: str
) -> None:
    for item_id in INVALID_IDS:
        target = URL(path.replace("<id>", item_id), encoded=True)
        async with api.request(method, target, json=BODIES.get((method, path))) as response:
            await problem(response, 404, sent=item_id)


@pytest.mark.parametrize(("method", "path"), BODIES)
async def test_an_invalid_json_value_is_refused_and_its_field_named(
    api: aiohttp.ClientSession, method: str, path: str
) -> None:
    target = await address(api, path)
    good = BODIES[method, path]
    for field in good:
        for bad in INVALID_NAMES if field == "name" else INVALID_INTEGERS:
            rest = "".join(
                f", {json.dumps(name)}: {json.dumps(value)}" for name, value in good.items() if name != field
            )
            async with api.request(
                method, target, data=f'{{"{field}": {bad}{rest}}}'.encode(), headers=JSON
            ) as response:
                await refused(response, field, sent=bad)
    assert all(item["version"] == 1 for item in await get(api, ITEMS))


@pytest.mark.parametrize(("method", "path"), BODIES)
async def test_an_unknown_or_repeated_field_is_refused_and_named(
    api: aiohttp.ClientSession, method: str, path: str
) -> None:
    target = await address(api, path)
    good = json.dumps(BODIES[method, path])[1:-1]
    for extra, field in (
        ('"id": 7', "id"),
        ('"version": 1', "version"),
        ('"Quantity": 1', "Quantity"),
        ('"": 1', ""),
        ('"\\u0000": 1', "\0"),
        ('"a.b": {"c": [1]}', "a.b"),
        ('"__proto__": {}', "__proto__"),
        ('"\\ud800": 1', "body"),
        (good, json.loads(f"[{good.split(':')[0]}]")[0]),
        ('"x": 1, "x": 1', "x"),
        ('"x": {"y": 1, "y": 1}', "y"),
    ):
        async with api.request(method, target, data=f"{{{good}, {extra}}}".encode(), headers=JSON) as response:
            await refused(response, field, sent=extra)


@pytest.mark.parametrize(("method", "path"), BODIES)
async def test_a_body_that_is_not_a_json_object_is_refused(api: aiohttp.ClientSession, method: str, path: str) -> None:
    target = await address(api, path)
    for body in INVALID_JSON:
        async with api.request(method, target, data=body, headers=JSON) as response:
            await refused(response, "body", 400, sent=body)
    for text in ("[]", '"x"', "1", "-0", "null", "true", "NaN", "[{}]"):
        async with api.request(method, target, data=text.encode(), headers=JSON) as response:
            await refused(response, "body", sent=text)
    good = json.dumps(BODIES[method, path]).encode()
    for kind in (
        "text/plain",
        "application/jsonx",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ):
        async with api.request(method, target, data=good, headers={"Content-Type": kind}) as response:
            await problem(response, 415, sent=kind)
    for data in (good + b" " * 70_000, _in_chunks(good, 70)):
        async with api.request(method, target, data=data, headers=JSON) as response:
            await problem(response, 413, sent=type(data))


async def _in_chunks(begin: bytes, count: int) -> Any:
    yield begin
    for _ in range(count):
        yield b" " * 1000


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_answered_only_once_it_has_been_sent(
    shared_stack: Stack, cookie: str, chunked: bool
) -> None:
    """If the server closed the connection earlier, a client that is still sending could not read the response."""
    size, first = 70_000, 66_000  # the limit is 65,536
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    reader, writer = await asyncio.open_connection("127.0.0.1", shared_stack.ports["api"])
    headers = f"Host: localhost\r\nCookie: {cookie}\r\nContent-Type: application/json\r\n{length}"
    head = f"POST {ITEMS} HTTP/1.1\r\n{headers}\r\n\r\n"
    writer.write(head.encode() + (f"{size:x}\r\n".encode() if chunked else b"") + b" " * first)
    answer = asyncio.create_task(reader.read(12))
    done, _ = await asyncio.wait({answer}, timeout=0.3)
    assert not done, await answer
    writer.write(b" " * (size - first) + (b"\r\n0\r\n\r\n" if chunked else b""))
    assert await answer == b"HTTP/1.1 413"
    writer.close()


async def test_a_file_that_is_not_csv_is_refused(api: aiohttp.ClientSession) -> None:
    for body in (b"", b"\xff\xfe", b"\0", b'"', b"name\nx\n", b"name,quantity\n\x00,1\n", b"name,quantity\nx,-0\n"):
        async with api.post(f"{ITEMS}/import", data=body, headers=CSV) as response:
            assert (await problem(response, 422, sent=body))["errors"], body
    async with api.post(f"{ITEMS}/import", json={"name": "a", "quantity": 1}) as response:
        await problem(response, 415)
    assert await get(api, ITEMS) == []


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_malformed_headers_break_nothing(api: aiohttp.ClientSession, method: str, path: str) -> None:
    target = await address(api, path)
    for name in (
        "If-Match",
        "If-None-Match",
        "Range",
        "Accept",
        "Accept-Encoding",
        "Cookie",
        "Authorization",
        "Origin",
    ):
        for value in ('"', '""', "W/", '"\xff"', ",,,", '"9' + "9" * 5000 + '"', "*, *", "bytes=9-1", "\xa0", "="):
            body = BODIES.get((method, path))
            async with api.request(method, target, json=body, headers={name: value}) as response:
                assert response.status < 500, (name, value)


@pytest.mark.parametrize("path", sorted({path for _, path in ROUTES}))
async def test_an_unsupported_method_is_a_405(api: aiohttp.ClientSession, path: str) -> None:
    target = await address(api, path)
    taken = {method for method, known in ROUTES if known == path}
    for method in METHODS - taken:
        async with api.request(method, target) as response:
            await problem(response, 405, sent=method)
            assert taken <= set(re.split(r",\s*", response.headers["Allow"])), method


ITEM = b'{"name": "a", "quantity": 1}'


@pytest.mark.parametrize(
    "raw",
    [
        b"POST /api/inventories HTTP/1.1\r\nX-Actor: \xff\r\nContent-Length: 28\r\n",
        b"POST /api/inventories HTTP/1.1\r\nIdempotency-Key: \xff\r\nContent-Length: 28\r\n",
        b"POST /api/inventories HTTP/1.1\r\nContent-Length: -1\r\n",
        b"POST /api/inventories HTTP/1.1\r\nContent-Length: x\r\n",
        b"POST /api/inventories HTTP/1.1\r\nContent-Length: 28\r\nContent-Length: 29\r\n",
        b"POST /api/inventories HTTP/1.1\r\nContent-Length: 999999999999999999999\r\n",
        b"POST /api/inventories HTTP/1.1\r\nTransfer-Encoding: x\r\n",
        b"POST /api/inventories HTTP/1.1\r\nX-Large: " + b"x" * 20_000 + b"\r\n",
        b"GET /api/inventories?q=\xff HTTP/1.1\r\n",
        b"GET /api/inventories?q=" + b"x" * 20_000 + b" HTTP/1.1\r\n",
        b"GET /api/inventories?limit=1\x00 HTTP/1.1\r\n",
        b"GET /api/inventories/\xd9\xa7 HTTP/1.1\r\n",
    ],
    ids=range(12),
)
async def test_malformed_requests_are_refused(
    api: aiohttp.ClientSession, shared_stack: Stack, cookie: str, raw: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", shared_stack.ports["api"])
    rest = f"Host: localhost\r\nCookie: {cookie}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    writer.write(raw + rest.encode() + ITEM)
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer = await reader.read()
    writer.close()
    assert re.match(rb"HTTP/1.1 (4\d\d|501) ", answer), answer[:100]
    assert not re.match(rb"HTTP/1.1 (401|403) ", answer), answer[:100]
    assert await get(api, ITEMS) == []


async def test_invalid_input_is_not_logged(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    item = await create(api)
    for method, path in sorted(set(ROUTES) - SIGNS_OUT):
        target = path.replace("<id>", str(item["id"]) if path.startswith(ITEMS) else NO_SUCH_ID)
        for name in ("q", "as_of", "after", "actor", SECRET):
            async with api.request(method, target, params={name: SECRET}) as response:
                assert response.status < 500, (method, path, name)
        for body, headers in (
            (f'{{"name": "{SECRET}\\u0000", "quantity": 1}}', JSON),
            (f'{{"{SECRET}": 1}}', JSON),
            (f'{{"name": {SECRET}', JSON),
            (f"name,quantity\n{SECRET},x\n", CSV),
            (f'{{"name": "{SECRET}", "quantity": 1}}', {**JSON, "X-Actor": f"{SECRET}\u0085"}),
            (f'{{"name": "{SECRET}", "quantity": 1}}', {**JSON, "Idempotency-Key": f"{SECRET} "}),
            (f'{{"name": "{SECRET}", "quantity": 1}}', {**JSON, "If-Match": f'"{SECRET}"'}),
        ):
            async with api.request(method, target, data=body.encode(), headers=headers) as response:
                assert response.status < 500, (method, path, body, headers)
    await change(api, "POST", ITEMS, {"name": SECRET, "quantity": 1})
    log = shared_stack.log("api")
    assert SECRET not in log
    assert "unexpected error" not in log
    assert "Traceback" not in log
