"""Locations: their tree, and what is narrowed to a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tests.acceptance.client import (
    ITEMS,
    change,
    create,
    export_rows,
    get,
    head,
    import_csv,
    problem,
    walk,
)
from tests.sse import subscribe

if TYPE_CHECKING:
    import aiohttp

    from tests.stack import Stack

LOCATIONS = "/api/locations"


async def add(api: aiohttp.ClientSession, name: str, parent: int | None = None) -> int:
    location: int = (await change(api, "POST", LOCATIONS, {"name": name, "parent": parent}))["id"]
    return location


async def refused(api: aiohttp.ClientSession, method: str, path: str, body: Any, status: int) -> dict[str, Any]:
    async with api.request(method, path, json=body) as response:
        return await problem(response, status, sent=body)


async def test_there_is_one_location_which_holds_what_was_there_before(api: aiohttp.ClientSession) -> None:
    main = {"id": 1, "name": "Main", "parent": None, "path": "Main", "editable": True}
    assert await get(api, LOCATIONS) == [main]
    assert await get(api, f"{LOCATIONS}/1") == main
    assert (await create(api))["location"] == 1


async def test_a_tree_of_locations(api: aiohttp.ClientSession, van: int) -> None:
    shelf = await add(api, " Shelf 10 ", van)
    bin_ = await add(api, "Bin", shelf)
    await add(api, "Shelf 9", van)
    paths = [location["path"] for location in await get(api, LOCATIONS)]
    assert paths == ["Main", "Van", "Van/Shelf 9", "Van/Shelf 10", "Van/Shelf 10/Bin"]
    moved = await change(api, "PATCH", f"{LOCATIONS}/{shelf}", {"parent": 1, "name": "Shelf A"})
    assert moved == {"id": shelf, "name": "Shelf A", "parent": 1, "path": "Main/Shelf A", "editable": True}
    assert (await get(api, f"{LOCATIONS}/{bin_}"))["path"] == "Main/Shelf A/Bin"
    await change(api, "PATCH", f"{LOCATIONS}/{shelf}", {"parent": None})
    assert (await get(api, f"{LOCATIONS}/{bin_}"))["path"] == "Shelf A/Bin"


async def test_a_location_does_not_lie_in_the_id_that_it_will_get(api: aiohttp.ClientSession, van: int) -> None:
    found = await refused(api, "POST", LOCATIONS, {"name": "Shelf", "parent": van + 1}, 422)
    assert found["detail"] == f"parent: there is no location {van + 1}"
    assert await get(api, f"{LOCATIONS}/{await add(api, 'Shelf')}")


async def test_a_tree_that_is_not_sound_is_refused(api: aiohttp.ClientSession, van: int) -> None:
    shelf = await add(api, "Shelf", van)
    for method, path, body, status in (
        ("POST", LOCATIONS, {"name": "VAN"}, 409),
        ("POST", LOCATIONS, {"name": "shelf", "parent": van}, 409),
        ("POST", LOCATIONS, {"name": "x", "parent": 999_999_999}, 422),
        ("POST", LOCATIONS, {"name": "a/b"}, 422),
        ("POST", LOCATIONS, {"name": "x" * 101}, 422),
        ("PATCH", f"{LOCATIONS}/{shelf}", {"name": None}, 422),
        ("PATCH", f"{LOCATIONS}/{shelf}", {"parent": 999_999_999}, 422),
        ("PATCH", f"{LOCATIONS}/{van}", {"parent": shelf}, 409),
        ("PATCH", f"{LOCATIONS}/{van}", {"parent": van}, 409),
        ("PATCH", f"{LOCATIONS}/999999999", {"name": "x"}, 404),
        ("DELETE", f"{LOCATIONS}/{van}", None, 409),
        ("DELETE", f"{LOCATIONS}/999999999", None, 404),
        ("GET", f"{LOCATIONS}/999999999", None, 404),
    ):
        await refused(api, method, path, body, status)
    assert [location["path"] for location in await get(api, LOCATIONS)] == ["Main", "Van", "Van/Shelf"]
    deepest = shelf
    for level in range(3, 17):
        deepest = await add(api, f"level {level}", deepest)
    await refused(api, "POST", LOCATIONS, {"name": "level 17", "parent": deepest}, 409)


async def test_a_location_with_items_can_not_be_deleted(api: aiohttp.ClientSession, van: int) -> None:
    bolt = await create(api, "bolt", 5, location=van)
    assert "has items" in (await refused(api, "DELETE", f"{LOCATIONS}/{van}", None, 409))["detail"]
    await change(api, "DELETE", f"{ITEMS}/{bolt['id']}")
    async with api.delete(f"{LOCATIONS}/{van}") as response:
        assert response.status == 204
    assert "location" in (await refused(api, "POST", f"{ITEMS}/{bolt['id']}/restore", None, 410))["detail"]
    assert (await get(api, f"{ITEMS}/{bolt['id']}/history", limit=1))[0]["before"]["location"] == van
    assert (await refused(api, "DELETE", f"{LOCATIONS}/1", None, 409))["detail"].startswith("The last location")


async def test_an_item_stays_at_its_location_for_life(
    api: aiohttp.ClientSession, van: int, owner: asyncpg.Connection
) -> None:
    bolt = await create(api, "bolt", 5, location=van)
    await refused(api, "PUT", f"{ITEMS}/{bolt['id']}", {"location": 1}, 422)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="location of an item cannot change"):
        await owner.execute("UPDATE inventory SET location = 1")
    await change(api, "DELETE", f"{ITEMS}/{bolt['id']}")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="was at another location"):
        await owner.execute(f"INSERT INTO inventory (id, name, quantity) VALUES ({bolt['id']}, 'bolt', 1)")
    restored = await change(api, "POST", f"{ITEMS}/{bolt['id']}/restore")
    assert (restored["location"], restored["version"]) == (van, 3)
    await refused(api, "POST", ITEMS, {"name": "nut", "quantity": 1, "location": 999_999_999}, 422)


async def test_an_upsert_by_sql_leaves_an_item_where_it_is(
    api: aiohttp.ClientSession, van: int, owner: asyncpg.Connection
) -> None:
    """The location of a row that conflicts is not that of the item, neither now nor in the past."""
    bolt = await create(api, "bolt", 5, location=van)
    await owner.execute(
        "INSERT INTO inventory (id, name, quantity) VALUES ($1, 'bolt', 8)"
        " ON CONFLICT (id) DO UPDATE SET quantity = EXCLUDED.quantity",
        bolt["id"],
    )
    assert (await get(api, f"{ITEMS}/{bolt['id']}"))["quantity"] == 8
    now = await head(api)
    assert await get(api, ITEMS, location=1, as_of=now) == []
    assert [item["id"] for item in await get(api, ITEMS, location=van, as_of=now)] == [bolt["id"]]
    await change(api, "DELETE", f"{ITEMS}/{bolt['id']}")
    assert (await change(api, "POST", f"{ITEMS}/{bolt['id']}/restore"))["location"] == van


async def test_a_code_is_unique_within_its_location(api: aiohttp.ClientSession, van: int) -> None:
    here, there = await create(api, "bolt", 5, code="B-1"), await create(api, "bolt", 5, code="B-1", location=van)
    for location, owner in ((1, here), (van, there)):
        body = await refused(api, "POST", ITEMS, {"name": "x", "quantity": 1, "code": "B-1", "location": location}, 409)
        assert body["current"] == owner
    assert len(await get(api, ITEMS, code="B-1")) == 2


async def test_reads_are_narrowed_to_locations_and_what_lies_below(
    api: aiohttp.ClientSession, van: int, shared_stack: Stack
) -> None:
    shelf = await add(api, "Shelf", van)
    start = await head(api)
    main, in_van, on_shelf = [
        await create(api, name, quantity, location=location)
        for name, quantity, location in (("bolt", 1, 1), ("nut", 20, van), ("washer", 300, shelf))
    ]
    after_creation = await head(api)
    gone = await create(api, "gone", 1, location=shelf)
    await change(api, "DELETE", f"{ITEMS}/{gone['id']}")

    async def names(**query: Any) -> list[str]:
        return sorted(item["name"] for item in await get(api, ITEMS, **query))

    for locations, expected, total in (
        ([van], ["nut", "washer"], 320),
        ([shelf], ["washer"], 300),
        ([1, shelf], ["bolt", "washer"], 301),
        ([999_999_999], [], 0),
    ):
        query = {"location": [str(location) for location in locations]}
        assert await names(**query) == expected
        assert await names(**query, q="s") == [name for name in expected if "s" in name]
        assert await names(**query, as_of=after_creation) == expected
        assert sorted(row["name"] for row in await walk(api, ITEMS, **query, limit=1)) == expected
        address = "?" + "&".join(f"location={location}" for location in locations)
        assert sorted(row["name"] for row in await export_rows(api, address)) == expected
        assert (await get(api, "/api/trends", **query, steps=1))["total"][-1] == total
        events = await get(api, "/api/history", **query, limit=1000)
        assert {event["item_id"] for event in events if event["event_id"] > start} == {
            item["id"]
            for item in (main, in_van, on_shelf, gone)
            if item["name"] in expected or (item is gone and "washer" in expected)
        }
        deleted = await get(api, f"{ITEMS}/deleted", **query, limit=1000)
        assert [event["item_id"] for event in deleted if event["event_id"] > start] == (
            [gone["id"]] if "washer" in expected else []
        )
        async with subscribe(shared_stack.stream_url, f"{address}&snapshot=1") as subscriber:
            snapshot = await subscriber.next("snapshot")
            assert sorted(item["name"] for item in snapshot.json) == expected


async def test_the_etag_of_a_list_is_that_of_its_locations(api: aiohttp.ClientSession, van: int) -> None:
    await create(api, "bolt", 5)
    async with api.get(ITEMS, params={"location": "1"}) as response:
        tag = response.headers["ETag"]
    for query, status in (({"location": "1"}, 304), ({"location": str(van)}, 200), ({}, 200)):
        async with api.get(ITEMS, params=query, headers={"If-None-Match": tag}) as response:
            assert response.status == status, query
    await add(api, "Shelf", 1)
    async with api.get(ITEMS, params={"location": "1"}, headers={"If-None-Match": tag}) as response:
        assert response.status == 200, "there is a location more below"


async def test_an_import_names_locations_by_path_or_name(api: aiohttp.ClientSession, van: int) -> None:
    shelf, other = await add(api, "Shelf", van), await add(api, "Shelf", 1)
    rows = "name,quantity,code,location\nbolt,1,A,van / SHELF\nnut,2,A,Main/Shelf\nwasher,3,A,\nring,4,,Van\n"
    assert (await import_csv(api, rows))["created"] == 4
    places = {item["name"]: item["location"] for item in await get(api, ITEMS)}
    assert places == {"bolt": shelf, "nut": other, "washer": 1, "ring": van}
    exported = await export_rows(api)
    assert {row["name"]: row["location"] for row in exported} == {
        "bolt": "Van/Shelf",
        "nut": "Main/Shelf",
        "washer": "Main",
        "ring": "Van",
    }
    bolt = next(row["id"] for row in exported if row["name"] == "bolt")
    refusal = await import_csv(
        api,
        f"id,name,quantity,location\n,x,1,Shelf\n,x,1,Nowhere\n{bolt},bolt,5,Main\n{bolt},bolt,5,van/shelf\n",
        status=422,
    )
    assert [(error["line"], error["field"]) for error in refusal["errors"]] == [
        (2, "location"),
        (3, "location"),
        (4, "location"),
        (5, "id"),
    ]
    assert (await import_csv(api, f"id,quantity,location\n{bolt},7,van/shelf\n"))["updated"] == 1
    twice = await import_csv(api, "name,quantity,code,location\na,1,Z,Van\nb,1,Z,Main\nc,1,Z,van\n", status=422)
    assert [(error["line"], error["field"]) for error in twice["errors"]] == [(4, "code")]


async def test_a_stream_of_a_location_follows_the_tree(
    api: aiohttp.ClientSession, van: int, shared_stack: Stack
) -> None:
    """When the tree changes, the stream sends a reset and goes on with what lies below its location now."""
    async with subscribe(shared_stack.stream_url, f"?location={van}") as subscriber:
        await create(api, "elsewhere", 1)
        nut = await create(api, "nut", 1, location=van)
        (update,) = await subscriber.updates(1)
        assert update.json["data"] == nut
        shelf = await add(api, "Shelf", van)
        assert "rights" in (await subscriber.next("reset")).json["reason"]
        washer = await create(api, "washer", 1, location=shelf)
        (update,) = await subscriber.updates(1)
        assert update.json["data"] == washer
    before_the_shelf = subscriber.last_event_id
    await change(api, "PATCH", f"{LOCATIONS}/{shelf}", {"parent": 1})
    async with subscribe(shared_stack.stream_url, f"?location={van}", last_event_id=before_the_shelf) as subscriber:
        assert (await subscriber.next("reset")).json["head"]


async def test_locations_are_sound_whoever_writes(van: int, owner: asyncpg.Connection) -> None:
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("INSERT INTO location (name, parent) VALUES (' Shelf ', $1)", van)
    shelf = await owner.fetchval("SELECT id FROM location WHERE name = 'Shelf'")
    above = await owner.fetchval(
        "SELECT array_agg(ancestor ORDER BY ancestor) FROM location_ancestor WHERE location = $1", shelf
    )
    assert above == [van, shelf]
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="can't lie in itself"):
        await owner.execute("UPDATE location SET parent = $1 WHERE id = $2", shelf, van)
