"""A stream ends when the right to read does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.acceptance.client import ITEMS, problem
from tests.acceptance.login import accounts_of, browser, sign_in
from tests.accounts import PASSWORD, Accounts
from tests.sse import Frame, subscribe
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

    Ending = Callable[[Accounts, int], Awaitable[Any]]

MANY, NOTE_BYTES = 9_000, 2_000  # items, and the size of each
HEARTBEAT_SECONDS = 2.0
PATIENCE_SECONDS = 20.0


@pytest.fixture(scope="module")
def login_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both services, with accounts."""
    settings = {"AUTH": "login", "STREAM_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS)}
    with running_stack(postgres, tmp_path_factory.mktemp("logs"), settings) as stack:
        yield stack


async def expire_tokens(accounts: Accounts, account_id: int) -> None:
    await accounts.connection.execute("UPDATE token SET expires_at = now() WHERE principal = $1", account_id)


async def delete(accounts: Accounts, account_id: int) -> None:
    await accounts.connection.execute("DELETE FROM principal WHERE id = $1", account_id)


async def take_roles(accounts: Accounts, account_id: int) -> None:
    await accounts.grant(account_id, None)


ENDINGS: list[tuple[str, Ending, str, int]] = [
    ("session", Accounts.end_sessions, "signed out", 401),
    ("session", Accounts.expire_sessions, "expired", 401),
    ("session", Accounts.deactivate, "deactivated", 401),
    ("session", delete, "signed out", 401),
    ("session", take_roles, "no access", 403),
    ("token", Accounts.revoke_tokens, "revoked", 401),
    ("token", expire_tokens, "expired", 401),
    ("token", Accounts.deactivate, "deactivated", 401),
    ("token", delete, "revoked", 401),
    ("token", take_roles, "no access", 403),
]
IDS = [f"{by}-{ending.__name__}" for by, ending, *_ in ENDINGS]


async def check_ends(stack: Stack, accounts: Accounts, account_id: int, headers: dict[str, str], ending: Ending) -> str:
    """Take the right away while others write, and return the reason that the stream gives at its end."""
    write = "INSERT INTO inventory (name, quantity) VALUES ('nut', 1)"
    async with subscribe(stack.stream_url, headers=headers) as stream:
        await stream.opened()
        await accounts.connection.execute(write)
        await stream.updates(1)
        await ending(accounts, account_id)
        frames = await stream.rest()
    assert frames[-1].event == "signed_out"
    assert not [frame for frame in frames[:-1] if frame.event == "inventory_update"]
    return str(frames[-1].json["reason"])


@pytest.mark.parametrize(("by", "ending", "reason", "status"), ENDINGS, ids=IDS)
async def test_a_stream_ends_with_its_right_and_the_client_stays_away(
    login_stack: Stack, accounts: Accounts, by: str, ending: Ending, reason: str, status: int
) -> None:
    account_id = await accounts.add("ann")
    headers = await (accounts.session(account_id) if by == "session" else accounts.token(account_id))
    other = await accounts.token(await accounts.add("bob"))
    async with subscribe(login_stack.stream_url, headers=other) as bystander:
        await bystander.opened()
        assert await check_ends(login_stack, accounts, account_id, headers, ending) == reason
        await accounts.connection.execute("INSERT INTO inventory (name, quantity) VALUES ('nut', 1)")
        assert len(await bystander.updates(2)) == 2, "the streams of others go on"
    async with subscribe(login_stack.stream_url, headers=headers) as again:
        await problem(again.response, status)


@pytest.mark.parametrize("by", ["session", "token"])
async def test_without_a_notification_a_stream_ends_before_the_next_heartbeat(
    login_stack: Stack, accounts: Accounts, by: str
) -> None:
    account_id = await accounts.add("ann")
    headers = await (accounts.session(account_id) if by == "session" else accounts.token(account_id))
    table = by
    login_stack.sql(f"ALTER TABLE {table} DISABLE TRIGGER access_notify")
    try:
        async with subscribe(login_stack.stream_url, headers=headers) as stream:
            await stream.opened()
            await accounts.connection.execute(f"DELETE FROM {table}")
            frames = await stream.rest()
            assert [frame.event for frame in frames].count("heartbeat") <= 1
            assert frames[-1].event == "signed_out"
    finally:
        login_stack.sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER access_notify")


async def test_another_role_resets_the_stream_and_it_goes_on(login_stack: Stack, accounts: Accounts) -> None:
    account_id = await accounts.add("ann", "viewer")
    async with subscribe(login_stack.stream_url, headers=await accounts.session(account_id)) as stream:
        await stream.opened()
        await accounts.grant(account_id, "editor")
        reset = await stream.next("reset")
        assert reset.json["reason"] == "the rights have changed"
        assert reset.id == reset.json["head"]
        await accounts.connection.execute("INSERT INTO inventory (name, quantity) VALUES ('nut', 1)")
        (update,) = await stream.updates(1)
        assert update.event_id == reset.event_id + 1


async def test_a_right_that_is_lost_while_the_stream_opens_is_noticed(login_stack: Stack, accounts: Accounts) -> None:
    account_id = await accounts.add("ann")

    async def follow(headers: dict[str, str]) -> list[Frame]:
        async with subscribe(login_stack.stream_url, "?snapshot=1", headers=headers) as stream:
            return await stream.rest() if stream.response.status == 200 else []

    for _ in range(20):
        headers = await accounts.token(account_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            frames, _ = await asyncio.gather(follow(headers), accounts.revoke_tokens(account_id))
        assert not frames or frames[-1].event == "signed_out"


async def test_a_client_that_reads_nothing_is_cut_off_too(login_stack: Stack, accounts: Accounts) -> None:
    """It must not find megabytes of events in a buffer of ours, whenever it reads again."""
    account_id = await accounts.add("ann")
    headers = await accounts.token(account_id)
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", login_stack.ports["stream"]))
        request = f"GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: {headers['Authorization']}\r\n\r\n"
        await loop.sock_sendall(client, request.encode())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until_open(login_stack, 1)
            await accounts.connection.execute(
                "INSERT INTO inventory (name, quantity, note) SELECT 'nut', 1, repeat('x', $1)"
                " FROM generate_series(1, $2)",
                NOTE_BYTES,
                MANY,
            )
            await accounts.revoke_tokens(account_id)
            await until_open(login_stack, 0)
            received = 0
            with contextlib.suppress(ConnectionError):
                while data := await loop.sock_recv(client, 65_536):
                    received += len(data)
    assert received < MANY * NOTE_BYTES / 2


async def until_open(stack: Stack, count: int) -> None:
    """Wait until this many streams are open."""
    async with aiohttp.ClientSession(stack.stream_url) as session:
        while True:
            async with session.get("/metrics") as response:
                if f"\nstockstream_subscribers {count}.0\n" in await response.text():
                    return
            await asyncio.sleep(0.02)


async def test_signing_out_and_a_new_password_end_the_streams(login_stack: Stack, accounts: Accounts) -> None:
    await accounts.add("ann", password=PASSWORD)
    async with browser(login_stack) as here, browser(login_stack) as elsewhere:
        cookies = [
            (await sign_in(client, "ann")).headers["Set-Cookie"].partition(";")[0] for client in (here, elsewhere)
        ]
        async with (
            subscribe(login_stack.stream_url, headers={"Cookie": cookies[0]}) as own,
            subscribe(login_stack.stream_url, headers={"Cookie": cookies[1]}) as other,
        ):
            await own.opened()
            await other.opened()
            async with here.put("/api/session/password", json={"old": PASSWORD, "new": f"{PASSWORD}!"}) as response:
                assert response.status == 204
            assert (await other.rest())[-1].json == {"reason": "signed out"}
            await own.next("heartbeat")
            async with here.delete("/api/session") as response:
                assert response.status == 204
            assert (await own.rest())[-1].json == {"reason": "signed out"}


async def test_a_page_of_another_site_gets_no_stream(login_stack: Stack, accounts: Accounts) -> None:
    headers = await accounts.session(await accounts.add("ann"))
    for origin, status in ((login_stack.api_url, 200), ("http://localhost:1", 401), ("https://evil.example", 401)):
        async with subscribe(login_stack.stream_url, headers={**headers, "Origin": origin}) as stream:
            assert stream.response.status == status, origin
            allowed = stream.response.headers.get("Access-Control-Allow-Origin")
            assert allowed == (origin if status == 200 else None)
            assert (stream.response.headers.get("Access-Control-Allow-Credentials") == "true") == (status == 200)


async def test_a_secret_in_the_address_is_not_accepted(login_stack: Stack, accounts: Accounts) -> None:
    secret = (await accounts.token(await accounts.add("ann")))["Authorization"].removeprefix("Bearer ")
    for query in (f"?token={secret}", f"?access_token={secret}", f"?authorization=Bearer%20{secret}"):
        async with subscribe(login_stack.stream_url, query) as stream:
            await problem(stream.response, 401)
        async with aiohttp.ClientSession(login_stack.api_url) as api, api.get(f"{ITEMS}{query}") as response:
            await problem(response, 401)


async def test_while_the_database_is_away_a_stream_is_told_to_come_back(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """A browser gives up for good on any status but 200."""
    stack = Stack(own_postgres, own_postgres.create_database(), tmp_path, {"AUTH": "login"})
    try:
        for name in ("api", "stream"):
            stack.start(name)
        async with accounts_of(stack) as accounts:
            headers = await accounts.token(await accounts.add("ann"))
        async with subscribe(stack.stream_url, headers=headers) as stream:
            await stream.opened()
            own_postgres.stop()
            async with subscribe(stack.stream_url, headers=headers) as turned_away:
                assert (await turned_away.rest())[-1].event == "busy"
            own_postgres.start()
            stack.sql("INSERT INTO inventory (name, quantity) VALUES ('nut', 1)")
            assert len(await stream.updates(1)) == 1, "the stream that was open has gone on"
    finally:
        stack.close()
