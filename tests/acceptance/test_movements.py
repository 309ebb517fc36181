"""Movements: lines that are booked together, their reason in the log, and their undoing."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
import pytest

from tests.acceptance.booking import MOVEMENTS, book, quantities, refused_undo, undo
from tests.acceptance.client import ITEMS, change, create, get, import_csv, problem
from tests.sse import subscribe
from tests.stack import running_stack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import PostgresServer
    from tests.stack import Stack


async def delete(api: aiohttp.ClientSession, path: str) -> None:
    async with api.delete(path) as response:
        assert response.status == 200, await response.text()


async def test_a_movement_books_all_its_lines_and_is_in_the_log(api: aiohttp.ClientSession) -> None:
    bolt, nut = await create(api, "bolt", 5), await create(api, "nut", 7)
    booked = await book(api, {"item": nut["id"], "set": 40}, {"item": bolt["id"], "adjust": 3}, note=" Box 7 ")
    assert quantities(booked) == [(bolt["id"], 5, 8), (nut["id"], 7, 40)]
    assert [line["version"] for line in booked["lines"]] == [2, 2]
    assert (booked["reason"], booked["note"], booked["undoes"], booked["undone_by"]) == (
        "received",
        "Box 7",
        None,
        None,
    )
    assert await get(api, f"{MOVEMENTS}/{booked['id']}") == booked
    entries = await get(api, "/api/history", movement=booked["id"])
    assert sorted(entry["item_id"] for entry in entries) == [bolt["id"], nut["id"]]
    assert {(entry["movement"], entry["reason"], entry["note"]) for entry in entries} == {
        (booked["id"], "received", "Box 7")
    }
    assert (await get(api, "/api/history", reason="received", limit=2)) == entries
    assert await get(api, "/api/history", reason="sold", movement=booked["id"]) == []


async def test_a_thousand_lines_are_one_movement(api: aiohttp.ClientSession) -> None:
    await import_csv(api, "name,quantity\n" + "bolt,5\n" * 1000)
    ids = sorted(item["id"] for item in await get(api, ITEMS))
    booked = await book(api, *({"item": item_id, "adjust": -1} for item_id in ids), reason="sold")
    assert quantities(booked) == [(item_id, 5, 4) for item_id in ids]
    assert await get(api, f"{MOVEMENTS}/{booked['id']}") == booked


async def test_refused_lines_are_named_and_nothing_is_booked(api: aiohttp.ClientSession) -> None:
    bolt, nut, washer = await create(api, "bolt", 5), await create(api, "nut", 7), await create(api, "washer", 1)
    lines = [
        {"item": bolt["id"], "adjust": -6},
        {"item": 999_999_999, "adjust": 1},
        {"item": nut["id"], "set": 9, "version": 4},
        {"item": washer["id"], "adjust": 1, "version": 1},
    ]
    async with api.post(MOVEMENTS, json={"reason": "sold", "lines": lines}) as response:
        body = await problem(response, 409)
    assert [(error["field"], error.get("current")) for error in body["errors"]] == [
        ("lines.0.adjust", bolt),
        ("lines.1.item", None),
        ("lines.2.version", nut),
    ]
    assert {item["version"] for item in await get(api, ITEMS)} == {1}


async def test_a_line_that_changes_nothing_is_not_logged(api: aiohttp.ClientSession) -> None:
    bolt, nut = await create(api, "bolt", 5), await create(api, "nut", 7)
    set_to = await book(api, {"item": bolt["id"], "set": 5}, {"item": nut["id"], "set": 6}, reason="corrected")
    assert quantities(set_to) == [(bolt["id"], 5, 5), (nut["id"], 7, 6)]
    assert quantities(await get(api, f"{MOVEMENTS}/{set_to['id']}")) == [(nut["id"], 7, 6)]
    line = {"item": bolt["id"], "set": 5}
    async with api.post(MOVEMENTS, json={"reason": "corrected", "lines": [line]}) as response:
        assert (response.status, (await response.json())["id"]) == (200, None)
        assert "Location" not in response.headers
    assert (await get(api, f"{ITEMS}/{bolt['id']}"))["version"] == 1


async def test_a_count_is_logged_even_if_it_matches(api: aiohttp.ClientSession, owner: asyncpg.Connection) -> None:
    bolt, nut = await create(api, "bolt", 5), await create(api, "nut", 7)
    assert bolt["counted_at"] is None
    lines = ({"item": bolt["id"], "set": 5, "version": 1}, {"item": nut["id"], "set": 6})
    counted = await book(api, *lines, reason="counted")
    assert quantities(counted) == [(bolt["id"], 5, 5), (nut["id"], 7, 6)]
    assert await get(api, f"{MOVEMENTS}/{counted['id']}") == counted
    first, second = [(await get(api, f"{ITEMS}/{item['id']}")) for item in (bolt, nut)]
    assert first["version"] == 2
    assert None not in {first["counted_at"], second["counted_at"]}
    entry = (await get(api, f"{ITEMS}/{bolt['id']}/history"))[0]
    assert (entry["reason"], entry["changes"]) == ("counted", {})
    await change(api, "PATCH", f"{ITEMS}/{bolt['id']}", {"adjust": 1})
    assert (await get(api, f"{ITEMS}/{bolt['id']}"))["counted_at"] == first["counted_at"], "other changes keep it"
    await owner.execute("SET stockstream.reason = 'counted'")
    await owner.execute("UPDATE inventory SET quantity = quantity WHERE id = $1", nut["id"])
    assert (await get(api, f"{ITEMS}/{nut['id']}"))["counted_at"] > second["counted_at"], "psql counts, too"


async def test_a_repeated_request_books_once(api: aiohttp.ClientSession) -> None:
    bolt = await create(api, "bolt", 5)
    body = {"reason": "received", "lines": [{"item": bolt["id"], "adjust": 1}]}

    async def send() -> tuple[int, Any]:
        async with api.post(MOVEMENTS, json=body, headers={"Idempotency-Key": "delivery-1"}) as response:
            return response.status, await response.json()

    answers = await asyncio.gather(*(send() for _ in range(8)))
    assert answers == [answers[0]] * 8
    assert (await get(api, f"{ITEMS}/{bolt['id']}"))["quantity"] == 6


async def test_each_way_to_write_takes_a_reason_and_a_note(api: aiohttp.ClientSession) -> None:
    item = await create(api, "bolt", 5)
    address = f"{ITEMS}/{item['id']}"
    await change(api, "PUT", f"{address}?reason=counted&note=shelf%203", {"quantity": 4, "note": "of the item"})
    await change(api, "PATCH", address, {"adjust": -1, "reason": "sold", "note": "to Ann"})
    await change(api, "PATCH", address, {"adjust": -1, "note": "miscounted"})
    await change(api, "PATCH", address, {"adjust": -1})
    await import_csv(api, f"id,quantity\n{item['id']},9\n", query="?reason=received&note=Box")
    await delete(api, f"{address}?reason=damaged")
    entries = await get(api, f"{address}/history")
    assert [(entry["reason"], entry["note"]) for entry in entries] == [
        ("damaged", None),
        ("received", "Box"),
        (None, None),
        ("corrected", "miscounted"),
        ("sold", "to Ann"),
        ("counted", "shelf 3"),
        (None, None),
    ]
    assert len({entry["movement"] for entry in entries if entry["reason"] is not None}) == 5


async def test_sql_writers_set_a_reason_and_a_note(api: aiohttp.ClientSession, owner: asyncpg.Connection) -> None:
    bolt, nut = await create(api, "bolt", 5), await create(api, "nut", 7)
    async with owner.transaction():
        await owner.execute("SET LOCAL stockstream.reason = 'used'; SET LOCAL stockstream.note = 'repair 12'")
        await owner.execute("UPDATE inventory SET quantity = quantity - 1")
    (entry, other) = await get(api, "/api/history", reason="used", limit=2)
    assert (entry["movement"], entry["note"]) == (other["movement"], "repair 12")
    movement = await get(api, f"{MOVEMENTS}/{entry['movement']}")
    assert quantities(movement) == [(bolt["id"], 5, 4), (nut["id"], 7, 6)]
    assert movement["actor"] == "stockstream"
    with pytest.raises(asyncpg.CheckViolationError, match="movement_reason"):
        await owner.execute("BEGIN; SET LOCAL stockstream.reason = 'stolen'; UPDATE inventory SET quantity = 0; COMMIT")
    await owner.execute("ROLLBACK")
    async with owner.transaction():  # another transaction's movement gets no more lines
        await owner.execute(f"SET LOCAL stockstream.movement = '{movement['id']}'")
        await owner.execute("UPDATE inventory SET quantity = quantity - 1")
    assert await get(api, f"{MOVEMENTS}/{movement['id']}") == movement
    assert (await get(api, "/api/history", limit=1))[0]["movement"] is None


async def test_events_have_the_movement(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    bolt = await create(api, "bolt", 5)
    ((position,),) = shared_stack.sql("SELECT log_position()")
    address = f"?item={bolt['id']}"
    async with subscribe(shared_stack.stream_url, address, last_event_id=position) as subscriber:
        booked = await book(api, {"item": bolt["id"], "adjust": 1}, note="é\N{LINE SEPARATOR}")
        await change(api, "PATCH", f"{ITEMS}/{bolt['id']}", {"adjust": 1})
        first, second = [frame.json for frame in await subscriber.updates(2)]
    assert (first["movement"], first["reason"], first["note"]) == (booked["id"], "received", booked["note"])
    assert not {"movement", "reason", "note"} & set(second)


async def test_the_history_as_csv(api: aiohttp.ClientSession) -> None:
    bolt = await create(api, "=bolt", 5, code="B-1")
    booked = await book(api, {"item": bolt["id"], "adjust": -2}, reason="sold", note="=to Ann")
    async with api.get("/api/history/export", params={"item": str(bolt["id"])}) as response:
        assert response.content_type == "text/csv"
        sold, created = csv.DictReader(io.StringIO(await response.text(), newline=""))
    assert (sold["name"], sold["code"], sold["location"]) == ("'=bolt", "B-1", "Main")
    assert (sold["from"], sold["to"], sold["difference"]) == ("5", "3", "-2")
    assert (sold["reason"], sold["note"], sold["movement"]) == ("sold", "'=to Ann", str(booked["id"]))
    assert (created["from"], created["to"], created["difference"], created["reason"]) == ("", "5", "5", "")


# Undo ---------------------------------------------------------------------------------------------------------------


async def test_undo_books_the_opposite_and_keeps_what_was_booked_since(api: aiohttp.ClientSession) -> None:
    bolt = await create(api, "bolt", 5)
    booked = await book(api, {"item": bolt["id"], "adjust": 3})
    await book(api, {"item": bolt["id"], "adjust": 10})
    undone = await undo(api, booked)
    assert (undone["undoes"], undone["reason"]) == (booked["id"], "corrected")
    assert quantities(undone) == [(bolt["id"], 18, 15)]
    assert await get(api, f"{MOVEMENTS}/{undone['id']}") == undone
    assert (await get(api, f"{MOVEMENTS}/{booked['id']}"))["undone_by"] == undone["id"]
    assert "undone by movement" in (await refused_undo(api, booked))["detail"]
    assert quantities(await undo(api, undone)) == [(bolt["id"], 15, 18)]


async def test_undo_is_refused_if_it_would_go_below_zero(api: aiohttp.ClientSession) -> None:
    bolt, nut = await create(api, "bolt", 5), await create(api, "nut", 5)
    booked = await book(api, {"item": bolt["id"], "adjust": 3}, {"item": nut["id"], "adjust": 3})
    await book(api, {"item": bolt["id"], "set": 2})
    body = await refused_undo(api, booked)
    assert [error["field"] for error in body["errors"]] == ["lines.0.quantity"]
    assert (await get(api, f"{ITEMS}/{nut['id']}"))["quantity"] == 8


async def test_undo_gives_fields_back_unless_they_were_changed_since(api: aiohttp.ClientSession) -> None:
    bolt = await create(api, "bolt", 5)
    address = f"{ITEMS}/{bolt['id']}"
    await change(api, "PUT", f"{address}?reason=corrected", {"name": "Bolt M4", "unit": "pcs", "quantity": 6})
    (entry, *_) = await get(api, f"{address}/history")
    movement = {"id": entry["movement"]}
    await change(api, "PUT", address, {"quantity": 6, "unit": "box"})
    assert [error["field"] for error in (await refused_undo(api, movement))["errors"]] == ["lines.0.unit"]
    await change(api, "PUT", address, {"quantity": 6, "unit": "pcs"})
    await undo(api, movement)
    item = await get(api, address)
    assert (item["name"], item["unit"], item["quantity"]) == ("bolt", None, 5)


async def test_undo_restores_what_was_deleted(api: aiohttp.ClientSession) -> None:
    bolt = await create(api, "bolt", 5, code="B-1")
    address = f"{ITEMS}/{bolt['id']}"
    deletions = []
    for _ in range(2):
        await delete(api, f"{address}?reason=lost")
        deletions.append({"id": (await get(api, f"{address}/history", limit=1))[0]["movement"]})
        if len(deletions) == 1:
            undone = await undo(api, deletions[0])
            assert quantities(undone) == [(bolt["id"], None, 5)]
            assert await get(api, f"{MOVEMENTS}/{undone['id']}") == undone
    assert [item["code"] for item in await get(api, f"{ITEMS}/deleted", limit=1) for item in [item["before"]]] == [
        "B-1"
    ]
    await change(api, "POST", f"{address}/restore")
    assert "restored since" in (await refused_undo(api, deletions[1]))["detail"]


async def test_undo_is_refused_if_the_item_is_gone(api: aiohttp.ClientSession) -> None:
    bolt = await create(api, "bolt", 5)
    booked = await book(api, {"item": bolt["id"], "adjust": 3})
    await delete(api, f"{ITEMS}/{bolt['id']}")
    assert "does not exist any more" in (await refused_undo(api, booked))["detail"]


async def test_of_sixteen_who_undo_a_movement_at_once_one_succeeds(api: aiohttp.ClientSession) -> None:
    bolt = await create(api, "bolt", 50)
    booked = await book(api, {"item": bolt["id"], "adjust": 3})

    async def send() -> int:
        async with api.post(f"{MOVEMENTS}/{booked['id']}/undo") as response:
            return response.status

    assert sorted(await asyncio.gather(*(send() for _ in range(16)))) == [201, *[409] * 15]
    assert (await get(api, f"{ITEMS}/{bolt['id']}"))["quantity"] == 50


async def test_undo_of_a_deletion_is_refused_if_the_item_was_deleted_again_since(api: aiohttp.ClientSession) -> None:
    bolt = await create(api, "bolt", 5)
    address = f"{ITEMS}/{bolt['id']}"
    await delete(api, f"{address}?reason=lost")
    first = {"id": (await get(api, f"{address}/history", limit=1))[0]["movement"]}
    await change(api, "POST", f"{address}/restore")
    await change(api, "PATCH", address, {"adjust": 7})
    await delete(api, f"{address}?reason=sold")
    assert "restored since" in (await refused_undo(api, first))["detail"]
    assert (await get(api, f"{ITEMS}/deleted", limit=1))[0]["before"]["quantity"] == 12


async def test_a_movement_that_is_partly_pruned_is_not_undone(postgres: PostgresServer, tmp_path: Path) -> None:
    """On a stack of its own: other tests need the log of the shared one from its beginning."""
    with running_stack(postgres, tmp_path) as stack:
        async with aiohttp.ClientSession(stack.api_url) as api:
            bolt, nut = await create(api, "bolt", 50), await create(api, "nut", 50)
            booked = await book(api, {"item": bolt["id"], "adjust": -30}, {"item": nut["id"], "adjust": 30})
            assert (await get(api, f"{MOVEMENTS}/{booked['id']}"))["complete"] is True
            await change(api, "PATCH", f"{ITEMS}/{nut['id']}", {"adjust": 1})
            start = stack.sql("SELECT log_head()")
            stack.sql("UPDATE inventory_history SET changed_at = changed_at - interval '2 days'")
            while stack.sql("SELECT prune_history('1 day', 1000)") != [("0",)]:
                pass
            assert stack.sql("SELECT log_floor()") == start
            (line,) = (await get(api, f"{MOVEMENTS}/{booked['id']}"))["lines"]
            assert (line["item"], (await get(api, f"{MOVEMENTS}/{booked['id']}"))["complete"]) == (bolt["id"], False)
            assert "no longer has all lines" in (await refused_undo(api, booked))["detail"]


async def test_an_item_that_a_movement_adds_and_deletes_is_no_line_of_it(
    api: aiohttp.ClientSession, owner: asyncpg.Connection
) -> None:
    bolt = await create(api, "bolt", 5)
    async with owner.transaction():
        await owner.execute("SET LOCAL stockstream.reason = 'used'")
        await owner.execute("INSERT INTO inventory (name, quantity) VALUES ('for a moment', 1)")
        await owner.execute("DELETE FROM inventory WHERE name = 'for a moment'")
        await owner.execute("UPDATE inventory SET quantity = 4")
        await owner.execute("UPDATE inventory SET quantity = 3")
    movement = {"id": (await get(api, "/api/history", limit=1))[0]["movement"]}
    assert quantities(await get(api, f"{MOVEMENTS}/{movement['id']}")) == [(bolt["id"], 5, 3)]
    assert quantities(await undo(api, movement)) == [(bolt["id"], 3, 5)]


async def test_what_does_not_exist(api: aiohttp.ClientSession) -> None:
    async with api.get(f"{MOVEMENTS}/999999999") as response:
        await problem(response, 404)
    async with api.post(f"{MOVEMENTS}/999999999/undo") as response:
        await problem(response, 404)
