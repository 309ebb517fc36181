"""`/api/inventories`: the stock."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import Blueprint, Response, jsonify, request
from quart_schema import tag_blueprint

from api_service.booking import rename_twins
from api_service.http.access import actor_of, visible
from api_service.http.answers import (
    explain_no_restore,
    explain_refusal,
    invalid,
    item_answer,
    no_such_item,
)
from api_service.http.as_of import find_state
from api_service.http.cursors import Cursor
from api_service.http.headers import (
    Conditional,
    ConditionalWrite,
    Created,
    Listed,
    RepeatableConditionalWrite,
    RepeatableVersioned,
    RepeatableWrite,
    Versioned,
)
from api_service.http.idempotency import make_once
from api_service.http.lists import json_page
from api_service.http.models import (
    Adjustment,
    Deleted,
    ItemChange,
    ItemChangeQuery,
    ItemsQuery,
    NewItem,
    PurposeQuery,
)
from api_service.http.operations import operation
from api_service.http.scope import find_scope, location_of_new_item
from api_service.http.services import services
from api_service.store import items
from api_service.store.items import Addition, Place, Selection
from shared.log.documents import Item
from shared.web.problems import Problem

if TYPE_CHECKING:
    from api_service.http.as_of import LogPoint
    from api_service.store.items import Actor, Row, State
    from shared.access.principals import Locations
    from shared.db.database import Connection

blueprint = Blueprint("inventories", __name__, url_prefix="/api/inventories")
tag_blueprint(blueprint, ["Items"])


@blueprint.get("")
@operation(list[Item], query=ItemsQuery, headers=Conditional, answer_headers=Listed, problems=(HTTPStatus.GONE,))
async def list_items(query: ItemsQuery, headers: Conditional) -> Response:
    """List the stock.

    Without parameters, the list has all items, newest change first. `Last-Event-ID` is the position of the list in the
    log: apply every later event to keep the list current. If `If-None-Match` has the list's `ETag`, the answer is 304.
    With `limit`, the list is paged, and `Link` leads to the next page. With `as_of`, it is the stock at that point.
    """
    is_whole = not request.args and visible() is None
    response = await (_list_everything(headers) if is_whole else _list_page(query, headers))
    response.headers["Cache-Control"] = "no-cache"
    return response


async def _list_everything(headers: Conditional) -> Response:
    if unchanged := await _not_modified_now(headers, None):
        return unchanged
    snapshot = await services().stock.snapshot()
    return _in_state(snapshot.state, None, Response(snapshot.items, content_type="application/json"))


async def _list_page(query: ItemsQuery, headers: Conditional) -> Response:
    scope = await find_scope(query.location)
    selection = Selection(query.sort, query.criteria(scope), _place(query), query.limit and query.limit + 1)
    if query.as_of is not None:
        return await _list_past_page(query, headers, query.as_of, selection)
    if unchanged := await _not_modified_now(headers, scope):
        return unchanged
    async with services().pools.reading() as connection:
        page = await items.select_page(connection, selection)
    return _in_state(page.state, scope, _json_page(page.rows, query))


async def _list_past_page(query: ItemsQuery, headers: Conditional, as_of: LogPoint, selection: Selection) -> Response:
    scope = selection.criteria.locations
    async with services().limits.scans.slot(), services().pools.one_snapshot() as connection:
        event_id, state = await find_state(connection, as_of)
        if unchanged := _not_modified(headers, state, scope):
            return unchanged
        rows = await items.select_past_page(connection, event_id, selection)
    return _in_state(state, scope, _json_page(rows, query))


async def _not_modified_now(headers: Conditional, scope: Locations) -> Response | None:
    """A 304, if the client has the current list. Without `If-None-Match` this needs no query."""
    return _not_modified(headers, await services().stock.state(), scope) if headers.if_none_match else None


def _not_modified(headers: Conditional, state: State, scope: Locations) -> Response | None:
    """A 304, if the client has the list of this state."""
    if headers.if_none_match.contains_weak(state.tag(scope)):
        return _in_state(state, scope, Response(status=HTTPStatus.NOT_MODIFIED))
    return None


def _json_page(rows: list[Row], query: ItemsQuery) -> Response:
    return json_page(
        rows,
        query.limit,
        document=lambda row: row.document,
        after=lambda row: Cursor(query.sort, row.key, row.id).encode(),
    )


def _place(query: ItemsQuery) -> Place | None:
    if query.after is None:
        return None
    try:
        cursor = Cursor.decode(query.after, query.sort)
    except ValueError as error:
        raise invalid("after", str(error)) from None
    return Place(cursor.key, cursor.item_id)


def _in_state(state: State, scope: Locations, response: Response) -> Response:
    response.headers["Last-Event-ID"] = state.position
    response.headers["ETag"] = f'"{state.tag(scope)}"'
    return response


@blueprint.post("")
@operation(
    Item,
    HTTPStatus.CREATED,
    body=NewItem,
    headers=RepeatableWrite,
    answer_headers=Created,
    problems=(HTTPStatus.CONFLICT,),
)
async def create_item(body: NewItem, headers: RepeatableWrite) -> Response:
    """Add an item. If another item at its location has its code, the answer is 409 and shows that item."""
    location = await location_of_new_item(body.location)

    async def create(connection: Connection) -> Response:
        (item,) = await items.insert_items(connection, [Addition(body, location)], actor=actor_of(headers))
        return item_answer(item, HTTPStatus.CREATED, Location=f"{blueprint.url_prefix}/{item.id}")

    return await make_once(headers.key, create, body)


@blueprint.get("/<int:item_id>")
@operation(Item, headers=Conditional, answer_headers=Versioned)
async def get_item(item_id: int, headers: Conditional) -> Response:
    """Get one item. `ETag` names its version; if `If-None-Match` has this `ETag`, the answer is 304."""
    async with services().pools.reading() as connection:
        item = await items.select_item(connection, item_id, visible())
    if item is None:
        no_such_item(item_id)
    if headers.if_none_match.contains_weak(item.tag):
        return Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": f'"{item.tag}"'})
    return item_answer(item)


@blueprint.put("/<int:item_id>")
@operation(
    Item,
    query=ItemChangeQuery,
    body=ItemChange,
    headers=ConditionalWrite,
    answer_headers=Versioned,
    problems=(HTTPStatus.CONFLICT,),
)
async def set_item(item_id: int, query: ItemChangeQuery, body: ItemChange, headers: ConditionalWrite) -> Response:
    """Set an item's quantity and any other given field; null clears an optional field.

    With `If-Match`, the item must still have that version. If another item at this location has the code, the answer
    is 409 and shows that item. `note` in the body is the item's own; that of the movement is a parameter.
    """
    actor = actor_of(headers, query)
    async with services().pools.writing() as connection:
        if not query.twins or "name" not in body.model_fields_set:
            return await _set_item(connection, item_id, body, headers, actor)
        actor = actor._replace(reason=actor.reason or "corrected")
        async with connection.transaction():
            await rename_twins(connection, item_id, body.name, actor=actor)
            return await _set_item(connection, item_id, body, headers, actor)


async def _set_item(
    connection: Connection, item_id: int, body: ItemChange, headers: ConditionalWrite, actor: Actor
) -> Response:
    changed = await items.update_items(connection, {item_id: body}, versions=headers.versions, actor=actor)
    return item_answer(changed[0]) if changed else await explain_refusal(connection, item_id, headers.versions)


@blueprint.patch("/<int:item_id>")
@operation(
    Item,
    body=Adjustment,
    headers=RepeatableConditionalWrite,
    answer_headers=RepeatableVersioned,
    problems=(HTTPStatus.CONFLICT,),
)
async def adjust_item(item_id: int, body: Adjustment, headers: RepeatableConditionalWrite) -> Response:
    """Add to an item's quantity, or subtract from it, atomically.

    If the quantity would go below zero, the answer is 409 and nothing changes. With `If-Match`, the item must still
    have that version.
    """

    async def adjust(connection: Connection) -> Response:
        item = await items.adjust_item(
            connection, item_id, body.adjust, versions=headers.versions, actor=actor_of(headers, body)
        )
        if item is None:
            await explain_refusal(connection, item_id, headers.versions, adjust=body.adjust)
        return item_answer(item)

    return await make_once(headers.key, adjust, body)


@blueprint.delete("/<int:item_id>")
@operation(Deleted, query=PurposeQuery, headers=ConditionalWrite)
async def delete_item(item_id: int, query: PurposeQuery, headers: ConditionalWrite) -> Response:
    """Delete an item. With `If-Match`, it must still have that version. A deleted item can be restored."""
    async with services().pools.writing() as connection:
        actor = actor_of(headers, query)
        item = await items.delete_item(connection, item_id, versions=headers.versions, actor=actor)
        if item is None:
            await explain_refusal(connection, item_id, headers.versions)
    return jsonify(message="Item deleted successfully")


@blueprint.post("/<int:item_id>/restore")
@operation(
    Item,
    HTTPStatus.CREATED,
    headers=RepeatableWrite,
    answer_headers=Created,
    problems=(HTTPStatus.CONFLICT, HTTPStatus.GONE),
)
async def restore_item(item_id: int, headers: RepeatableWrite) -> Response:
    """Restore a deleted item under its own id, as it was.

    If the item is not deleted, or another item at its location now has its code, the answer is 409 and shows the
    existing item.
    """

    async def restore(connection: Connection) -> Response:
        try:
            item = await items.restore_item(connection, item_id, actor=actor_of(headers))
        except items.LocationGoneError:
            detail = f"Item {item_id} can't be restored: its location does not exist any more."
            raise Problem(HTTPStatus.GONE, detail) from None
        if item is None:
            await explain_no_restore(connection, item_id)
        return item_answer(item, HTTPStatus.CREATED, Location=f"{blueprint.url_prefix}/{item_id}")

    return await make_once(headers.key, restore)
