"""The list: search, every sort order, and pages that miss nothing during concurrent writes."""

# ruff: noqa: RUF001 - these tests need look-alike letters

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

from tests.acceptance.client import (
    ITEMS,
    change,
    create,
    export_rows,
    get,
    head,
    pages,
    problem,
    refused,
    tagged_version,
    walk,
)

if TYPE_CHECKING:
    import aiohttp

    from tests.stack import Stack

SORTS = [sign + field for field in ("updated_at", "name", "quantity") for sign in ("", "-")]
LONGEST_WHEN_FOLDED = "\N{MUSICAL SYMBOL HALF NOTE}" * 200  # each decomposes into two characters of four bytes


def names(listed: list[dict[str, Any]]) -> set[str]:
    return {item["name"] for item in listed}


def cursor(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


# Search -------------------------------------------------------------------------------------------------------------

ALIKE = [
    ("Zürich", ["zurich", "ZÜRICH", "zürich", "zu\u0308rich", "ÜR", "RICH", "ｚｕｒｉｃｈ"]),
    ("Zu\u0308rich 2", ["zürich 2", "ZURICH 2"]),
    ("Ørsted ØL", ["ørsted", "ORSTED", "ol"]),
    ("Straße", ["strasse", "STRASSE", "straẞe", "ß"]),
    ("STRASSE", ["straße"]),
    ("Łódź", ["lodz", "ŁÓDŹ"]),
    ("Σίσυφος", ["ΣΊΣΥΦΟΣ", "σισυφος", "σίσυφοσ", "ΣΙΣΥΦΟΣ"]),
    ("ΌΔΟΣ", ["όδος", "οδοσ"]),
    ("Ёлка ЙОД", ["ёлка", "ЕЛКА", "йод", "иод"]),
    ("Ｆｕｌｌ ｗｉｄｔｈ", ["full width", "FULL"]),
    ("full", ["ＦＵＬＬ"]),
    ("İstanbul ılıca", ["istanbul", "ISTANBUL", "ILICA"]),
    ("ﬁne №5", ["FINE", "no5"]),
    ("東京 ガ", ["東京", "ｶﾞ"]),
    ("\N{PACKAGE} box", ["\N{PACKAGE}", "BOX"]),
    ("a" * 200, ["A" * 200, "Á" * 200]),
    (LONGEST_WHEN_FOLDED, [LONGEST_WHEN_FOLDED]),
]


@pytest.mark.parametrize("as_of", [False, True], ids=["now", "as_of"])
async def test_a_search_ignores_case_accents_and_width(api: aiohttp.ClientSession, as_of: bool) -> None:
    position = await _create_all(api, [name for name, _ in ALIKE])
    then = {"as_of": position} if as_of else {}
    for name, spellings in ALIKE:
        for text in spellings:
            assert name in names(await get(api, ITEMS, q=text, **then)), (name, text)


@pytest.mark.parametrize("as_of", [False, True], ids=["now", "as_of"])
async def test_a_search_has_no_wildcards(api: aiohttp.ClientSession, as_of: bool) -> None:
    stock = ["100%", "a_b", "a\\b", "axb", "'; --", '"quoted"', "a b", "%_\\"]
    position = await _create_all(api, stock)
    then = {"as_of": position} if as_of else {}
    for text in ["%", "_", "\\", "%_\\", "a_b", "a%b", "\\%", "';", '"', "a b", "x", "A", "*", ".", "(", "a+b"]:
        expected = {name for name in stock if all(word in name.lower() for word in text.lower().split())}
        assert names(await get(api, ITEMS, q=text, **then)) == expected, text


async def _create_all(api: aiohttp.ClientSession, stock: list[str]) -> str:
    """Create an item with each name and return the position after the last one."""
    for name in stock:
        await create(api, name)
    async with api.get(ITEMS) as response:
        return response.headers["Last-Event-ID"]


async def test_a_search_finds_a_new_name_at_once_and_no_longer_the_old_one(api: aiohttp.ClientSession) -> None:
    item = await create(api, "Schraube")
    await change(api, "PUT", f"{ITEMS}/{item['id']}", {"quantity": 5, "name": "Dübel"})
    assert await get(api, ITEMS, q="schraube") == []
    assert names(await get(api, ITEMS, q="DUBEL")) == {"Dübel"}
    await change(api, "DELETE", f"{ITEMS}/{item['id']}")
    assert await get(api, ITEMS, q="dubel") == []
    await change(api, "POST", f"{ITEMS}/{item['id']}/restore")
    assert names(await get(api, ITEMS, q="dubel")) == {"Dübel"}


@pytest.mark.parametrize("text", ["", "%00", "a%01", "%7F", "%C2%85", "%0A", "%FF", "%ED%A0%80", "%C3", "x" * 201])
async def test_a_search_text_that_no_name_can_contain_is_refused(api: aiohttp.ClientSession, text: str) -> None:
    async with api.get(URL(f"{ITEMS}?q={text}", encoded=True)) as response:
        await refused(response, "q")


# Orders and pages ---------------------------------------------------------------------------------------------------


def ordered(listed: list[dict[str, Any]], sort: str) -> list[int]:
    """Return the item ids in the expected order. Assumes names that fold to themselves."""
    field = sort.removeprefix("-")
    by_key = sorted(listed, key=lambda item: (item[field], item["id"]), reverse=sort.startswith("-"))
    return [item["id"] for item in by_key]


@pytest.mark.parametrize("sort", SORTS)
async def test_every_order_holds_across_pages_of_any_size_including_ties(
    api: aiohttp.ClientSession, shared_stack: Stack, sort: str
) -> None:
    shared_stack.sql(
        "INSERT INTO inventory (name, quantity) SELECT chr(97 + n * 7 % 5) || 'x', n % 4 FROM generate_series(1, 15) n"
    )
    shared_stack.sql("UPDATE inventory SET quantity = quantity + 1000 WHERE name = 'bx'")
    shared_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('ay', 9), ('ay', 10), ('ay', 2147483647)")
    everything = await get(api, ITEMS)
    expected = ordered(everything, sort)
    assert [item["id"] for item in await get(api, ITEMS, sort=sort)] == expected
    async with api.get(ITEMS) as response:
        position = response.headers["Last-Event-ID"]
    for size in (1, 2, 7, 18, 1000):
        then = {"as_of": position} if size in {2, 7} else {}
        found = [page async for page in pages(api, ITEMS, sort=sort, limit=size, **then)]
        assert [item["id"] for page in found for item in page] == expected
        assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
        assert found[-1], "the last `next` link led to an empty page"
    found_by_text = [item for item in everything if "y" in item["name"]]
    assert [item["id"] for item in await walk(api, ITEMS, sort=sort, limit=2, q="Y")] == ordered(found_by_text, sort)


async def test_the_longest_name_can_end_a_page(api: aiohttp.ClientSession) -> None:
    for name in (LONGEST_WHEN_FOLDED, "\ufdfa" * 200, "\N{PACKAGE}" * 200, '"' * 200, "\\" * 200, "각" * 200):
        await create(api, name)
        await create(api, name)
    for sort in ("name", "-name"):
        assert len({item["id"] for item in await walk(api, ITEMS, sort=sort, limit=1)}) == 12


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_during_writes_pages_hold_every_unchanged_item_once(
    api: aiohttp.ClientSession, shared_stack: Stack, size: int
) -> None:
    shared_stack.sql("INSERT INTO inventory (name, quantity) SELECT 'n' || n % 6, n % 5 FROM generate_series(1, 24) n")
    ids = [item["id"] for item in await get(api, ITEMS)]
    restless, untouched = ids[::4], {item_id for place, item_id in enumerate(ids) if place % 4}
    done = asyncio.Event()

    async def keep_writing() -> None:
        for turn in itertools.count():
            if done.is_set():
                return
            item_id = restless[turn % len(restless)]
            body = {"quantity": turn * 3 % 7, "name": f"n{turn % 9}"}
            await change(api, "PUT", f"{ITEMS}/{item_id}", body)
            new = await create(api, f"n{turn % 6}", turn % 5)
            await change(api, "DELETE", f"{ITEMS}/{new['id']}")

    writer = asyncio.create_task(keep_writing())
    try:
        for sort in SORTS:
            found = [item["id"] for item in await walk(api, ITEMS, sort=sort, limit=size)]
            assert sorted(item_id for item_id in found if item_id in untouched) == sorted(untouched), sort
    finally:
        done.set()
        await writer


async def test_a_page_carries_its_position_and_is_a_304_when_unchanged(api: aiohttp.ClientSession) -> None:
    await create(api)
    query = {"q": "b", "sort": "name", "limit": "1"}
    async with api.get(ITEMS, params=query) as response:
        tag = response.headers["ETag"]
        assert re.fullmatch(f'"{response.headers["Last-Event-ID"]}-[0-9a-f]{{6}}"', tag)
    async with api.get(ITEMS, params=query, headers={"If-None-Match": tag}) as response:
        assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", tag)
    await create(api)
    async with api.get(ITEMS, params=query, headers={"If-None-Match": tag}) as response:
        assert response.status == 200


async def test_an_item_with_the_current_etag_is_a_304_until_it_changes(api: aiohttp.ClientSession) -> None:
    address = f"{ITEMS}/{(await create(api))['id']}"
    async with api.get(address) as response:
        tag = response.headers["ETag"]
    for sent in (tag, f"W/{tag}", f'"7", {tag}', "*"):
        async with api.get(address, headers={"If-None-Match": sent}) as response:
            assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", tag)
    for sent in (tag.replace("1-", "2-"), '"1"', '"1-000000"', "1x", '"x"'):
        async with api.get(address, headers={"If-None-Match": sent}) as response:
            assert response.status == 200
    await change(api, "PATCH", address, {"adjust": 1})
    async with api.get(address, headers={"If-None-Match": tag}) as response:
        assert (response.status, tagged_version(response)) == (200, 2)


# Invalid parameters -------------------------------------------------------------------------------------------------

INVALID_CURSORS = [
    ("name", ""),
    ("name", "x"),
    ("name", "\u00fc"),
    ("name", "%00"),
    ("name", "AAAA" * 3000),
    ("name", cursor("quantity", "5", 1)),
    ("name", cursor("-name", "a", 1)),
    ("name", cursor("name", "a", 1)[:-3]),
    ("name", cursor("name", "a\0", 1)),
    ("name", cursor("name", "a\ud800", 1)),
    ("name", cursor("name", 5, 1)),
    ("name", cursor("name", None, 1)),
    ("name", cursor("name", "a", 0)),
    ("name", cursor("name", "a", -1)),
    ("name", cursor("name", "a", True)),
    ("name", cursor("name", "a", 1.0)),
    ("name", cursor("name", "a", 2**63)),
    ("name", cursor("name", "a", "1")),
    ("name", cursor("name", "a", 1, 2)),
    ("name", cursor("name", "a")),
    ("name", cursor({"sort": "name"})),
    ("name", base64.urlsafe_b64encode(b"[" * 2_900).decode()),
    ("name", base64.urlsafe_b64encode(b'["name","a",' + b"9" * 2_000 + b"]").decode()),
    ("quantity", cursor("quantity", "-1", 1)),
    ("quantity", cursor("quantity", "2147483648", 1)),
    ("quantity", cursor("quantity", "9" * 2_000, 1)),
    ("quantity", cursor("quantity", "\u0667", 1)),
    ("quantity", cursor("quantity", "\u00b2", 1)),
    ("quantity", cursor("quantity", "1e3", 1)),
    ("quantity", cursor("quantity", "", 1)),
    ("updated_at", cursor("updated_at", "", 1)),
    ("updated_at", cursor("updated_at", "infinity", 1)),
    ("updated_at", cursor("updated_at", "now", 1)),
    ("updated_at", cursor("updated_at", "2026-13-01T00:00:00.0Z", 1)),
    ("updated_at", cursor("updated_at", "2026-01-01T00:00:61.0Z", 1)),
    ("updated_at", cursor("updated_at", "\u0662\u0660\u0662\u0666-01-01T00:00:00.0Z", 1)),
]


@pytest.mark.parametrize("past", [{}, {"as_of": "0"}], ids=["now", "as_of"])
async def test_an_invalid_cursor_is_refused(api: aiohttp.ClientSession, past: dict[str, str]) -> None:
    for sort, after in INVALID_CURSORS:
        async with api.get(ITEMS, params={"sort": sort, "limit": "1", "after": after, **past}) as response:
            await refused(response, "after")


async def test_a_cursor_outlives_its_item(api: aiohttp.ClientSession) -> None:
    items = [await create(api, name) for name in "abc"]
    walked = pages(api, ITEMS, sort="name", limit=1)
    assert names(await anext(walked)) == {"a"}
    await change(api, "DELETE", f"{ITEMS}/{items[0]['id']}")
    assert names(await anext(walked)) == {"b"}
    await walked.aclose()


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "1.0", "1e2", "", " 1", "+1", "\u0661", "0x10", "true", "9" * 30])
async def test_an_invalid_limit_is_refused(api: aiohttp.ClientSession, limit: str) -> None:
    for path in (ITEMS, "/api/history", f"{ITEMS}/deleted"):
        async with api.get(path, params={"limit": limit}) as response:
            await refused(response, "limit")


