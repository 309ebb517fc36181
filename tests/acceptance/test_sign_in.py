"""Signing in and out, set-up, passwords, and the attempts of those who guess."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import TYPE_CHECKING

import aiohttp
import pytest

from api_service.sign_in import (
    MAX_FAILURES_OF_ACCOUNT,
    MAX_FAILURES_OF_ACCOUNT_FROM_ADDRESS,
    MAX_FAILURES_OF_ADDRESS,
)
from tests.acceptance.client import ITEMS, get, problem
from tests.acceptance.login import browser, sign_in
from tests.accounts import PASSWORD, Accounts
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

IS_USED = "used_at > now() - interval '1 minute'"
STORED = ("principal", "session", "token", "access_log", "sign_in_failure")
OTHER_PASSWORD = "staple correct horse"
SETUP_LINK = re.compile(r"http://127\.0\.0\.1:\d+/setup#([0-9A-Za-z_-]{43})")


@pytest.fixture(scope="module")
def login_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The API, with accounts."""
    with running_stack(postgres, tmp_path_factory.mktemp("logs"), {"AUTH": "login"}, ["api"]) as stack:
        yield stack


async def refuses(stack: Stack, cookie: str) -> None:
    """Check that a request with this cookie gets a 401."""
    headers = {"Cookie": cookie}
    async with aiohttp.ClientSession(stack.api_url) as client, client.get(ITEMS, headers=headers) as response:
        await problem(response, 401)


async def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(
    login_stack: Stack, accounts: Accounts
) -> None:
    account_id = await accounts.add("ann", "editor", password=PASSWORD)
    async with browser(login_stack) as client:
        response = await sign_in(client, "ann")
        assert response.status == 201
        assert await get(client, "/api/session") == {
            "auth": "login",
            "principal": {"id": account_id, "name": "ann", "kind": "user"},
            "grants": [{"location": None, "role": "editor"}],
        }
        assert await get(client, ITEMS) == []
    cookie = response.headers["Set-Cookie"]
    assert re.fullmatch(
        r"stockstream=[0-9A-Za-z_-]{43}; Expires=[^;]+; Max-Age=7776000; HttpOnly; Path=/; SameSite=Lax", cookie
    ), cookie


async def test_over_tls_the_cookie_is_bound_to_the_host(login_stack: Stack, accounts: Accounts) -> None:
    await accounts.add("ann", password=PASSWORD)
    login_stack.settings["TRUSTED_PROXIES"] = "127.0.0.0/8"
    login_stack.stop("api")
    login_stack.start("api")
    try:
        async with browser(login_stack, headers={"X-Forwarded-Proto": "https"}) as client:
            cookie = (await sign_in(client, "ann")).headers["Set-Cookie"]
            assert cookie.startswith("__Host-stockstream=")
            assert "; Secure; " in cookie
            assert "; Path=/; " in cookie
            assert "Domain" not in cookie
            secret = cookie.partition("=")[2].partition(";")[0]
        async with aiohttp.ClientSession(login_stack.api_url, headers={"X-Forwarded-Proto": "https"}) as client:
            async with client.get(ITEMS, headers={"Cookie": f"stockstream={secret}"}) as response:
                assert response.status == 401, "a sibling domain could have set a cookie of this name"
            async with client.get(ITEMS, headers={"Cookie": f"__Host-stockstream={secret}"}) as response:
                assert response.status == 200
    finally:
        del login_stack.settings["TRUSTED_PROXIES"]
        login_stack.stop("api")
        login_stack.start("api")


async def test_signing_out_ends_the_session_for_everybody_who_has_its_cookie(
    login_stack: Stack, accounts: Accounts
) -> None:
    await accounts.add("ann", password=PASSWORD)
    async with browser(login_stack) as client:
        cookie = (await sign_in(client, "ann")).headers["Set-Cookie"].partition(";")[0]
        async with client.delete("/api/session") as response:
            assert response.status == 204
            assert "Max-Age=0" in response.headers["Set-Cookie"]
            assert response.headers["Clear-Site-Data"] == '"cache"'
        assert (await get(client, "/api/session"))["principal"] is None
    await refuses(login_stack, cookie)


async def test_signing_in_again_ends_the_former_session_of_the_browser(login_stack: Stack, accounts: Accounts) -> None:
    """Nobody can prepare a session in somebody's browser and share it once they sign in."""
    await accounts.add("eve", password=PASSWORD)
    await accounts.add("ann", password=PASSWORD)
    async with browser(login_stack) as client:
        prepared = (await sign_in(client, "eve")).headers["Set-Cookie"].partition(";")[0]
        assert (await sign_in(client, "ann")).headers["Set-Cookie"].partition(";")[0] != prepared
    await refuses(login_stack, prepared)


