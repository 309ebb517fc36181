"""A client that books: requests for movements that check the response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.acceptance.client import problem

if TYPE_CHECKING:
    import aiohttp

MOVEMENTS = "/api/movements"
TRANSFERS = "/api/transfers"


async def book(api: aiohttp.ClientSession, *lines: dict[str, Any], reason: str = "received", **fields: Any) -> Any:
    """Book a movement and return it."""
    async with api.post(MOVEMENTS, json={"reason": reason, "lines": lines, **fields}) as response:
        return await _booked(response)


async def move(api: aiohttp.ClientSession, item: dict[str, Any], to: int, quantity: int, **fields: Any) -> Any:
    """Move a quantity to another location and return the movement."""
    body = {"item": item["id"], "to": to, "quantity": quantity, **fields}
    async with api.post(TRANSFERS, json=body) as response:
        return await _booked(response)


async def undo(api: aiohttp.ClientSession, movement: dict[str, Any]) -> Any:
    """Undo a movement and return the one that does."""
    async with api.post(f"{MOVEMENTS}/{movement['id']}/undo") as response:
        return await _booked(response)


async def refused_undo(api: aiohttp.ClientSession, movement: dict[str, Any]) -> dict[str, Any]:
    """Check that a movement can't be undone, and return the problem."""
    async with api.post(f"{MOVEMENTS}/{movement['id']}/undo") as response:
        return await problem(response, 409)


async def _booked(response: aiohttp.ClientResponse) -> Any:
    assert response.status == 201, await response.text()
    movement = await response.json()
    assert response.headers["Location"] == f"{MOVEMENTS}/{movement['id']}"
    return movement


def quantities(movement: dict[str, Any]) -> list[tuple[int, int | None, int | None]]:
    """The item of each line, with its quantity before and after the movement."""
    return [(line["item"], line["from"], line["to"]) for line in movement["lines"]]
