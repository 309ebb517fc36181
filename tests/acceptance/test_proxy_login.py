"""AUTH=proxy: a trusted proxy says who sends a request, and nobody else can."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.acceptance.client import ITEMS, change, create, get, problem
from tests.acceptance.login import accounts_of
from tests.acceptance.test_access import EXPECTED, NEEDS, NO_SUCH_ID
from tests.sse import subscribe
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.accounts import Accounts
    from tests.postgres import PostgresServer

NAME, GROUPS = "Remote-User", "Remote-Groups"
STRANGER = "127.0.0.2"  # an address that is not a trusted proxy


@pytest.fixture(scope="module")
def proxied_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both services, as behind a proxy on 127.0.0.1."""
    settings = {
        "AUTH": "proxy",
        "TRUSTED_PROXIES": "127.0.0.1/32",
        "AUTH_PROXY_GROUPS_HEADER": GROUPS,
        "AUTH_PROXY_ROLES": "stock-admins=admin, Staff=editor, guests=none",
    }
    with running_stack(postgres, tmp_path_factory.mktemp("logs"), settings) as stack:
        yield stack


@pytest.fixture
async def accounts(proxied_stack: Stack) -> AsyncIterator[Accounts]:
    async with accounts_of(proxied_stack) as accounts:
        await accounts.clear()
        yield accounts


