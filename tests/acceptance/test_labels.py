"""Labels: who gets which, in which order, and what their symbols hold."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from yarl import URL

from tests.acceptance.client import create, get, refused
from tests.scanner import BARS, QR, Scanned, scan_path
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.accounts import Accounts
    from tests.postgres import PostgresServer

LABELS = "/api/labels"
MAX_LABELS = 200
DASHBOARD = "https://stock.example.org"
LONGEST_CODE = 100  # characters
NO_SUCH_ID = 999_999_999


async def labels_of(api: aiohttp.ClientSession, ids: Sequence[int]) -> list[dict[str, Any]]:
    return list(await get(api, str(URL(LABELS).with_query([("item", item_id) for item_id in ids]))))


def symbols(label: Mapping[str, Any]) -> list[Scanned]:
    """What a scanner reads from the symbols of a label."""
    bars, qr = label["code_128"], label["qr"]
    found = scan_path(**bars, margin=10) if bars else []
    return [*found, *scan_path(**qr, margin=4)]


async def test_a_label_has_the_code_as_text_and_as_symbols(api: aiohttp.ClientSession) -> None:
    item = await create(api, "Pallet jack", code="PJ-2500")
    (label,) = await labels_of(api, [item["id"]])
    assert {name: label[name] for name in ("id", "name", "code", "location", "text")} == {
        "id": item["id"],
        "name": "Pallet jack",
        "code": "PJ-2500",
        "location": item["location"],
        "text": "PJ-2500",
    }
    assert symbols(label) == [(BARS, "PJ-2500"), (QR, "PJ-2500")]


async def test_without_a_code_the_qr_code_leads_to_the_item(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    item = await create(api, "Bolt")
    address = f"{shared_stack.api_url}/?item={item['id']}"
    (label,) = await labels_of(api, [item["id"]])
    assert label["code"] is None
    assert label["text"] == address
    assert symbols(label) == [(QR, address)]


async def test_a_code_that_bars_can_not_hold_is_in_the_qr_code_only(api: aiohttp.ClientSession) -> None:
    item = await create(api, "خوذة أمان", code="رمز-3")
    (label,) = await labels_of(api, [item["id"]])
    assert symbols(label) == [(QR, "رمز-3")]


async def test_labels_are_in_the_order_of_the_request_and_as_often(api: aiohttp.ClientSession) -> None:
    first, second = [(await create(api, name))["id"] for name in ("Bolt", "Nut")]
    asked = [second, first, second, NO_SUCH_ID, second]
    assert [label["id"] for label in await labels_of(api, asked)] == [second, first, second, second]
    assert await labels_of(api, []) == []


async def test_a_request_for_too_many_labels_or_with_an_invalid_id_is_refused(api: aiohttp.ClientSession) -> None:
    many = "&".join(["item=1"] * (MAX_LABELS + 1))
    async with api.get(f"{LABELS}?{many}") as response:
        await refused(response, "item")
    for invalid in ("0", "-1", "x", "1.0", "", "9223372036854775808", "%00", "1,2"):
        async with api.get(URL(f"{LABELS}?item=1&item={invalid}", encoded=True)) as response:
            await refused(response, "item.1", sent=invalid)


async def test_the_service_answers_others_while_it_draws(api: aiohttp.ClientSession) -> None:
    """The longest codes take it longest: 30 ms each."""
    smileys = "\N{GRINNING FACE}" * (LONGEST_CODE - 2)
    ids = [(await create(api, code=f"{smileys}{number}"))["id"] for number in range(10, 40)]
    answered = 0
    drawn = asyncio.create_task(labels_of(api, ids))
    while not drawn.done():
        await get(api, "/healthz")
        answered += 1
    assert len(await drawn) == len(ids)
    assert answered > len(ids) / 3


async def test_without_accounts_nobody_in_between_keeps_labels(api: aiohttp.ClientSession) -> None:
    async with api.get(LABELS) as response:
        assert response.headers["Cache-Control"] == "private, no-cache"


# With accounts ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def login_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {"AUTH": "login", "DASHBOARD_URL": f"{DASHBOARD}/"}
    with running_stack(postgres, tmp_path_factory.mktemp("logs"), settings, ["api"]) as stack:
        yield stack


async def test_only_visible_items_have_labels(login_stack: Stack, accounts: Accounts) -> None:
    hall = await accounts.connection.fetchval("INSERT INTO location (name) VALUES ('Hall') RETURNING id")
    insert = "INSERT INTO inventory (name, quantity, location) VALUES ($1, 1, $2) RETURNING id"
    here = await accounts.connection.fetchval(insert, "Bolt", hall)
    elsewhere = await accounts.connection.fetchval(insert, "Nut", 1)
    vera = await accounts.add("vera", role=None)
    await accounts.connection.execute(
        "INSERT INTO access_grant (principal, role, location) VALUES ($1, 'viewer', $2)", vera, hall
    )
    headers = await accounts.token(await accounts.add("robot", "viewer", kind="service"))
    asked = [elsewhere, NO_SUCH_ID, here]
    async with aiohttp.ClientSession(login_stack.api_url, headers=headers) as robot:
        assert [label["id"] for label in await labels_of(robot, asked)] == [elsewhere, here]
    async with aiohttp.ClientSession(login_stack.api_url, headers=await accounts.session(vera)) as client:
        (label,) = await labels_of(client, asked)
        assert (label["id"], label["location"]) == (here, hall)
        assert label["text"] == f"{DASHBOARD}/?item={here}"
        async with client.get(LABELS) as response:
            assert response.headers["Cache-Control"] == "no-store"


async def test_the_page_itself_shows_nothing_of_the_stock(login_stack: Stack, accounts: Accounts) -> None:
    item = await accounts.connection.fetchval(
        "INSERT INTO inventory (name, quantity, code) VALUES ('Secret', 1, 'hush') RETURNING id"
    )
    async with aiohttp.ClientSession(login_stack.api_url) as nobody:
        async with nobody.get(f"/labels?item={item}") as response:
            assert response.status == 200
            page = await response.text()
        assert "Secret" not in page
        assert "hush" not in page
        assert 'href="/"' in page
        async with nobody.get(f"{LABELS}?item={item}") as response:
            assert response.status == 401
