"""`/api/inventories`: the stock."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

from quart import Blueprint, Response, current_app, jsonify, request

from api_service.models import LARGEST_QUANTITY, Adjustment, ItemChange, NewItem
from api_service.requests import actor, matching_versions, read_body
from api_service.store import items
from shared.problems import Problem

if TYPE_CHECKING:
    from api_service.store.items import StoredItem
    from shared.database import Pool

blueprint = Blueprint("inventories", __name__, url_prefix="/api/inventories")

LARGEST_ID = 2**63 - 1


def _pool() -> Pool:
    pool: Pool = current_app.extensions["pool"]
    return pool


def _answer(item: StoredItem, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> Response:
    return Response(
        item.document,
        status.value,
        headers={"ETag": f'"{item.version}"', **headers},
        content_type="application/json",
    )


@blueprint.url_value_preprocessor
def refuse_impossible_ids(_endpoint: str | None, values: dict[str, int] | None) -> None:
    if values and not 0 < values.get("item_id", 1) <= LARGEST_ID:
        _no_such_item(values["item_id"])


@blueprint.get("")
async def list_items() -> Response:
    """List the stock.

    All items, newest change first. `Last-Event-ID` is where the log stood: this list and every event after it are the
    table, exactly. A list that the client has already (`If-None-Match`) is a 304.
    """
    if request.if_none_match:
        position = await items.select_position(_pool())
        if request.if_none_match.contains_weak(position):
            return Response(status=HTTPStatus.NOT_MODIFIED, headers=_list_headers(position))
    snapshot = await items.select_items(_pool())
    return Response(snapshot.items, headers=_list_headers(snapshot.position), content_type="application/json")


def _list_headers(position: str) -> dict[str, str]:
    return {"Last-Event-ID": position, "ETag": f'"{position}"', "Cache-Control": "no-cache"}


@blueprint.post("")
async def create_item() -> Response:
    """Add an item."""
    body = await read_body(NewItem)
    item_id, item = await items.insert_item(_pool(), body.name, body.quantity, actor=actor())
    return _answer(item, HTTPStatus.CREATED, Location=f"{blueprint.url_prefix}/{item_id}")


@blueprint.get("/<int:item_id>")
async def get_item(item_id: int) -> Response:
    """Get one item. `ETag` is its version."""
    item = await items.select_item(_pool(), item_id)
    return _answer(item) if item else _no_such_item(item_id)


@blueprint.put("/<int:item_id>")
async def set_item(item_id: int) -> Response:
    """Set an item's quantity, and its name if given. With `If-Match`, only if it still has that version."""
    body = await read_body(ItemChange)
    versions = matching_versions()
    item = await items.update_item(
        _pool(), item_id, quantity=body.quantity, name=body.name, versions=versions, actor=actor()
    )
    return _answer(item) if item else await _explain_refusal(item_id, versions)


@blueprint.patch("/<int:item_id>")
async def adjust_item(item_id: int) -> Response:
    """Add to an item's quantity, or take away from it, in one step. Below zero is a 409, and nothing changes."""
    body = await read_body(Adjustment)
    versions = matching_versions()
    item = await items.adjust_item(_pool(), item_id, body.adjust, versions=versions, actor=actor())
    return _answer(item) if item else await _explain_refusal(item_id, versions, adjust=body.adjust)


@blueprint.delete("/<int:item_id>")
async def delete_item(item_id: int) -> Response:
    """Delete an item. With `If-Match`, only if it still has that version."""
    versions = matching_versions()
    item = await items.delete_item(_pool(), item_id, versions=versions, actor=actor())
    return jsonify(message="Item deleted successfully") if item else await _explain_refusal(item_id, versions)


def _no_such_item(item_id: int) -> NoReturn:
    raise Problem(HTTPStatus.NOT_FOUND, f"There is no item {item_id}.")


async def _explain_refusal(item_id: int, versions: list[int] | None, adjust: int = 0) -> NoReturn:
    """Why a write found nothing to change: no such item, another version, or a quantity out of range."""
    item = await items.select_item(_pool(), item_id)
    if item is None or (versions is None and adjust == 0):
        _no_such_item(item_id)  # the latter: it came back only after the write had looked for it
    current = json.loads(item.document)
    headers = {"ETag": f'"{item.version}"'}
    if versions is not None and item.version not in versions:
        detail = f"Item {item_id} was changed meanwhile: it is at version {item.version}."
        raise Problem(HTTPStatus.PRECONDITION_FAILED, detail, headers=headers, current=current)
    limit = "below 0" if adjust < 0 else f"above {LARGEST_QUANTITY}"
    detail = f"Adjusting item {item_id} by {adjust:+d} would take its quantity {limit}; nothing was changed."
    raise Problem(HTTPStatus.CONFLICT, detail, headers=headers, current=current)