@pytest.fixture
async def client(proxied_stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(proxied_stack.api_url) as client:
        yield client


async def role_of(client: aiohttp.ClientSession, name: str, groups: str | None = None) -> str | None:
    """The role of a person with these groups, as the API tells it."""
    headers = {NAME: name} | ({GROUPS: groups} if groups is not None else {})
    async with client.get("/api/session", headers=headers) as response:
        session = await response.json()
    assert session["auth"] == "proxy"
    assert session["principal"]["name"] == name
    return session["grants"][0]["role"] if session["grants"] else None


async def test_an_account_is_made_when_somebody_comes_for_the_first_time(
    proxied_stack: Stack, accounts: Accounts, client: aiohttp.ClientSession
) -> None:
    sessions = await asyncio.gather(*(role_of(client, "ann") for _ in range(8)))
    assert set(sessions) == {"viewer"}
    assert await accounts.connection.fetchval("SELECT count(*) FROM principal") == 1
    async with subscribe(proxied_stack.stream_url, headers={NAME: "ANN"}) as stream:
        await stream.opened()
        await accounts.grant(await accounts.connection.fetchval("SELECT id FROM principal"), None)
        assert (await stream.rest())[-1].json == {"reason": "no access"}


async def test_roles_follow_the_groups(accounts: Accounts, client: aiohttp.ClientSession) -> None:
    assert await role_of(client, "ann", "staff,STOCK-ADMINS") == "admin"
    assert await role_of(client, "bob", "others, staff") == "editor"
    assert await role_of(client, "bob", "stock-admins") == "admin"
    assert await role_of(client, "bob", "staff") == "editor"
    assert await role_of(client, "bob") == "editor", "without the header, nothing changes"
    assert await role_of(client, "bob", "others") == "viewer", "which is AUTH_PROXY_ROLE"
    assert await role_of(client, "bob", "guests") is None
    assert await role_of(client, "bob", "guests, staff") == "editor"
    assert await role_of(client, "ann", "staff") == "admin", "the last admin stays one"
    assert await role_of(client, "new", "others") == "viewer"


async def test_requests_at_once_with_another_group_agree(accounts: Accounts, client: aiohttp.ClientSession) -> None:
    for groups in ("staff", "others", "staff"):
        roles = await asyncio.gather(*(role_of(client, "bob", groups) for _ in range(8)))
        assert set(roles) == {"editor" if groups == "staff" else "viewer"}


async def test_an_admin_without_a_password_can_be_replaced_by_another(
    accounts: Accounts, client: aiohttp.ClientSession
) -> None:
    await accounts.add("carol", "viewer", password="correct horse battery")
    assert await role_of(client, "ann", "stock-admins") == "admin"
    assert await role_of(client, "bob", "stock-admins") == "admin"
    assert await role_of(client, "bob", "staff") == "editor"
    assert await role_of(client, "ann", "staff") == "admin", "the last admin stays one"


async def test_a_name_that_only_looks_like_that_of_an_account_is_another_person(
    proxied_stack: Stack, accounts: Accounts, client: aiohttp.ClientSession
) -> None:
    await role_of(client, "user1", "stock-admins")
    for service in ("api", "stream"):
        for twin in ("userl", "us\u0435r1".encode().decode("latin-1")):
            assert await send(proxied_stack, service, "127.0.0.1", f"Remote-User: {twin}") == 401
        assert await send(proxied_stack, service, "127.0.0.1", "Remote-User: USER1") == 200


async def test_the_history_has_the_name(accounts: Accounts, client: aiohttp.ClientSession) -> None:
    await role_of(client, "bob", "staff")
    await create(client, headers={NAME: "bob", "X-Actor": "mallory"})
    async with client.get("/api/history", headers={NAME: "bob"}, params={"limit": "1"}) as response:
        (entry,) = await response.json()
    assert (entry["actor"], entry["on_behalf_of"]) == ("bob", None)


@pytest.mark.parametrize("client_kind", ["nobody", "deactivated", "no-role", "viewer", "editor", "admin"])
async def test_every_route_answers_each_person_as_the_table_says(
    proxied_stack: Stack, accounts: Accounts, client: aiohttp.ClientSession, client_kind: str
) -> None:
    role = {"no-role": None, "viewer": "viewer", "editor": "editor"}.get(client_kind, "admin")
    headers = {}
    if client_kind != "nobody":
        await accounts.add(client_kind, role, active=client_kind != "deactivated")
        headers = {NAME: client_kind}
    wrong = []
    for route, need in NEEDS.items():
        base = proxied_stack.api_url if route.service == "api" else proxied_stack.stream_url
        expected = EXPECTED[need][client_kind]
        if expected == "ok" and need == "session":
            expected = "403"  # the proxy has the sessions
        if route.path in {"/api/session", "/api/setup"} and route.method == "POST":
            expected = "ok"  # 422, since the body is empty
        url = base + route.path.replace("<id>", str(NO_SUCH_ID))
        async with client.request(route.method, url, headers=headers, json={}) as response:
            status = str(response.status) if response.status in {401, 403} else "ok"
            if status != expected:
                wrong.append((*route, response.status, expected))
    assert not wrong


async def send(stack: Stack, service: str, address: str, *lines: str) -> int:
    """Send a GET with these header lines from an address, and return the status."""
    path = ITEMS if service == "api" else "/events"
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.ports[service], local_addr=(address, 0))
    writer.write("\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode("latin-1"))
    async with asyncio.timeout(20):
        status = int((await reader.readline()).split()[1])
    writer.close()
    return status


@pytest.mark.parametrize("service", ["api", "stream"])
@pytest.mark.parametrize(
    ("address", "lines", "status"),
    [
        ("127.0.0.1", ("Remote-User: ann",), 200),
        ("127.0.0.1", ("rEmOtE-uSeR: ANN",), 200),
        ("127.0.0.1", ("Remote-User: ann", "Authorization: Basic YW5uOng="), 200),  # the proxy's affair
        ("127.0.0.1", (), 401),
        ("127.0.0.1", ("Remote-User: ",), 401),
        ("127.0.0.1", ("Remote-User: ann", "Remote-User: bob"), 401),
        ("127.0.0.1", ("Remote_User: ann",), 401),
        ("127.0.0.1", ("Remote-User: a nn",), 401),
        ("127.0.0.1", ("Remote-User: \xff",), 401),
        ("127.0.0.1", ("X-Remote-User: ann",), 401),
        ("127.0.0.1", ("Remote-User: ann", "Origin: https://evil.example"), 401),
        ("127.0.0.1", ("Cookie: stockstream=" + "x" * 43,), 401),
        (STRANGER, ("Remote-User: ann",), 401),
        (STRANGER, ("REMOTE-USER: ann",), 401),
        (STRANGER, ("Remote_User: ann",), 401),
        (STRANGER, ("Remote-User: ann", "X-Forwarded-For: 127.0.0.1"), 401),
        (STRANGER, ("Remote-User: ann", "Forwarded: for=127.0.0.1"), 401),
    ],
)
async def test_only_the_proxy_says_who_somebody_is(
    proxied_stack: Stack, accounts: Accounts, service: str, address: str, lines: tuple[str, ...], status: int
) -> None:
    await accounts.add("ann")
    assert await send(proxied_stack, service, address, *lines) == status


async def test_a_token_works_without_the_proxy(
    proxied_stack: Stack, accounts: Accounts, client: aiohttp.ClientSession
) -> None:
    token = await accounts.token(await accounts.add("robot", "editor", kind="service"))
    assert await send(proxied_stack, "api", STRANGER, f"Authorization: {token['Authorization']}") == 200
    await create(client, headers={**token, NAME: "somebody"})
    assert proxied_stack.sql("SELECT actor FROM inventory_history ORDER BY event_id DESC LIMIT 1") == [("robot",)]
    async with client.get(ITEMS, headers={NAME: "robot"}) as response:
        await problem(response, 401)  # nobody can be a service


async def test_nobody_signs_in_with_a_password(
    proxied_stack: Stack, accounts: Accounts, client: aiohttp.ClientSession
) -> None:
    async with client.post("/api/session", json={"name": "ann", "password": "correct horse"}) as response:
        assert "proxy" in (await problem(response, 403))["detail"]
    async with client.post("/api/setup", json={"token": "x", "name": "ann", "password": "correct horse"}) as response:
        await problem(response, 403)
    assert "/setup#" not in proxied_stack.log("api")


async def test_an_admin_manages_the_accounts(accounts: Accounts, client: aiohttp.ClientSession) -> None:
    await role_of(client, "ann", "stock-admins")
    async with aiohttp.ClientSession(client._base_url, headers={NAME: "ann"}) as ann:
        bob = await change(ann, "POST", "/api/accounts", {"name": "bob", "grants": [{"role": "viewer"}]})
        await change(ann, "PATCH", f"/api/accounts/{bob['id']}", {"active": False})
        async with client.get(ITEMS, headers={NAME: "bob"}) as response:
            await problem(response, 401)
        assert [entry["actor"] for entry in await get(ann, "/api/access-log", limit=3)] == ["ann", "ann", "proxy"]