async def test_every_failed_sign_in_gets_the_same_answer(login_stack: Stack, accounts: Accounts) -> None:
    await accounts.add("ann", password=PASSWORD)
    await accounts.add("no-password")
    await accounts.add("robot", kind="service")
    await accounts.deactivate(await accounts.add("former", password=PASSWORD))
    answers = set()
    async with browser(login_stack) as client:
        for name, password in (
            ("ann", "a wrong password"),
            ("ann", PASSWORD.upper()),
            ("ann", f"{PASSWORD}\0"),
            ("nobody", PASSWORD),
            ("no-password", PASSWORD),
            ("robot", PASSWORD),
            ("former", PASSWORD),
            ("no such name \u202e", PASSWORD),
            ("ann from 127.0.0.1", PASSWORD),
            ("x" * 200, PASSWORD),
        ):
            async with client.post("/api/session", json={"name": name, "password": password}) as response:
                await problem(response, 401, sent=(name, password))
                assert "Set-Cookie" not in response.headers
                answers.add(await response.text())
    assert len(answers) == 1


async def test_a_name_with_control_characters_is_refused(login_stack: Stack, accounts: Accounts) -> None:
    async with browser(login_stack) as client:
        for name in ("a\0nn", "ann\n", "\x7f", ""):
            assert (await sign_in(client, name)).status == 422, name


async def test_names_are_found_whatever_their_case_and_normal_form(login_stack: Stack, accounts: Accounts) -> None:
    await accounts.add("Zoë", password="Ça va, Zoë?")
    async with browser(login_stack) as client:
        for name in ("Zoë", "ZOË", "zoe\u0308"):
            assert (await sign_in(client, name, "C\u0327a va, Zoe\u0308?")).status == 201, name


async def test_an_account_can_be_tried_ten_times_even_by_many_at_once(login_stack: Stack, accounts: Accounts) -> None:
    await accounts.add("ann", password=PASSWORD)
    async with browser(login_stack) as client:
        tries = (
            sign_in(client, "ann", f"guess number {number}")
            for number in range(2 * MAX_FAILURES_OF_ACCOUNT_FROM_ADDRESS)
        )
        statuses = Counter([response.status for response in await asyncio.gather(*tries)])
        assert statuses == {401: MAX_FAILURES_OF_ACCOUNT_FROM_ADDRESS, 429: MAX_FAILURES_OF_ACCOUNT_FROM_ADDRESS}
        refused = await sign_in(client, "ANN")
        assert refused.status == 429, "the right password is not checked any more, under no spelling of the name"
        assert 0 < int(refused.headers["Retry-After"]) <= 900
    login_stack.stop("api")
    login_stack.start("api")
    async with browser(login_stack) as client:
        assert (await sign_in(client, "ann")).status == 429, "a restart does not help"
        await accounts.add("bob", password=PASSWORD)
        assert (await sign_in(client, "bob")).status == 201, "others can sign in"
        await accounts.connection.execute("UPDATE sign_in_failure SET at = at - interval '15 minutes'")
        assert (await sign_in(client, "ann")).status == 201


async def test_a_success_forgets_the_failures_of_the_account(login_stack: Stack, accounts: Accounts) -> None:
    await accounts.add("ann", password=PASSWORD)
    async with browser(login_stack) as client:
        for _ in range(2):
            for number in range(MAX_FAILURES_OF_ACCOUNT_FROM_ADDRESS - 1):
                assert (await sign_in(client, "ann", f"guess number {number}")).status == 401
            assert (await sign_in(client, "ann")).status == 201
    failures = await accounts.connection.fetch("SELECT subject FROM sign_in_failure")
    remaining = 2 * (MAX_FAILURES_OF_ACCOUNT_FROM_ADDRESS - 1)
    assert Counter(row["subject"] for row in failures) == {"address 127.0.0.1": remaining, "account ann": remaining}


async def test_an_account_that_is_tried_from_many_addresses_is_refused_to_all_but_who_is_signed_in(
    login_stack: Stack, accounts: Accounts
) -> None:
    await accounts.add("ann", password=PASSWORD)
    async with browser(login_stack) as client, browser(login_stack) as other:
        assert (await sign_in(client, "ann")).status == 201
        await accounts.connection.execute(
            "INSERT INTO sign_in_failure (subject) SELECT 'account ann' FROM generate_series(1, $1::integer)",
            MAX_FAILURES_OF_ACCOUNT,
        )
        assert (await sign_in(other, "ann")).status == 429
        assert await get(client, ITEMS) == []


async def test_an_address_that_tries_many_names_is_refused(login_stack: Stack, accounts: Accounts) -> None:
    await accounts.connection.execute(
        "INSERT INTO sign_in_failure (subject) SELECT 'address 127.0.0.1' FROM generate_series(2, $1::integer)",
        MAX_FAILURES_OF_ADDRESS,
    )
    async with browser(login_stack) as client:
        assert (await sign_in(client, "first")).status == 401
        assert (await sign_in(client, "second")).status == 429


