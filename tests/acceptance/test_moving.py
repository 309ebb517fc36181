"""Transfers between locations, and the same article at several of them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import asyncpg

from tests.acceptance.booking import MOVEMENTS, TRANSFERS, move, quantities, undo
from tests.acceptance.client import ITEMS, change, create, get, head, problem
from tests.acceptance.log import fetch_log

if TYPE_CHECKING:
    import aiohttp

    from tests.stack import Stack

WRITERS = 16
TRANSFERS_EACH = 15


async def add_location(api: aiohttp.ClientSession, name: str) -> int:
    location: int = (await change(api, "POST", "/api/locations", {"name": name}))["id"]
    return location


async def test_a_quantity_arrives_at_the_same_article(api: aiohttp.ClientSession, van: int) -> None:
    bolt = await create(api, "bolt", 5, code="B-1", minimum=2, unit="pcs", note="a\nb")
    moved = await move(api, bolt, van, 2, note="for tomorrow")
    (there,) = await get(api, ITEMS, location=van)
    assert {field: there[field] for field in ("name", "code", "minimum", "unit", "note", "quantity")} == {
        **{field: bolt[field] for field in ("name", "code", "minimum", "unit", "note")},
        "quantity": 2,
    }
    assert (moved["reason"], moved["note"]) == ("moved", "for tomorrow")
    assert quantities(moved) == [(bolt["id"], 5, 3), (there["id"], None, 2)]
    assert await get(api, f"{MOVEMENTS}/{moved['id']}") == moved
    assert quantities(await move(api, there, 1, 2)) == [(bolt["id"], 3, 5), (there["id"], 2, 0)]


async def test_what_is_left_behind_can_be_deleted(api: aiohttp.ClientSession, van: int) -> None:
    bolt = await create(api, "bolt", 5)
    async with api.post(TRANSFERS, json={"item": bolt["id"], "to": van, "quantity": 4, "close": True}) as response:
        assert (await problem(response, 409))["errors"][0]["field"] == "close"
    closed = await move(api, bolt, van, 5, close=True)
    (there,) = await get(api, ITEMS)
    assert quantities(closed) == [(bolt["id"], 5, None), (there["id"], None, 5)]
    assert await get(api, f"{MOVEMENTS}/{closed['id']}") == closed
    undone = await undo(api, closed)
    assert quantities(undone) == [(bolt["id"], None, 5), (there["id"], 5, 0)]
    assert await get(api, f"{MOVEMENTS}/{undone['id']}") == undone


async def test_the_other_end_is_found_by_code_then_by_name(api: aiohttp.ClientSession, van: int) -> None:
    bolt = await create(api, "bolt", 5, code="B-1")
    coded = await create(api, "Screw", 0, code="B-1", location=van)
    await create(api, "bolt", 0, location=van)
    assert quantities(await move(api, bolt, van, 1))[1] == (coded["id"], 0, 1)
    nut, other_code = await create(api, "nut", 5, code="N-1"), await create(api, "nut", 0, code="N-2", location=van)
    assert other_code["id"] not in [item for item, *_ in quantities(await move(api, nut, van, 1))]
    washer, named = await create(api, "Washer", 5), await create(api, "washer", 0, code="W-1", location=van)
    assert quantities(await move(api, washer, van, 1))[1] == (named["id"], 0, 1)


async def test_a_transfer_that_is_not_possible_is_refused_with_the_reason(api: aiohttp.ClientSession, van: int) -> None:
    bolt, there = await create(api, "bolt", 5), await create(api, "bolt", 2_147_483_647, location=van)
    start = await head(api)
    for body, status, field in (
        ({"quantity": 6}, 409, "quantity"),
        ({"quantity": 1}, 409, "quantity"),  # the other end is full
        ({"quantity": 1, "version": 2}, 409, "version"),
        ({"to": 999_999_999}, 422, "to"),
        ({"to": 1}, 422, "to"),
        ({"item": 999_999_999}, 404, None),
    ):
        sent = {"item": bolt["id"], "to": van, "quantity": 1, **body}
        async with api.post(TRANSFERS, json=sent) as response:
            refusal = await problem(response, status, sent=sent)
        assert [error["field"] for error in refusal.get("errors", [])] == ([] if field is None else [field]), sent
    assert there["version"] == 1
    assert await head(api) == start


async def test_several_items_move_as_one_movement(api: aiohttp.ClientSession, van: int) -> None:
    bolt, nut = await create(api, "bolt", 5, code="B-1"), await create(api, "nut", 7)
    there = await create(api, "nut", 1, location=van)
    lines = [{"item": nut["id"], "quantity": 7, "close": True}, {"item": bolt["id"], "quantity": 2, "version": 1}]
    moved = await change(api, "POST", TRANSFERS, {"to": van, "note": "Tour 3", "lines": lines})
    (new,) = [item for item in await get(api, ITEMS, location=van) if item["id"] != there["id"]]
    assert quantities(moved) == [
        (bolt["id"], 5, 3),
        (nut["id"], 7, None),
        (there["id"], 1, 8),
        (new["id"], None, 2),
    ]
    assert (moved["reason"], moved["note"]) == ("moved", "Tour 3")
    assert await get(api, f"{MOVEMENTS}/{moved['id']}") == moved
    undone = await undo(api, moved)
    assert quantities(undone) == [(bolt["id"], 3, 5), (nut["id"], None, 7), (there["id"], 8, 1), (new["id"], 2, 0)]


async def test_the_same_article_from_two_places_arrives_at_one_item(api: aiohttp.ClientSession, van: int) -> None:
    dock = await add_location(api, "Dock")
    here, there = await create(api, "bolt", 5, code="B-1"), await create(api, "bolt", 6, code="B-1", location=dock)
    lines = [{"item": here["id"], "quantity": 4}, {"item": there["id"], "quantity": 6}]
    moved = await change(api, "POST", TRANSFERS, {"to": van, "lines": lines})
    (arrived,) = await get(api, ITEMS, location=van)
    assert quantities(moved) == [(here["id"], 5, 1), (there["id"], 6, 0), (arrived["id"], None, 10)]
    assert await get(api, f"{MOVEMENTS}/{moved['id']}") == moved


async def test_each_line_that_can_not_be_moved_is_named_and_nothing_moves(api: aiohttp.ClientSession, van: int) -> None:
    bolt, nut, full = await create(api, "bolt", 5), await create(api, "nut", 5), await create(api, "washer", 9)
    at_van = await create(api, "washer", 2_147_483_640, location=van)
    start = await head(api)
    lines = [
        {"item": bolt["id"], "quantity": 5},
        {"item": nut["id"], "quantity": 6},
        {"item": full["id"], "quantity": 8},
        {"item": at_van["id"], "quantity": 1},
        {"item": 999_999_999, "quantity": 1},
        {"item": 999_999_998, "quantity": 1, "close": True},
    ]
    async with api.post(TRANSFERS, json={"to": van, "lines": lines}) as response:
        refusal = await problem(response, 409)
    assert [error["field"] for error in refusal["errors"]] == [
        "lines.1.quantity",
        "lines.2.quantity",
        "lines.3.to",
        "lines.4.item",
        "lines.5.item",
    ]
    assert refusal["errors"][0]["current"] == nut
    assert await head(api) == start
    for body in (
        {"to": van},
        {"to": van, "lines": []},
        {"to": van, "item": bolt["id"]},
        {"to": van, "item": bolt["id"], "quantity": 1, "lines": lines[:1]},
        {"to": van, "close": True, "lines": lines[:1]},
        {"to": van, "lines": [lines[0], lines[0]]},
    ):
        async with api.post(TRANSFERS, json=body) as response:
            await problem(response, 422, sent=body)


async def test_sixteen_who_move_in_a_circle_lose_no_unit(
    api: aiohttp.ClientSession, van: int, shared_stack: Stack
) -> None:
    """Each moves between random neighbours. After every movement, the sum over all locations is the same."""
    places = [1, van, await add_location(api, "Dock"), await add_location(api, "Attic")]
    items = [await create(api, "bolt", 40, code="B-1", location=place) for place in places[:2]]
    start = await head(api)
    statuses: Counter[int] = Counter()

    async def write(number: int) -> None:
        choose = random.Random(number)
        for _ in range(TRANSFERS_EACH):
            here = choose.randrange(len(places))
            there = places[(here + choose.choice((1, -1))) % len(places)]
            found = await get(api, ITEMS, location=places[here])
            if found:
                body = {"item": found[0]["id"], "to": there, "quantity": choose.randint(1, 20)}
                async with api.post(TRANSFERS, json=body) as response:
                    statuses[response.status] += 1

    await asyncio.gather(*(write(number) for number in range(WRITERS)))
    assert set(statuses) <= {201, 409}, statuses
    assert statuses[201] > WRITERS
    connection = await asyncpg.connect(shared_stack.database_url)
    rows = await connection.fetch("SELECT event_id, movement FROM inventory_history")
    movements = {row["event_id"]: row["movement"] for row in rows}
    events = await fetch_log(connection, start)
    await connection.close()
    held: dict[int, Any] = {item["id"]: item["quantity"] for item in items}
    for event, following in zip(events, [*events[1:], None], strict=True):
        held[event.item_id] = event.after["quantity"] if event.after else 0
        if following is None or movements[following.id] != movements[event.id]:
            assert sum(held.values()) == 80, event
    assert len(held) == len(places), "there is one item with this code at each location"
    assert sum(item["quantity"] for item in await get(api, ITEMS)) == 80


async def test_a_new_name_is_given_to_twins_on_demand(api: aiohttp.ClientSession, van: int) -> None:
    bolt, twin = await create(api, "bolt", 5, code="B-1"), await create(api, "Bolt M4", 5, code="B-1", location=van)
    other = await create(api, "bolt", 5)
    await change(api, "PUT", f"{ITEMS}/{bolt['id']}", {"name": "bolt M4", "quantity": 5})
    assert (await get(api, f"{ITEMS}/{twin['id']}"))["name"] == "Bolt M4"
    await change(api, "PUT", f"{ITEMS}/{bolt['id']}?twins=1", {"name": "Hex bolt M4", "quantity": 5})
    names = {item["id"]: item["name"] for item in await get(api, ITEMS)}
    assert names == {bolt["id"]: "Hex bolt M4", twin["id"]: "Hex bolt M4", other["id"]: "bolt"}
    first, second = await get(api, "/api/history", limit=2)
    assert (first["movement"], first["reason"]) == (second["movement"], "corrected")
    async with api.put(
        f"{ITEMS}/{bolt['id']}?twins=1", json={"name": "x", "quantity": 5}, headers={"If-Match": '"1"'}
    ) as response:
        await problem(response, 412)
    assert "x" not in {item["name"] for item in await get(api, ITEMS)}
