"""Search and order by name, tested with the same tables of cases as the page."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.client import ITEMS, create, get, walk
from tests.stack import ROOT

if TYPE_CHECKING:
    import aiohttp

SEARCH_CASES = json.loads((ROOT / "tests/search_cases.json").read_text())
ORDER_CASES = json.loads((ROOT / "tests/order_cases.json").read_text())


def ids(listed: list[dict[str, Any]]) -> list[int]:
    return [item["id"] for item in listed]


async def position_of(api: aiohttp.ClientSession) -> str:
    async with api.get(ITEMS) as response:
        return response.headers["Last-Event-ID"]


@pytest.mark.parametrize("as_of", [False, True], ids=["now", "as_of"])
async def test_a_search_finds_what_the_table_of_cases_says(api: aiohttp.ClientSession, as_of: bool) -> None:
    items = {name: await create(api, name) for name in dict.fromkeys(name for name, _, _ in SEARCH_CASES)}
    then = {"as_of": await position_of(api)} if as_of else {}
    for name, query, found in SEARCH_CASES:
        listed = await get(api, ITEMS, q=query, **then)
        assert (items[name]["id"] in ids(listed)) == found, (name, query)


async def test_a_search_for_white_space_finds_everything(api: aiohttp.ClientSession) -> None:
    for name in ("a", "a b"):
        await create(api, name)
    for query in (" ", "\u00a0\u3000", "\u200b", "\u00ad "):
        assert len(await get(api, ITEMS, q=query)) == 2


@pytest.mark.parametrize("as_of", [False, True], ids=["now", "as_of"])
async def test_names_are_ordered_as_the_table_of_cases_says(api: aiohttp.ClientSession, as_of: bool) -> None:
    shuffled = random.Random(5).sample(ORDER_CASES, len(ORDER_CASES))
    for name in shuffled:
        await create(api, name)
    then = {"as_of": await position_of(api)} if as_of else {}
    for sort, expected in (("name", ORDER_CASES), ("-name", ORDER_CASES[::-1])):
        listed = await get(api, ITEMS, sort=sort, **then)
        assert [item["name"] for item in listed] == expected
        assert await walk(api, ITEMS, sort=sort, limit=3, **then) == listed


async def test_names_with_equal_keys_are_ordered_by_id(api: aiohttp.ClientSession) -> None:
    created = [await create(api, name) for name in ("Bolt 1", "bolt 01", "BÖLT 001")]
    assert ids(await walk(api, ITEMS, sort="name", limit=1)) == ids(created)
    assert ids(await walk(api, ITEMS, sort="-name", limit=1)) == ids(created)[::-1]


async def test_names_whose_keys_are_cut_can_end_a_page(api: aiohttp.ClientSession) -> None:
    for name in ("1\N{PACKAGE}" * 100, "1a" * 100, "\ufdfa1" * 100, "9" * 200, "½" * 200):
        await create(api, name)
        await create(api, name)
    for sort in ("name", "-name"):
        assert len(set(ids(await walk(api, ITEMS, sort=sort, limit=1)))) == 10
