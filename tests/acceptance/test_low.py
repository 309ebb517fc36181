"""Low stock: the list, the order list, and the minimum of many items."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from tests.acceptance.client import ITEMS, change, create, get, import_csv, problem, walk

if TYPE_CHECKING:
    import aiohttp

    from tests.stack import Stack

LOW = "/api/low"


async def test_low_items_are_listed_with_what_is_missing(api: aiohttp.ClientSession, van: int) -> None:
    bolt = await create(api, "bolt", 2, minimum=5, code="B-1", unit="pcs")
    nut = await create(api, "nut", 0, minimum=1, location=van)
    await create(api, "enough", 5, minimum=5)
    await create(api, "without", 0)
    low = await get(api, LOW)
    assert low == [
        {
            **{name: bolt[name] for name in ("id", "name", "code", "unit", "location", "quantity", "minimum")},
            "missing": 3,
            "used_per_week": 0,
        },
        {
            **{name: nut[name] for name in ("id", "name", "code", "unit", "location", "quantity", "minimum")},
            "missing": 1,
            "used_per_week": 0,
        },
    ]
    assert await get(api, LOW, location=van) == low[1:]
    assert await walk(api, LOW, limit=1) == low


async def test_low_items_say_how_fast_they_are_used(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    bolt = await create(api, "bolt", 100, minimum=99)
    address = f"{ITEMS}/{bolt['id']}"
    for adjust, reason in ((-8, None), (-12, "sold"), (+50, "received"), (-5, "counted"), (-25, "corrected")):
        body = {"adjust": adjust} if reason is None else {"adjust": adjust, "reason": reason}
        await change(api, "PATCH", address, body)
    await change(api, "PATCH", address, {"adjust": -30, "reason": "used"})
    (low,) = await get(api, LOW)
    assert low["used_per_week"] == 13, "50 in four weeks: what was counted or corrected was not used"
    shared_stack.sql("UPDATE inventory_history SET changed_at = changed_at - interval '29 days' WHERE reason = 'sold'")
    (low,) = await get(api, LOW)
    assert low["used_per_week"] == 10, "what was sold before was not used in the last four weeks"


async def test_the_order_list(api: aiohttp.ClientSession, van: int) -> None:
    bolt = await create(api, "=bolt", 2, minimum=5, code="B-1", unit="pcs", location=van)
    async with api.get(f"{LOW}/export") as response:
        assert "order-list-20" in response.headers["Content-Disposition"]
        (row,) = csv.DictReader(io.StringIO(await response.text(), newline=""))
    assert row == {
        "code": "B-1",
        "name": "'=bolt",
        "location": "Van",
        "quantity": "2",
        "minimum": "5",
        "missing": "3",
        "unit": "pcs",
        "id": str(bolt["id"]),
    }


async def test_the_minimum_of_several_items(api: aiohttp.ClientSession) -> None:
    ids = [(await create(api, "bolt", 5))["id"] for _ in range(3)]
    changed = await change(api, "PUT", "/api/minimums", {"items": ids[:2], "minimum": 7})
    assert [(item["id"], item["minimum"], item["version"]) for item in changed] == [(ids[0], 7, 2), (ids[1], 7, 2)]
    async with api.put("/api/minimums", json={"items": [ids[2], 999_999_999], "minimum": 7}) as response:
        await problem(response, 404)
    assert (await get(api, f"{ITEMS}/{ids[2]}"))["minimum"] is None
    await change(api, "PUT", "/api/minimums", {"items": ids, "minimum": None})
    assert await get(api, LOW) == []


async def test_the_minimum_of_many_items_from_a_file(api: aiohttp.ClientSession) -> None:
    """A file with ids needs no names and quantities, which could be out of date."""
    bolt = await create(api, "bolt", 5)
    assert await import_csv(api, f"id;minimum\n{bolt['id']};7\n") == {"created": 0, "updated": 1, "unchanged": 0}
    item = await get(api, f"{ITEMS}/{bolt['id']}")
    assert (item["name"], item["quantity"], item["minimum"]) == ("bolt", 5, 7)
    refusal = await import_csv(api, f"id,minimum\n,7\n{bolt['id']},8\n", status=422)
    assert [(error["line"], error["field"]) for error in refusal["errors"]] == [(2, "name"), (2, "quantity")]
    refusal = await import_csv(api, f"id,name,quantity\n{bolt['id']},bolt\n", status=422)
    assert [(error["line"], error["field"]) for error in refusal["errors"]] == [(2, "quantity")]
