"""What the random test of rights has found, each as a case of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.acceptance.client import ITEMS, create, problem, refused
from tests.sse import subscribe
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.accounts import Accounts
    from tests.postgres import PostgresServer

HEARTBEAT_SECONDS = 0.1  # twice this after a change of rights, streams are resumed again without a reset
NEVER = 999_999_999


@pytest.fixture(scope="module")
def login_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both services, with accounts."""
    settings = {"AUTH": "login", "STREAM_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS)}
    with running_stack(postgres, tmp_path_factory.mktemp("logs"), settings) as stack:
        yield stack


@pytest.fixture
async def accounts(accounts: Accounts) -> Accounts:
    """Accounts, none of which exists yet, and an empty stock."""
    await accounts.connection.execute("DELETE FROM inventory")
    return accounts


@pytest.fixture
async def api(login_stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(login_stack.api_url) as session:
        yield session


async def add_location(accounts: Accounts, parent: int | None = None) -> int:
    query = "INSERT INTO location (name, parent) VALUES ('L' || (SELECT max(id) FROM location), $1) RETURNING id"
    return int(await accounts.connection.fetchval(query, parent))


async def grant(accounts: Accounts, account_id: int, location: int | None, role: str) -> None:
    query = "INSERT INTO access_grant (principal, location, role) VALUES ($1, $2, $3::text::access_role)"
    await accounts.connection.execute(query, account_id, location, role)


async def test_a_repeated_request_does_not_show_what_may_not_be_seen_any_more(
    accounts: Accounts, api: aiohttp.ClientSession
) -> None:
    here, elsewhere = await add_location(accounts), await add_location(accounts)
    ann = await accounts.add("ann", None)
    await grant(accounts, ann, here, "editor")
    await grant(accounts, ann, elsewhere, "editor")
    headers = await accounts.token(ann)
    item = await create(api, note="secret", headers=headers, location=here)
    request: dict[str, Any] = {"json": {"adjust": 1}, "headers": {**headers, "Idempotency-Key": "once"}}
    async with api.patch(f"{ITEMS}/{item['id']}", **request) as response:
        first = await response.text()
    async with api.patch(f"{ITEMS}/{item['id']}", **request) as response:
        assert await response.text() == first
    await accounts.connection.execute("DELETE FROM access_grant WHERE location = $1", here)
    async with api.patch(f"{ITEMS}/{item['id']}", **request) as response:
        assert (await problem(response, 404))["detail"] == f"There is no item {item['id']}."


async def test_an_item_can_not_be_added_where_one_may_only_read(accounts: Accounts, api: aiohttp.ClientSession) -> None:
    here, elsewhere = await add_location(accounts), await add_location(accounts)
    ann = await accounts.add("ann", "viewer")
    await grant(accounts, ann, here, "editor")
    headers = await accounts.token(ann)
    async with api.post(ITEMS, json={"name": "nut", "quantity": 1, "location": elsewhere}, headers=headers) as response:
        await problem(response, 403)
    async with api.post(ITEMS, json={"name": "nut", "quantity": 1, "location": NEVER}, headers=headers) as response:
        await refused(response, "location")


async def test_a_filter_does_not_tell_what_a_location_lies_in(
    login_stack: Stack, accounts: Accounts, api: aiohttp.ClientSession
) -> None:
    above = await add_location(accounts)
    here = await add_location(accounts, above)
    ann = await accounts.add("ann", None)
    await grant(accounts, ann, here, "editor")
    headers = await accounts.token(ann)
    await create(api, headers=headers)
    for location, count in ((here, 1), (above, 0), (NEVER, 0)):
        async with api.get(ITEMS, params={"location": location}, headers=headers) as response:
            assert len(await response.json()) == count
        query = f"?snapshot=1&location={location}"
        async with subscribe(login_stack.stream_url, query, headers=headers) as stream:
            assert len((await stream.next("snapshot")).json) == count


@pytest.mark.parametrize("has_role_everywhere", [False, True])
async def test_a_grant_for_everywhere_beside_others_resets_a_stream_that_resumes(
    login_stack: Stack, accounts: Accounts, api: aiohttp.ClientSession, *, has_role_everywhere: bool
) -> None:
    ann = await accounts.add("ann", "viewer" if has_role_everywhere else None)
    await grant(accounts, ann, await add_location(accounts), "editor")
    headers = await accounts.token(ann)
    async with subscribe(login_stack.stream_url, headers=headers) as stream:
        position = await until_resumed(login_stack, api, headers)
        await stream.opened()
        if has_role_everywhere:
            await accounts.connection.execute("DELETE FROM access_grant WHERE location IS NULL")
        else:
            await grant(accounts, ann, None, "viewer")
        await stream.next("reset")
    async with subscribe(login_stack.stream_url, headers=headers, last_event_id=position) as stream:
        assert (await stream.next("reset")).json["reason"] == "the rights have changed"


async def until_resumed(stack: Stack, api: aiohttp.ClientSession, headers: dict[str, str]) -> str:
    """Make changes until a stream resumes after one of them, and return its position."""
    while True:
        await create(api, headers=headers)
        async with api.get(ITEMS, headers=headers) as response:
            position = response.headers["Last-Event-ID"]
        async with subscribe(stack.stream_url, headers=headers, last_event_id=position) as stream:
            if (await stream.frame()).retry and (await stream.frame()).event == "heartbeat":
                return position


async def test_a_download_ends_when_the_rights_change(accounts: Accounts, api: aiohttp.ClientSession) -> None:
    """The file is much larger than what fits into the buffers on its way."""
    here, elsewhere = await add_location(accounts), await add_location(accounts)
    await accounts.connection.execute(
        "INSERT INTO inventory (name, quantity, location, note)"
        " SELECT 'item', 1, $1, repeat('x', 2000) FROM generate_series(1, 8000)",
        here,
    )
    ann = await accounts.add("ann", None)
    await grant(accounts, ann, here, "viewer")
    await grant(accounts, ann, elsewhere, "viewer")
    headers = await accounts.token(ann)
    async with api.get(f"{ITEMS}/export", headers=headers) as response:
        received = len(await response.content.readany())
        await accounts.connection.execute("DELETE FROM access_grant WHERE location = $1", here)
        with pytest.raises(aiohttp.ClientError):
            received += len(await response.read())
    assert received < 8_000 * 2_000


async def test_a_movement_is_not_shown_again_to_a_repeated_request_that_may_not_see_it(
    accounts: Accounts, api: aiohttp.ClientSession
) -> None:
    here, elsewhere = await add_location(accounts), await add_location(accounts)
    ann = await accounts.add("ann", None)
    await grant(accounts, ann, here, "editor")
    await grant(accounts, ann, elsewhere, "editor")
    headers = {**await accounts.token(ann), "Idempotency-Key": "once"}
    item = await create(api, headers={"Authorization": headers["Authorization"]}, location=here)
    body = {"reason": "sold", "lines": [{"item": item["id"], "adjust": -1}]}
    async with api.post("/api/movements", json=body, headers=headers) as response:
        assert response.status == 201, await response.text()
    await accounts.connection.execute("DELETE FROM access_grant WHERE location = $1", here)
    async with api.post("/api/movements", json=body, headers=headers) as response:
        await problem(response, 404)
