"""`/api/low` and `/api/minimums`: items below their minimum."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import Blueprint, Response
from quart_schema import tag_blueprint

from api_service.booking import set_minimums
from api_service.http.access import actor_of, visible
from api_service.http.answers import explain_refusal
from api_service.http.downloads import PAGE_ROWS, send_csv
from api_service.http.headers import Paged, Write
from api_service.http.lists import json_page
from api_service.http.models import ScopedQuery
from api_service.http.movement_models import LowItem, LowQuery, Minimums, OrderList
from api_service.http.operations import operation
from api_service.http.scope import find_scope
from api_service.http.services import services
from api_service.store import locations, movements
from api_service.transfers import csv_format
from api_service.transfers.csv_format import LOW_COLUMNS
from shared.log.documents import Item

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api_service.store.movements import LowItem as LowRow
    from shared.db.database import Connection

blueprint = Blueprint("low", __name__, url_prefix="/api")
tag_blueprint(blueprint, ["Low stock"])


@blueprint.get("/low")
@operation(list[LowItem], query=LowQuery, answer_headers=Paged)
async def list_low(query: LowQuery) -> Response:
    """List the items below their minimum, by id, each with what is missing to it."""
    scope = await find_scope(query.location)
    async with services().pools.reading() as connection:
        rows = await movements.select_low(connection, scope, after=query.after or 0, page=query.limit + 1)
    return json_page(rows, query.limit, document=lambda row: row.document, after=lambda row: str(row.id))


@blueprint.get("/low/export")
@operation(OrderList, query=ScopedQuery)
async def export_low(query: ScopedQuery) -> Response:
    """Export the items below their minimum as CSV: an order list."""
    scope = await find_scope(query.location)
    async with services().pools.reading() as connection:
        paths = await locations.select_paths(connection, visible())

    async def read(connection: Connection, last: LowRow | None) -> Sequence[LowRow]:
        return await movements.select_low(connection, scope, after=last.id if last else 0, page=PAGE_ROWS)

    def write(page: Sequence[LowRow]) -> str:
        low = (json.loads(row.document) for row in page)
        return csv_format.write_rows(({**item, "location": paths.get(item["location"])} for item in low), LOW_COLUMNS)

    return send_csv("order-list", csv_format.write_header(LOW_COLUMNS), read, write)


@blueprint.put("/minimums")
@operation(list[Item], body=Minimums, headers=Write, problems=(HTTPStatus.NOT_FOUND,))
async def set_minimum(body: Minimums, headers: Write) -> Response:
    """Set the minimum of several items at once, or remove it: all of them, or none."""
    actor = actor_of(headers)
    ids = sorted(frozenset(body.items))
    async with services().pools.writing() as connection, connection.transaction():
        changed = await set_minimums(connection, ids, body.minimum, actor=actor)
        for item_id in ids:
            if item_id not in changed:
                await explain_refusal(connection, item_id, None)
    documents = ",".join(changed[item_id].document for item_id in ids)
    return Response(f"[{documents}]", content_type="application/json")