@pytest.mark.parametrize("sort", ["", "id", "NAME", "--name", "name,quantity", "name;DROP TABLE inventory", "-"])
async def test_an_unknown_order_is_refused(api: aiohttp.ClientSession, sort: str) -> None:
    async with api.get(ITEMS, params={"sort": sort}) as response:
        await refused(response, "sort")


async def test_a_repeated_parameter_is_refused(api: aiohttp.ClientSession) -> None:
    for name, value in (("q", "a"), ("sort", "name"), ("limit", "1"), ("as_of", "0"), ("after", "x")):
        async with api.get(ITEMS, params=[(name, value), (name, value)]) as response:
            await refused(response, name)
    async with api.get(ITEMS, params=[("q", "a"), ("Q", "a")]) as response:
        assert "Q" in (await problem(response, 422))["detail"]


async def test_items_below_their_minimum_are_listed_now_and_in_the_past(api: aiohttp.ClientSession) -> None:
    levels = {"below": (4, 5), "at": (5, 5), "above": (6, 5), "none": (0, None), "empty": (0, 1), "zero": (0, 0)}
    for name, (quantity, minimum) in levels.items():
        await create(api, name, quantity, minimum=minimum)
    then = await head(api)
    for sort in SORTS:
        for when in ({}, {"as_of": then}):
            found = await walk(api, ITEMS, low=1, sort=sort, limit=1, **when)
            assert sorted(item["name"] for item in found) == ["below", "empty"], (sort, when)
    assert [item["name"] for item in await get(api, ITEMS, low=1, q="elo")] == ["below"]
    assert len(await get(api, ITEMS, low=0)) == len(levels)
    assert [row["name"] for row in await export_rows(api, "?low=1")] == ["below", "empty"]
    below = next(item for item in await get(api, ITEMS) if item["name"] == "below")
    await change(api, "PUT", f"{ITEMS}/{below['id']}", {"quantity": 5})
    assert [item["name"] for item in await get(api, ITEMS, low=1)] == ["empty"]
    for wrong in ("", "2", "yes"):
        async with api.get(ITEMS, params={"low": wrong}) as response:
            await refused(response, "low")
