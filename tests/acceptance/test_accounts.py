"""Managing accounts and tokens, and what the history and the access log say of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.acceptance.client import ITEMS, change, create, get, problem
from tests.acceptance.login import browser, sign_in
from tests.accounts import PASSWORD, Accounts
from tests.sse import subscribe
from tests.stack import ROOT, Stack, environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


ACCOUNTS = "/api/accounts"
OTHER_PASSWORD = "staple correct horse"
VIEWER = [{"location": None, "role": "viewer"}]
EDITOR = [{"location": None, "role": "editor"}]
ADMIN = [{"location": None, "role": "admin"}]


@pytest.fixture
async def accounts(accounts: Accounts) -> Accounts:
    """One account, the admin `ann`."""
    await accounts.add("ann", "admin", password=PASSWORD)
    return accounts


@pytest.fixture
async def ann(login_stack: Stack, accounts: Accounts) -> AsyncIterator[aiohttp.ClientSession]:
    async with browser(login_stack) as client:
        assert (await sign_in(client, "ann")).status == 201
        yield client


async def with_token(login_stack: Stack, ann: aiohttp.ClientSession, **token: Any) -> aiohttp.ClientSession:
    """A client with a new token, which an admin has created."""
    created = await change(ann, "POST", "/api/tokens", {"name": "scanner", **token})
    return aiohttp.ClientSession(login_stack.api_url, headers={"Authorization": f"Bearer {created['token']}"})


async def test_an_account_is_created_changed_and_deleted(ann: aiohttp.ClientSession) -> None:
    bob = await change(ann, "POST", ACCOUNTS, {"name": "Bob", "password": OTHER_PASSWORD, "grants": EDITOR})
    assert bob["grants"] == EDITOR
    assert bob["has_password"]
    address = f"{ACCOUNTS}/{bob['id']}"
    assert await get(ann, address) == bob
    assert [account["name"] for account in await get(ann, ACCOUNTS)] == ["ann", "Bob"]
    changed = await change(ann, "PATCH", address, {"name": "Bobby", "active": False, "grants": VIEWER})
    assert changed == {**bob, "name": "Bobby", "active": False, "grants": VIEWER}
    assert await change(ann, "PATCH", address, {}) == changed
    async with ann.delete(address) as response:
        assert response.status == 204
    async with ann.get(address) as response:
        await problem(response, 404)
    async with ann.patch(address, json={"active": True}) as response:
        await problem(response, 404)


@pytest.mark.parametrize("name", ["ANN", "\u0430nn", "\uff41nn", "an\u0578", "Ann"])
async def test_a_name_that_people_would_mistake_for_another_is_refused(ann: aiohttp.ClientSession, name: str) -> None:
    async with ann.post(ACCOUNTS, json={"name": name}) as response:
        assert (await problem(response, 409))["errors"][0]["field"] == "name"
    bob = await change(ann, "POST", ACCOUNTS, {"name": "bob"})
    async with ann.patch(f"{ACCOUNTS}/{bob['id']}", json={"name": name}) as response:
        await problem(response, 409)


@pytest.mark.parametrize(
    "name", ["", "a b", " ann", "a\u200bnn", "a\u202enn", "a\nb", "\x7f", "x" * 65, "a\u00adb", "stockstream_api", 7]
)
async def test_a_name_with_invisible_characters_or_spaces_is_refused(ann: aiohttp.ClientSession, name: object) -> None:
    async with ann.post(ACCOUNTS, json={"name": name}) as response:
        assert (await problem(response, 422))["errors"][0]["field"] == "name"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", ITEMS, {"name": "bolt", "quantity": 1, "role": "admin"}, "role"),
        ("POST", "/api/session", {"name": "ann", "password": PASSWORD, "role": "admin"}, "role"),
        ("PUT", "/api/session/password", {"old": PASSWORD, "new": OTHER_PASSWORD, "grants": ADMIN}, "grants"),
        ("POST", ACCOUNTS, {"name": "bob", "id": 1}, "id"),
        ("POST", ACCOUNTS, {"name": "bob", "is_active": True}, "is_active"),
        ("POST", ACCOUNTS, {"name": "bob", "grants": [{"role": "owner"}]}, "grants.0.role"),
        ("POST", ACCOUNTS, {"name": "bob", "grants": [{"role": "admin", "location": 7}]}, "grants.0"),
        ("POST", ACCOUNTS, {"name": "bob", "grants": [{"role": "viewer", "location": 999_999_999}]}, "grants"),
        ("POST", "/api/tokens", {"account": 1, "name": "x", "secret_hash": "x"}, "secret_hash"),
        ("POST", "/api/tokens", {"account": 1, "name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ("POST", "/api/tokens", {"account": 999_999, "name": "x"}, "account"),
    ],
)
async def test_a_field_that_a_request_does_not_have_is_refused(
    ann: aiohttp.ClientSession, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    async with ann.request(method, path, json=body) as response:
        assert {fault["field"] for fault in (await problem(response, 422))["errors"]} == {field}


async def test_the_kind_of_an_account_does_not_change_and_a_service_has_no_password(ann: aiohttp.ClientSession) -> None:
    robot = await change(ann, "POST", ACCOUNTS, {"name": "robot", "kind": "service"})
    async with ann.patch(f"{ACCOUNTS}/{robot['id']}", json={"kind": "user"}) as response:
        await problem(response, 422)
    for request in (
        ann.patch(f"{ACCOUNTS}/{robot['id']}", json={"password": PASSWORD}),
        ann.post(ACCOUNTS, json={"name": "robot2", "kind": "service", "password": PASSWORD}),
    ):
        async with request as response:
            assert (await problem(response, 422))["errors"][0]["field"] == "password"


async def test_the_last_admin_can_not_be_removed_in_any_way(
    login_stack: Stack, accounts: Accounts, ann: aiohttp.ClientSession
) -> None:
    await accounts.add("robot", "admin", kind="service")
    await accounts.deactivate(await accounts.add("former", "admin", password=PASSWORD))
    await accounts.add("keyless", "admin")
    own = f"{ACCOUNTS}/{(await get(ann, '/api/session'))['principal']['id']}"
    bodies: list[dict[str, Any]] = [{"active": False}, {"grants": []}, {"grants": EDITOR}]
    for body in bodies:
        async with ann.patch(own, json=body) as response:
            assert "last admin" in (await problem(response, 409))["detail"]
    async with ann.delete(own) as response:
        await problem(response, 409)
    assert (await get(ann, own))["grants"] == ADMIN
    for statement in ("DELETE FROM access_grant", "DELETE FROM principal", "UPDATE principal SET is_active = false"):
        assert "last admin" in login_stack.server.psql(login_stack.database, statement).stderr


async def test_of_two_admins_who_demote_each_other_one_remains(
    login_stack: Stack, accounts: Accounts, ann: aiohttp.ClientSession
) -> None:
    ids = [(await get(ann, "/api/session"))["principal"]["id"], await accounts.add("bob", "admin", password=PASSWORD)]
    async with browser(login_stack) as bob:
        await sign_in(bob, "bob")
        for _ in range(10):
            tries = (
                ann.patch(f"{ACCOUNTS}/{ids[1]}", json={"grants": VIEWER}),
                bob.patch(f"{ACCOUNTS}/{ids[0]}", json={"grants": VIEWER}),
            )
            statuses = sorted([response.status for response in await asyncio.gather(*tries)])
            assert statuses in ([200, 403], [200, 409]), statuses
            for account_id in ids:
                await accounts.grant(account_id, "admin")


async def test_deactivating_ends_sessions_and_tokens_for_good(
    login_stack: Stack, accounts: Accounts, ann: aiohttp.ClientSession
) -> None:
    bob = await change(ann, "POST", ACCOUNTS, {"name": "bob", "password": OTHER_PASSWORD, "grants": EDITOR})
    async with browser(login_stack) as session, await with_token(login_stack, ann, account=bob["id"]) as token:
        await sign_in(session, "bob", OTHER_PASSWORD)
        for active, status in ((False, 401), (True, 401)):
            await change(ann, "PATCH", f"{ACCOUNTS}/{bob['id']}", {"active": active})
            for client in (session, token):
                async with client.get(ITEMS) as response:
                    await problem(response, status)
        assert (await sign_in(session, "bob", OTHER_PASSWORD)).status == 201


async def test_an_admin_can_sign_somebody_out_and_set_a_password(
    login_stack: Stack, accounts: Accounts, ann: aiohttp.ClientSession
) -> None:
    bob = await change(ann, "POST", ACCOUNTS, {"name": "bob", "password": OTHER_PASSWORD, "grants": VIEWER})
    async with browser(login_stack) as client:
        await sign_in(client, "bob", OTHER_PASSWORD)
        async with ann.delete(f"{ACCOUNTS}/{bob['id']}/sessions") as response:
            assert response.status == 204
        async with client.get(ITEMS) as response:
            await problem(response, 401)
        await sign_in(client, "bob", OTHER_PASSWORD)
        await change(ann, "PATCH", f"{ACCOUNTS}/{bob['id']}", {"password": PASSWORD})
        async with client.get(ITEMS) as response:
            await problem(response, 401)
        assert (await sign_in(client, "bob", PASSWORD)).status == 201
    own = f"{ACCOUNTS}/{(await get(ann, '/api/session'))['principal']['id']}"
    async with ann.patch(own, json={"password": OTHER_PASSWORD}) as response:
        assert "current one" in (await problem(response, 422))["detail"], "a stolen session must not suffice"


async def test_a_token_works_until_it_is_revoked_or_expires(
    login_stack: Stack, accounts: Accounts, ann: aiohttp.ClientSession
) -> None:
    robot = await change(ann, "POST", ACCOUNTS, {"name": "robot", "kind": "service", "grants": VIEWER})
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    async with (
        await with_token(login_stack, ann, account=robot["id"]) as first,
        await with_token(login_stack, ann, account=robot["id"], expires_at=later) as second,
    ):
        for client in (first, second):
            await get(client, ITEMS)
        async with asyncio.timeout(20):
            while not all(token["used_at"] for token in await get(ann, "/api/tokens")):
                await asyncio.sleep(0.02)
        tokens = await get(ann, "/api/tokens")
        assert not any("token" in token or "secret" in str(token) for token in tokens)
        async with ann.delete(f"/api/tokens/{tokens[0]['id']}") as response:
            assert response.status == 204
        async with ann.delete(f"/api/tokens/{tokens[0]['id']}") as response:
            await problem(response, 404)
        await accounts.connection.execute("UPDATE token SET expires_at = now()")
        for client in (first, second):
            async with client.get(ITEMS) as response:
                await problem(response, 401)


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Bearer sst_", "Basic YW5uOng=", "sst_x", "Bearer sst_\xff", ""]
)
async def test_malformed_authorization_is_a_401(login_stack: Stack, value: str) -> None:
    headers = {"Authorization": value}
    async with aiohttp.ClientSession(login_stack.api_url) as client, client.get(ITEMS, headers=headers) as response:
        await problem(response, 401)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


# Who the history names


async def actors(stack: Stack, ann: aiohttp.ClientSession, count: int) -> list[tuple[str, str | None]]:
    entries = await get(ann, "/api/history", limit=count)
    return [(entry["actor"], entry["on_behalf_of"]) for entry in entries]


async def test_the_actor_is_the_account_whatever_the_client_says(
    login_stack: Stack, accounts: Accounts, ann: aiohttp.ClientSession
) -> None:
    robot = await change(ann, "POST", ACCOUNTS, {"name": "robot", "kind": "service", "grants": EDITOR})
    stream = await accounts.token(robot["id"])
    async with (
        await with_token(login_stack, ann, account=robot["id"]) as plain,
        await with_token(login_stack, ann, account=robot["id"], speaks_for_others=True) as speaker,
        subscribe(login_stack.stream_url, headers=stream) as subscriber,
    ):
        await subscriber.opened()
        for client in (ann, plain, speaker):
            await create(client, headers={"X-Actor": "mallory"})
        await create(speaker)
        expected = [("ann", None), ("robot", None), ("robot", "mallory"), ("robot", None)]
        assert await actors(login_stack, ann, 4) == expected[::-1]
        events = [frame.json for frame in await subscriber.updates(4)]
        assert [(event["actor"], event.get("on_behalf_of")) for event in events] == expected
        assert ["on_behalf_of" in event for event in events] == [False, False, True, False]


async def test_every_kind_of_write_names_the_account(login_stack: Stack, ann: aiohttp.ClientSession) -> None:
    item = f"{ITEMS}/{(await create(ann))['id']}"
    await change(ann, "PUT", item, {"quantity": 7})
    await change(ann, "PATCH", item, {"adjust": 1})
    async with ann.delete(item):
        pass
    await change(ann, "POST", f"{item}/restore")
    async with ann.post(f"{ITEMS}/import", data="name,quantity\nnut,1\n", headers={"Content-Type": "text/csv"}) as done:
        assert done.status == 200
    assert await actors(login_stack, ann, 6) == [("ann", None)] * 6


async def test_psql_is_still_known_by_its_role(login_stack: Stack, ann: aiohttp.ClientSession) -> None:
    login_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('nut', 1)")
    assert await actors(login_stack, ann, 1) == [("stockstream", None)]


async def test_the_access_log_tells_who_did_what_and_can_not_be_changed(
    login_stack: Stack, accounts: Accounts, ann: aiohttp.ClientSession
) -> None:
    bob = await change(ann, "POST", ACCOUNTS, {"name": "bob", "password": OTHER_PASSWORD, "grants": EDITOR})
    token = await change(ann, "POST", "/api/tokens", {"account": bob["id"], "name": "scanner"})
    async with ann.delete(f"/api/tokens/{token['id']}"):
        pass
    await change(ann, "PATCH", f"{ACCOUNTS}/{bob['id']}", {"grants": VIEWER, "password": PASSWORD})
    async with browser(login_stack) as client:
        await sign_in(client, "bob")
        async with client.put("/api/session/password", json={"old": PASSWORD, "new": OTHER_PASSWORD}):
            pass
        async with client.delete("/api/session"):
            pass
    async with ann.delete(f"{ACCOUNTS}/{bob['id']}/sessions"):
        pass
    async with ann.delete(f"{ACCOUNTS}/{bob['id']}"):
        pass
    log = await get(ann, "/api/access-log", limit=10)
    assert [(entry["actor"], entry["action"], entry["subject"]) for entry in reversed(log)] == [
        ("ann", "sign_in", "ann"),
        ("ann", "create_account", "bob"),
        ("ann", "create_token", "bob"),
        ("ann", "revoke_token", "bob"),
        ("ann", "change_account", "bob"),
        ("bob", "sign_in", "bob"),
        ("bob", "change_password", "bob"),
        ("bob", "sign_out", "bob"),
        ("ann", "end_sessions", "bob"),
        ("ann", "delete_account", "bob"),
    ]
    assert log[5]["detail"] == {"password": "changed", "grants": VIEWER}
    page = await get(ann, "/api/access-log", limit=3, after=log[2]["id"])
    assert page == log[3:6]
    for statement in ("DELETE FROM access_log", "UPDATE access_log SET actor = 'x'", "TRUNCATE access_log"):
        assert "can't be changed" in login_stack.server.psql(login_stack.database, statement).stderr


async def test_a_refused_change_is_not_logged(ann: aiohttp.ClientSession) -> None:
    before = await get(ann, "/api/access-log")
    async with ann.post(ACCOUNTS, json={"name": "ANN"}) as response:
        await problem(response, 409)
    async with ann.patch(f"{ACCOUNTS}/{(await get(ann, ACCOUNTS))[0]['id']}", json={"grants": []}) as response:
        await problem(response, 409)
    assert await get(ann, "/api/access-log") == before


# Answers belong to those who asked


async def test_a_key_of_another_principal_is_another_key(
    login_stack: Stack, accounts: Accounts, ann: aiohttp.ClientSession
) -> None:
    key = {"Idempotency-Key": "delivery-17"}
    bob = await accounts.token(await accounts.add("bob", "editor"))
    eve = await accounts.token(await accounts.add("eve", "viewer"))
    async with aiohttp.ClientSession(login_stack.api_url) as others:
        first = await create(ann, headers=key)
        second = await create(others, headers=key | bob)
        assert first["id"] != second["id"]
        assert (await create(others, headers=key | bob))["id"] == second["id"]
        async with others.post(ITEMS, json={"name": "bolt", "quantity": 5}, headers=key | eve) as response:
            await problem(response, 403)


async def test_who_lost_the_right_to_read_gets_no_304(
    login_stack: Stack, accounts: Accounts, ann: aiohttp.ClientSession
) -> None:
    account_id = await accounts.add("bob", "viewer")
    headers = await accounts.token(account_id)
    item = f"{ITEMS}/{(await create(ann))['id']}"
    async with aiohttp.ClientSession(login_stack.api_url, headers=headers) as client:
        for path in (ITEMS, item):
            async with client.get(path) as response:
                assert response.headers["Cache-Control"] == "no-store"
                tag = response.headers["ETag"]
            async with client.get(path, headers={"If-None-Match": tag}) as response:
                assert response.status == 304
            await accounts.grant(account_id, None)
            async with client.get(path, headers={"If-None-Match": tag}) as response:
                await problem(response, 403)
            await accounts.grant(account_id, "viewer")


# From the command line


def user(stack: Stack, *arguments: str, password: str = "", role: str = "stockstream_api") -> tuple[int, str]:
    """Run `python -m api_service.user` and return its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "api_service.user", *arguments],
        cwd=ROOT,
        env=environment(DATABASE_URL=stack.server.url(stack.database, role)),
        input=f"{password}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, (done.stdout + done.stderr).strip()


