"""Bodies of movements, transfers and minimums that are refused, and what is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.booking import MOVEMENTS, TRANSFERS
from tests.acceptance.client import ITEMS, create, get, problem

if TYPE_CHECKING:
    import aiohttp

LINE = {"item": 1, "adjust": 1}


def movement(**fields: Any) -> dict[str, Any]:
    return {"reason": "sold", "lines": [LINE], **fields}


def line(**fields: Any) -> dict[str, Any]:
    return movement(lines=[{**LINE, **fields}])


def transfer(**fields: Any) -> dict[str, Any]:
    return {"item": 1, "to": 1, "quantity": 1, **fields}


REFUSED = [
    (MOVEMENTS, {"lines": [LINE]}, "reason"),
    (MOVEMENTS, movement(reason="stolen"), "reason"),
    (MOVEMENTS, movement(reason=None), "reason"),
    (MOVEMENTS, movement(note="x" * 501), "note"),
    (MOVEMENTS, movement(note="a\0b"), "note"),
    (MOVEMENTS, movement(lines=[]), "lines"),
    (MOVEMENTS, movement(lines=None), "lines"),
    (MOVEMENTS, movement(lines={}), "lines"),
    (MOVEMENTS, movement(lines=[{"item": number, "adjust": 1} for number in range(1, 1002)]), "lines"),
    (MOVEMENTS, movement(lines=[LINE, {"item": 1, "set": 1}]), "lines"),
    (MOVEMENTS, movement(lines=[LINE, 7]), "lines.1"),
    (MOVEMENTS, movement(lines=[{"item": 1}]), "lines.0"),
    (MOVEMENTS, line(set=1), "lines.0"),
    (MOVEMENTS, line(set_to=1), "lines.0.set_to"),
    (MOVEMENTS, line(adjust=1.5), "lines.0.adjust"),
    (MOVEMENTS, line(adjust=None), "lines.0.adjust"),
    (MOVEMENTS, line(adjust=2**31), "lines.0.adjust"),
    (MOVEMENTS, line(item=0), "lines.0.item"),
    (MOVEMENTS, line(item=2**63), "lines.0.item"),
    (MOVEMENTS, line(item="1"), "lines.0.item"),
    (MOVEMENTS, line(version=0), "lines.0.version"),
    (MOVEMENTS, movement(lines=[{"item": 1, "set": -1}]), "lines.0.set"),
    (MOVEMENTS, movement(lines=[{"item": 1, "set": True}]), "lines.0.set"),
    (MOVEMENTS, movement(actor="ann"), "actor"),
    (MOVEMENTS, movement(undoes=1), "undoes"),
    (TRANSFERS, transfer(quantity=0), "quantity"),
    (TRANSFERS, transfer(quantity=-1), "quantity"),
    (TRANSFERS, transfer(quantity=2**31), "quantity"),
    (TRANSFERS, transfer(quantity="1"), "quantity"),
    (TRANSFERS, transfer(to=None), "to"),
    (TRANSFERS, transfer(to=2**63), "to"),
    (TRANSFERS, transfer(item=0), "item"),
    (TRANSFERS, transfer(close=1), "close"),
    (TRANSFERS, transfer(note="x" * 501), "note"),
    (TRANSFERS, transfer(reason="sold"), "reason"),
    ("/api/minimums", {"items": [], "minimum": 1}, "items"),
    ("/api/minimums", {"items": [1, "2"], "minimum": 1}, "items.1"),
    ("/api/minimums", {"items": list(range(1, 1002)), "minimum": 1}, "items"),
    ("/api/minimums", {"items": [1]}, "minimum"),
    ("/api/minimums", {"items": [1], "minimum": -1}, "minimum"),
    ("/api/minimums", {"items": [1], "minimum": 2**31}, "minimum"),
]


@pytest.mark.parametrize(("path", "body", "field"), REFUSED)
async def test_a_bad_body_is_refused_and_its_field_named(
    api: aiohttp.ClientSession, path: str, body: dict[str, Any], field: str
) -> None:
    method = "PUT" if path == "/api/minimums" else "POST"
    async with api.request(method, path, json=body) as response:
        refusal = await problem(response, 422, sent=body)
    assert [error["field"] for error in refusal["errors"]] == [field], body


@pytest.mark.parametrize("query", ["reason=stolen", "reason=", f"note={'x' * 501}", "note=%00", "twins=2"])
async def test_a_bad_reason_or_note_of_a_single_change_is_refused(api: aiohttp.ClientSession, query: str) -> None:
    item = await create(api)
    async with api.put(f"{ITEMS}/{item['id']}?{query}", json={"quantity": 9}) as response:
        refusal = await problem(response, 422, sent=query)
    assert [error["field"] for error in refusal["errors"]] == [query.partition("=")[0]]
    assert await get(api, f"{ITEMS}/{item['id']}") == item
