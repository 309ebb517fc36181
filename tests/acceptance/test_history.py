"""The history of an item, the audit trail of all items, deleted items and their restoration."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.client import (
    ITEMS,
    change,
    create,
    get,
    head,
    pages,
    problem,
    refused,
    tagged_version,
    walk,
)
from tests.acceptance.log import Event, entry, read_log

if TYPE_CHECKING:
    import aiohttp

    from shared.db.database import Connection
    from tests.stack import Stack

HISTORY = "/api/history"


# History of one item ------------------------------------------------------------------------------------------------


async def test_a_history_shows_the_old_and_new_value_of_each_change(api: aiohttp.ClientSession) -> None:
    item = await create(api, "bolt", 5, headers={"X-Actor": "Zoë"})
    address = f"{ITEMS}/{item['id']}"
    await change(api, "PATCH", address, {"adjust": -2})
    await change(api, "PUT", address, {"quantity": 3, "name": "nut"})
    await change(api, "PUT", address, {"quantity": 0, "name": "null"})
    await change(api, "DELETE", address)
    listed = await get(api, f"{address}/history")
    assert [(one["operation"], one["changes"]) for one in listed] == [
        ("DELETE", {"name": {"from": "null", "to": None}, "quantity": {"from": 0, "to": None}}),
        ("UPDATE", {"name": {"from": "nut", "to": "null"}, "quantity": {"from": 3, "to": 0}}),
        ("UPDATE", {"name": {"from": "bolt", "to": "nut"}}),
        ("UPDATE", {"quantity": {"from": 5, "to": 3}}),
        ("INSERT", {"name": {"from": None, "to": "bolt"}, "quantity": {"from": None, "to": 5}}),
    ]
    assert [one["actor"] for one in listed] == ["stockstream_api"] * 4 + ["Zoë"]
    assert (listed[-1]["after"], listed[-1]["before"]) == (item, None)
    assert (listed[0]["before"], listed[0]["after"]) == (listed[1]["after"], None)


@pytest.mark.parametrize("deleted", [False, True], ids=["there", "deleted"])
async def test_the_pages_of_a_history_hold_every_entry(
    api: aiohttp.ClientSession, shared_stack: Stack, deleted: bool
) -> None:
    start = await head(api)
    item_id = (await create(api))["id"]
    other = (await create(api, "other"))["id"]
    shared_stack.sql(
        "SELECT 1; " + f"UPDATE inventory SET quantity = quantity + 1 WHERE id IN ({item_id}, {other});" * 8
    )
    if deleted:
        await change(api, "DELETE", f"{ITEMS}/{item_id}")
    expected = [entry(event) for event in reversed(read_log(shared_stack, start)) if event.item_id == item_id]
    address = f"{ITEMS}/{item_id}/history"
    assert await get(api, address) == expected
    for size in (1, 2, len(expected), 1000):
        found = [page async for page in pages(api, address, limit=size)]
        assert [one for page in found for one in page] == expected
        assert len(found) == -(-len(expected) // size), "the last `next` link led to an empty page"
    assert await get(api, address, after=expected[3]["event_id"]) == expected[4:]
    assert await get(api, address, after=start + 1) == []
    assert await get(api, address, after=2**63 - 1) == expected


async def test_an_item_that_never_existed_has_no_history(api: aiohttp.ClientSession) -> None:
    unknown = 2**63 - 1
    for method, path in itertools.product(
        ("history", "restore"), (unknown, 0, 2**63, 10**30, "-1", "x", "1.0", "9" * 5000)
    ):
        verb = "GET" if method == "history" else "POST"
        async with api.request(verb, f"{ITEMS}/{path}/{method}") as response:
            await problem(response, 404)


# Audit trail of all items -------------------------------------------------------------------------------------------


async def write_audit_trail(api: aiohttp.ClientSession, stack: Stack) -> tuple[list[Event], list[int]]:
    """Write events of three actors and psql to three items. Returns the events and the item ids."""
    start = await head(api)
    ids = []
    for actor in ("ann", "Bob", "Zoë"):
        headers = {"X-Actor": actor}
        item = await create(api, f"of {actor}", headers=headers)
        ids.append(item["id"])
        for amount, item_id in enumerate(ids):
            async with api.patch(f"{ITEMS}/{item_id}", json={"adjust": amount + 1}, headers=headers) as response:
                assert response.status == 200
    stack.sql("UPDATE inventory SET quantity = quantity + 1")
    async with api.delete(f"{ITEMS}/{ids[1]}", headers={"X-Actor": "ann"}) as response:
        assert response.status == 200
    return read_log(stack, start), ids


async def test_the_audit_trail_holds_exactly_the_requested_entries(
    api: aiohttp.ClientSession, shared_stack: Stack
) -> None:
    events, ids = await write_audit_trail(api, shared_stack)
    early, late = entry(events[2])["changed_at"], entry(events[-3])["changed_at"]
    filters: list[list[tuple[str, Any]]] = [
        [("actor", who) for who in (None, "ann", "Zoë", "stockstream", "nobody")],
        [("item", item_id) for item_id in (None, ids[1])],
        [("operation", operation) for operation in (None, "INSERT", "UPDATE", "DELETE")],
        [("since", early), ("since", "2999-01-01T00:00:00Z")],
        [("until", moment) for moment in (None, late, "2999-01-01T00:00:00Z", "2000-01-01T00:00:00Z")],
    ]
    for combination in itertools.product(*filters):
        query = {name: value for name, value in combination if value is not None}
        expected = [
            entry(event)
            for event in reversed(events)
            if query.get("actor", event.actor) == event.actor
            and query.get("item", event.item_id) == event.item_id
            and query.get("operation", event.operation) == event.operation
            and query["since"] < entry(event)["changed_at"] <= query.get("until", "9")
        ]
        assert await get(api, HISTORY, **query) == expected, query


async def test_the_pages_of_the_audit_trail_hold_every_entry(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    events, _ = await write_audit_trail(api, shared_stack)
    expected = [entry(event) for event in reversed(events)]
    assert await get(api, HISTORY, limit=len(events)) == expected
    found = []
    async for page in pages(api, HISTORY, limit=3):
        found += page
        if len(found) >= len(events):
            break
    assert found[: len(events)] == expected
    updates = await walk(api, HISTORY, limit=2, operation="UPDATE", since=expected[-1]["changed_at"], actor="Zoë")
    assert updates == [one for one in expected if (one["operation"], one["actor"]) == ("UPDATE", "Zoë")]


async def test_the_audit_trail_of_everything_is_the_log(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    await write_audit_trail(api, shared_stack)
    assert await walk(api, HISTORY, limit=1000) == [entry(event) for event in reversed(read_log(shared_stack))]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("actor=", "actor"),
        ("actor=%00", "actor"),
        ("actor=%FF", "actor"),
        ("actor=" + "x" * 201, "actor"),
        ("item=0", "item"),
        ("item=-1", "item"),
        ("item=1" + "0" * 30, "item"),
        ("item=9223372036854775808", "item"),
        ("operation=insert", "operation"),
        ("operation=TRUNCATE", "operation"),
        ("since=yesterday", "since"),
        ("since=5", "since"),
        ("until=2026-02-30T00:00:00Z", "until"),
        ("until=", "until"),
        ("after=0", "after"),
        ("after=x", "after"),
        ("after=9223372036854775808", "after"),
        ("actor=a&actor=b", "actor"),
        ("q=a", "q"),
    ],
)
async def test_an_invalid_filter_is_refused(api: aiohttp.ClientSession, query: str, field: str) -> None:
    async with api.get(f"{HISTORY}?{query}") as response:
        await refused(response, field)


# Deleted items and restores -----------------------------------------------------------------------------------------


async def test_deleted_items_are_listed_latest_first_until_they_are_restored(
    api: aiohttp.ClientSession, shared_stack: Stack
) -> None:
    start = await head(api)
    ids = [(await create(api, name))["id"] for name in "abcde"]
    for item_id in (ids[3], ids[0], ids[2]):
        await change(api, "DELETE", f"{ITEMS}/{item_id}")
    await change(api, "POST", f"{ITEMS}/{ids[0]}/restore")
    await change(api, "DELETE", f"{ITEMS}/{ids[0]}")
    await change(api, "POST", f"{ITEMS}/{ids[2]}/restore")
    shared_stack.sql(
        f"BEGIN; DELETE FROM inventory WHERE id = {ids[4]};"
        f" INSERT INTO inventory (id, name, quantity) VALUES ({ids[4]}, 'again', 1); COMMIT"
    )
    last = {event.item_id: event for event in read_log(shared_stack, start)}
    expected = [entry(last[item_id]) for item_id in (ids[0], ids[3])]
    assert (await get(api, f"{ITEMS}/deleted"))[:2] == expected
    found = [one async for page in pages(api, f"{ITEMS}/deleted", limit=50) for one in page]
    assert found[:2] == expected
    assert [one["event_id"] for one in found] == sorted({one["event_id"] for one in found}, reverse=True)
    by_one = pages(api, f"{ITEMS}/deleted", limit=1)
    assert [await anext(by_one), await anext(by_one)] == [expected[:1], expected[1:]]
    await by_one.aclose()
    assert await get(api, f"{ITEMS}/deleted", limit=1, after=expected[0]["event_id"]) == expected[1:]


async def test_a_restore_brings_back_the_deleted_item_under_its_own_id(api: aiohttp.ClientSession) -> None:
    item = await create(api, "Zürich \N{PACKAGE} \"'\\%", 2_147_483_647)
    address = f"{ITEMS}/{item['id']}"
    await change(api, "PUT", address, {"quantity": 3, "name": "nut"})
    await change(api, "DELETE", address)
    async with api.post(f"{address}/restore", headers={"X-Actor": "Zoë"}) as response:
        restored = await response.json()
        assert (response.status, response.headers["Location"], tagged_version(response)) == (201, address, 4)
    assert restored == item | {"name": "nut", "quantity": 3, "version": 4, "updated_at": restored["updated_at"]}
    assert restored["updated_at"] > item["updated_at"]
    assert await get(api, address) == restored == (await get(api, ITEMS))[0]
    (last, *_) = await get(api, f"{address}/history")
    assert (last["operation"], last["actor"], last["after"]) == ("INSERT", "Zoë", restored)
    async with api.post(f"{address}/restore") as response:
        assert (await problem(response, 409))["current"] == restored
        assert tagged_version(response) == 4


async def test_only_one_of_many_concurrent_restores_succeeds(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    item = await create(api)
    await change(api, "DELETE", f"{ITEMS}/{item['id']}")
    start = await head(api)

    async def restore() -> int:
        async with api.post(f"{ITEMS}/{item['id']}/restore") as response:
            return response.status

    assert sorted(await asyncio.gather(*(restore() for _ in range(8)))) == [201] + [409] * 7
    assert [event.operation for event in read_log(shared_stack, start)] == ["INSERT"]


async def test_a_restore_waits_for_an_open_deletion_and_restores_what_it_deletes(
    api: aiohttp.ClientSession, owner: Connection
) -> None:
    item = await create(api)
    address = f"{ITEMS}/{item['id']}"
    await change(api, "DELETE", address)
    await change(api, "POST", f"{address}/restore")
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute("UPDATE inventory SET name = 'newest', quantity = 77")
    await owner.execute("DELETE FROM inventory")
    restoring = asyncio.create_task(change(api, "POST", f"{address}/restore"))
    while not await owner.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        await asyncio.sleep(0.01)
    assert not restoring.done()
    await transaction.commit()
    restored = await restoring
    assert restored == item | {
        "name": "newest",
        "quantity": 77,
        "version": 6,
        "updated_at": restored["updated_at"],
    }


async def test_a_restore_during_a_deletion_that_is_rolled_back_finds_the_item(
    api: aiohttp.ClientSession, owner: Connection
) -> None:
    item = await create(api)
    address = f"{ITEMS}/{item['id']}"
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute("DELETE FROM inventory")
    async with api.post(
        f"{address}/restore"
    ) as response:  # an item's first deletion has no earlier tombstone to wait for
        assert (await problem(response, 409))["current"] == item
    await transaction.rollback()
    assert await get(api, address) == item