async def test_the_command_line_creates_an_admin_and_lets_one_in_again(login_stack: Stack, accounts: Accounts) -> None:
    await accounts.clear()
    assert user(login_stack, "eva", "--role", "admin", password=PASSWORD) == (0, "stockstream: created eva, admin")
    async with browser(login_stack) as client:
        assert (await sign_in(client, "eva")).status == 201
        for number in range(11):
            await sign_in(client, "eva", f"guess number {number}")
        await accounts.add("other", "admin", password=PASSWORD)  # the last admin can't be deactivated
        await accounts.connection.execute("UPDATE principal SET is_active = false WHERE name = 'eva'")
        assert user(login_stack, "EVA", password=OTHER_PASSWORD) == (0, "stockstream: changed EVA")
        async with client.get(ITEMS) as response:
            await problem(response, 401)
        assert (await sign_in(client, "eva", OTHER_PASSWORD)).status == 201
        assert [entry["actor"] for entry in await get(client, "/api/access-log", limit=4)].count("command line") == 2


async def test_the_command_line_says_in_one_line_what_is_wrong(login_stack: Stack, accounts: Accounts) -> None:
    await accounts.add("robot", kind="service")
    for arguments, password, expected in (
        (("a b",), PASSWORD, "the name must not contain spaces, control characters or invisible characters"),
        (("bob",), "short", "the password must have 10 to 1000 characters"),
        (("ann", "--role", "viewer", "--no-password"), "", "ann is the last admin and must stay one"),
        (("robot",), PASSWORD, "robot is a service, which has no password: give it a token"),
    ):
        code, printed = user(login_stack, *arguments, password=password)
        assert (code, printed) == (1, f"stockstream: {expected}")
    code, printed = user(login_stack, "bob", "--role", "owner", password=PASSWORD)
    assert code == 2
    assert "invalid choice" in printed