async def test_a_new_password_ends_the_other_sessions(login_stack: Stack, accounts: Accounts) -> None:
    await accounts.add("ann", password=PASSWORD)
    async with browser(login_stack) as here, browser(login_stack) as elsewhere:
        await sign_in(here, "ann")
        await sign_in(elsewhere, "ann")
        async with here.put("/api/session/password", json={"old": "a wrong one", "new": OTHER_PASSWORD}) as response:
            assert (await problem(response, 422))["errors"][0]["field"] == "old"
        assert await get(elsewhere, ITEMS) == []
        async with here.put("/api/session/password", json={"old": PASSWORD, "new": OTHER_PASSWORD}) as response:
            assert response.status == 204
        assert await get(here, ITEMS) == []
        async with elsewhere.get(ITEMS) as response:
            await problem(response, 401)
        assert (await sign_in(elsewhere, "ann")).status == 401
        assert (await sign_in(elsewhere, "ann", OTHER_PASSWORD)).status == 201


@pytest.mark.parametrize("password", ["", "short", "x" * 1_001, "with a \0 in it", "with a \u200e in it", 12345678901])
async def test_a_password_that_nobody_should_have_is_refused(
    login_stack: Stack, accounts: Accounts, password: object
) -> None:
    await accounts.add("ann", password=PASSWORD)
    async with browser(login_stack) as client:
        await sign_in(client, "ann")
        async with client.put("/api/session/password", json={"old": PASSWORD, "new": password}) as response:
            assert (await problem(response, 422))["errors"][0]["field"] == "new"


async def test_a_huge_password_is_refused_unread(login_stack: Stack, accounts: Accounts) -> None:
    async with browser(login_stack) as client:
        for size, status in ((2_000, 422), (60_000, 422), (70_000, 413), (1_000_000, 413)):
            assert (await sign_in(client, "ann", "x" * size)).status == status


async def test_own_sessions_are_listed_and_can_be_ended_one_by_one(login_stack: Stack, accounts: Accounts) -> None:
    await accounts.add("ann", password=PASSWORD)
    await accounts.session(await accounts.add("bob"))
    async with browser(login_stack, headers={"User-Agent": "Phone"}) as phone, browser(login_stack) as desktop:
        await sign_in(phone, "ann")
        await sign_in(desktop, "ann")
        sessions = await get(desktop, "/api/sessions")
        assert [(session["current"], session["address"]) for session in sessions].count((True, "127.0.0.1")) == 1
        other = next(session for session in sessions if not session["current"])
        assert other["user_agent"] == "Phone"
        bobs = await accounts.connection.fetchval("SELECT min(id) FROM session")
        async with desktop.delete(f"/api/sessions/{bobs}") as response:
            await problem(response, 404)
        async with desktop.delete(f"/api/sessions/{other['id']}") as response:
            assert response.status == 204
        async with phone.get(ITEMS) as response:
            await problem(response, 401)
        assert len(await get(desktop, "/api/sessions")) == 1


async def test_sessions_expire_without_use_and_after_three_months(login_stack: Stack, accounts: Accounts) -> None:
    account_id = await accounts.add("ann")
    for change in ("used_at = now() - interval '14 days'", "created_at = now() - interval '90 days'"):
        headers = await accounts.session(account_id)
        async with aiohttp.ClientSession(login_stack.api_url, headers=headers) as client:
            assert await get(client, ITEMS) == []
            await accounts.connection.execute(f"UPDATE session SET {change}")
            async with client.get(ITEMS) as response:
                await problem(response, 401)


async def test_a_use_prolongs_the_session_and_is_written_once_a_minute(login_stack: Stack, accounts: Accounts) -> None:
    headers = await accounts.session(await accounts.add("ann"))
    await accounts.connection.execute("UPDATE session SET used_at = now() - interval '13 days'")
    used = "SELECT used_at, xmin FROM session"
    async with aiohttp.ClientSession(login_stack.api_url, headers=headers) as client:
        await get(client, ITEMS)
        async with asyncio.timeout(20):
            while not await accounts.connection.fetchval(f"SELECT {IS_USED} FROM session"):
                await asyncio.sleep(0.02)  # nobody waits for it, so nothing tells when it is written
        first = await accounts.connection.fetchrow(used)
        await get(client, ITEMS)
        assert await accounts.connection.fetchrow(used) == first


