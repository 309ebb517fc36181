"""`/api/inventories`: the stock."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import Blueprint, Response, current_app, jsonify, request
from quart_schema import document_headers, document_querystring, document_request, document_response, tag_blueprint

from api_service import past
from api_service.answers import (
    explain_no_restore,
    explain_refusal,
    item_answer,
    no_such_item,
    refuse_impossible_ids,
)
from api_service.connections import one_snapshot, reading, writing
from api_service.cursors import Cursor
from api_service.gates import gates
from api_service.headers import (
    Conditional,
    ConditionalWrite,
    Created,
    Listed,
    RepeatableConditionalWrite,
    RepeatableVersioned,
    RepeatableWrite,
    Versioned,
)
from api_service.idempotency import once
from api_service.models import Adjustment, Deleted, ItemChange, ItemsQuery, NewItem
from api_service.pages import json_page
from api_service.requests import actor, invalid, matching_versions, read_body, read_query, refuse_unknown_parameters
from api_service.store import items
from api_service.store.items import Place, Selection
from shared.documents import Item
from shared.problems import document_problems

if TYPE_CHECKING:
    from api_service.moments import Moment
    from api_service.stock import Stock
    from api_service.store.items import Row, State
    from shared.database import Connection

blueprint = Blueprint("inventories", __name__, url_prefix="/api/inventories")
blueprint.url_value_preprocessor(refuse_impossible_ids)
blueprint.before_request(refuse_unknown_parameters)
tag_blueprint(blueprint, ["Items"])


@blueprint.get("")
@document_headers(Conditional)
@document_querystring(ItemsQuery)
@document_response(list[Item], 200, Listed)
@document_problems(HTTPStatus.GONE)
async def list_items() -> Response:
    """List the stock.

    All items, or those that were asked for; newest change first, or in the order that was asked for. `Last-Event-ID` is
    where the log stood: the whole list and every event after it are the table, exactly. A list that the client has
    already (`If-None-Match`) is a 304. With `limit` it comes in pages, and `Link` leads to the next. With `as_of` it is
    what it was then.
    """
    response = await (_list_page(read_query(ItemsQuery)) if request.args else _list_everything())
    response.headers["Cache-Control"] = "no-cache"
    return response


async def _list_everything() -> Response:
    if unchanged := await _not_modified_now():
        return unchanged
    snapshot = await _stock().snapshot()
    return _in_state(snapshot.state, Response(snapshot.items, content_type="application/json"))


async def _list_page(query: ItemsQuery) -> Response:
    selection = Selection(query.sort, query.criteria(), _place(query), query.limit and query.limit + 1)
    if query.as_of is not None:
        return await _list_past_page(query, query.as_of, selection)
    if unchanged := await _not_modified_now():
        return unchanged
    async with reading() as connection:
        page = await items.select_page(connection, selection)
    return _in_state(page.state, _json_page(page.rows, query))


async def _list_past_page(query: ItemsQuery, as_of: Moment, selection: Selection) -> Response:
    async with gates().scans.entered(), one_snapshot() as connection:
        event_id, state = await past.find(connection, as_of)
        if unchanged := _not_modified(state):
            return unchanged
        rows = await items.select_past_page(connection, event_id, selection)
    return _in_state(state, _json_page(rows, query))


async def _not_modified_now() -> Response | None:
    """The answer to a client that has the list as it is now. One that has none does not cost a look at the log."""
    return _not_modified(await _stock().state()) if request.if_none_match else None


def _not_modified(state: State) -> Response | None:
    """The answer to a client that has the list as it is in this state."""
    if request.if_none_match.contains_weak(state.tag):
        return _in_state(state, Response(status=HTTPStatus.NOT_MODIFIED))
    return None


def _json_page(rows: list[Row], query: ItemsQuery) -> Response:
    return json_page(
        rows,
        query.limit,
        document=lambda row: row.document,
        after=lambda row: Cursor(query.sort, row.key, row.id).encode(),
    )


def _stock() -> Stock:
    stock: Stock = current_app.extensions["stock"]
    return stock


def _place(query: ItemsQuery) -> Place | None:
    if query.after is None:
        return None
    try:
        cursor = Cursor.decode(query.after, query.sort)
    except ValueError as error:
        raise invalid("after", str(error)) from None
    return Place(cursor.key, cursor.item_id)


def _in_state(state: State, response: Response) -> Response:
    response.headers["Last-Event-ID"] = state.position
    response.headers["ETag"] = f'"{state.tag}"'
    return response


@blueprint.post("")
@document_headers(RepeatableWrite)
@document_request(NewItem)
@document_response(Item, 201, Created)
@document_problems(HTTPStatus.CONFLICT)
async def create_item() -> Response:
    """Add an item. A code that another item has is a 409, which shows that item."""
    body = await read_body(NewItem)
    who = actor()

    async def create(connection: Connection) -> Response:
        (item,) = await items.insert_items(connection, [body], actor=who)
        return item_answer(item, HTTPStatus.CREATED, Location=f"{blueprint.url_prefix}/{item.id}")

    return await once(create, body)


@blueprint.get("/<int:item_id>")
@document_headers(Conditional)
@document_response(Item, 200, Versioned)
async def get_item(item_id: int) -> Response:
    """Get one item. `ETag` names its version; one that the client has already (`If-None-Match`) is a 304."""
    async with reading() as connection:
        item = await items.select_item(connection, item_id)
    if item is None:
        no_such_item(item_id)
    if request.if_none_match.contains_weak(item.tag):
        return Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": f'"{item.tag}"'})
    return item_answer(item)


@blueprint.put("/<int:item_id>")
@document_headers(ConditionalWrite)
@document_request(ItemChange)
@document_response(Item, 200, Versioned)
@document_problems(HTTPStatus.CONFLICT)
async def set_item(item_id: int) -> Response:
    """Set an item's quantity and each other field that is given; null clears an optional one.

    With `If-Match`, only if it still has that version. A code that another item has is a 409, which shows that item.
    """
    body = await read_body(ItemChange)
    versions = matching_versions()
    async with writing() as connection:
        changed = await items.update_items(connection, {item_id: body}, versions=versions, actor=actor())
        return item_answer(changed[0]) if changed else await explain_refusal(connection, item_id, versions)


@blueprint.patch("/<int:item_id>")
@document_headers(RepeatableConditionalWrite)
@document_request(Adjustment)
@document_response(Item, 200, RepeatableVersioned)
@document_problems(HTTPStatus.CONFLICT)
async def adjust_item(item_id: int) -> Response:
    """Add to an item's quantity, or take away from it, in one step.

    Below zero is a 409, and nothing changes. With `If-Match`, only if the item still has that version.
    """
    body = await read_body(Adjustment)
    versions = matching_versions()
    who = actor()

    async def adjust(connection: Connection) -> Response:
        item = await items.adjust_item(connection, item_id, body.adjust, versions=versions, actor=who)
        return item_answer(item) if item else await explain_refusal(connection, item_id, versions, adjust=body.adjust)

    return await once(adjust, body)


@blueprint.delete("/<int:item_id>")
@document_headers(ConditionalWrite)
@document_response(Deleted)
async def delete_item(item_id: int) -> Response:
    """Delete an item. With `If-Match`, only if it still has that version. The log keeps it: it can be restored."""
    versions = matching_versions()
    async with writing() as connection:
        item = await items.delete_item(connection, item_id, versions=versions, actor=actor())
        if item is None:
            await explain_refusal(connection, item_id, versions)
    return jsonify(message="Item deleted successfully")


@blueprint.post("/<int:item_id>/restore")
@document_headers(RepeatableWrite)
@document_response(Item, 201, Created)
@document_problems(HTTPStatus.CONFLICT, HTTPStatus.GONE)
async def restore_item(item_id: int) -> Response:
    """Bring a deleted item back under its own id, as it was.

    One that is not deleted is a 409; so is one whose code another item has meanwhile, which is shown.
    """
    who = actor()

    async def restore(connection: Connection) -> Response:
        item = await items.restore_item(connection, item_id, actor=who)
        if item is None:
            await explain_no_restore(connection, item_id)
        return item_answer(item, HTTPStatus.CREATED, Location=f"{blueprint.url_prefix}/{item_id}")

    return await once(restore)