async def test_a_page_of_another_site_can_neither_sign_in_nor_use_a_session(
    login_stack: Stack, accounts: Accounts
) -> None:
    account_id = await accounts.add("ann", password=PASSWORD)
    headers = await accounts.session(account_id)
    evil = {"Origin": "https://evil.example"}
    async with aiohttp.ClientSession(login_stack.api_url) as client:
        body = {"name": "ann", "password": PASSWORD}
        async with client.post("/api/session", json=body, headers=evil) as response:
            await problem(response, 403)
        async with client.post("/api/session", data=body) as response:  # what a form sends
            await problem(response, 415)
        async with client.get(ITEMS, headers={**headers, **evil}) as response:
            assert "evil.example" in (await problem(response, 401))["detail"]
        async with client.get(ITEMS, headers={**headers, "Origin": login_stack.api_url}) as response:
            assert response.status == 200


async def test_two_session_cookies_are_refused(login_stack: Stack, accounts: Accounts) -> None:
    """A sibling domain may have added one, in the hope that we take it."""
    account_id = await accounts.add("ann")
    cookies = "; ".join([(await accounts.session(account_id))["Cookie"] for _ in range(2)])
    await refuses(login_stack, cookies)


# The set-up link


def printed_links(stack: Stack) -> list[str]:
    return SETUP_LINK.findall(stack.log("api"))


async def until_printed(stack: Stack, count: int) -> str:
    """Wait until this many links have been printed, and return the last."""
    async with asyncio.timeout(20):
        while len(printed_links(stack)) < count:
            await asyncio.sleep(0.02)
    return printed_links(stack)[-1]


def first_admin(secret: str, name: str = "ann") -> dict[str, str]:
    return {"token": secret, "name": name, "password": PASSWORD}


async def test_the_printed_link_makes_one_admin_of_those_who_use_it_at_once(
    postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    stack = Stack(postgres, database, tmp_path, {"AUTH": "login"})
    try:
        stack.start("api")
        former = await until_printed(stack, 1)
        stack.stop("api")
        stack.start("api")
        secret = await until_printed(stack, 2)
        async with browser(stack) as client:
            for wrong in (former, "x" * 43, secret[:-1]):
                async with client.post("/api/setup", json=first_admin(wrong)) as response:
                    await problem(response, 404)

            async def use(name: str) -> int:
                async with browser(stack) as own, own.post("/api/setup", json=first_admin(secret, name)) as response:
                    if response.status == 201:
                        assert (await get(own, "/api/accounts"))[0]["name"] == name
                    return response.status

            assert sorted(await asyncio.gather(*map(use, ("ann", "bob", "eve", "mallory")))) == [201, 404, 404, 404]
        assert stack.sql("SELECT count(*) FROM principal") == [("1",)]
        stack.stop("api")
        stack.start("api")
        async with browser(stack) as client:
            await get(client, "/api/session")
        assert len(printed_links(stack)) == 2, "there is an admin, so there is no link"
    finally:
        stack.close()


async def test_the_workers_of_one_start_print_one_link(postgres: PostgresServer, database: str, tmp_path: Path) -> None:
    stack = Stack(postgres, database, tmp_path, {"AUTH": "login", "API_WORKERS": "3"})
    try:
        stack.start("api")
        secret = await until_printed(stack, 1)
        async with browser(stack) as client, client.post("/api/setup", json=first_admin(secret)) as response:
            assert response.status == 201
        stack.stop("api")
        assert printed_links(stack) == [secret]
    finally:
        stack.close()


async def test_without_accounts_nobody_can_sign_in_and_no_link_is_printed(stack: Stack) -> None:
    async with browser(stack) as client:
        assert await get(client, "/api/session") == {"auth": "open", "principal": None, "grants": []}
        assert (await sign_in(client, "ann")).status == 403
        async with client.post("/api/setup", json=first_admin("x")) as response:
            assert "AUTH=login" in (await problem(response, 403))["detail"]
    assert not printed_links(stack)


async def test_no_password_and_no_secret_is_logged(login_stack: Stack, accounts: Accounts) -> None:
    account_id = await accounts.add("ann", "admin", password=PASSWORD)
    headers = await accounts.token(account_id)
    secret = headers["Authorization"].removeprefix("Bearer ")
    async with browser(login_stack) as client:
        cookie = (await sign_in(client, "ann")).headers["Set-Cookie"].partition(";")[0].partition("=")[2]
        await sign_in(client, "ann", OTHER_PASSWORD)
        for path in (ITEMS, "/api/none", f"{ITEMS}?surprise=1"):
            async with client.get(path, headers=headers):
                pass
    log = login_stack.log("api")
    for text in (PASSWORD, OTHER_PASSWORD, secret, cookie):
        assert text not in log
    stored = [login_stack.sql(f"SELECT t::text FROM {table} AS t") for table in STORED]
    for text in (PASSWORD, OTHER_PASSWORD, secret, cookie):
        assert text not in str(stored)
