"""`/api/history`, and the history of items: who changed what, when, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from quart import Blueprint, Response
from quart_schema import tag_blueprint

from api_service.http.access import visible
from api_service.http.answers import no_such_item
from api_service.http.downloads import PAGE_ROWS, send_csv
from api_service.http.headers import Paged
from api_service.http.lists import json_page
from api_service.http.models import AuditFilter, AuditQuery, DeletedQuery, HistoryEntry, HistoryFile, HistoryQuery
from api_service.http.operations import operation
from api_service.http.scope import find_scope
from api_service.http.services import services
from api_service.store import history, locations
from api_service.store.history import EventCriteria
from api_service.transfers import csv_format
from api_service.transfers.csv_format import HISTORY_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api_service.store.history import Entry
    from shared.db.database import Connection

blueprint = Blueprint("history", __name__, url_prefix="/api")
tag_blueprint(blueprint, ["History"])


@blueprint.get("/history")
@operation(list[HistoryEntry], query=AuditQuery, answer_headers=Paged)
async def list_history(query: AuditQuery) -> Response:
    """List the changes of all items, newest first: who made them, when and why, and each field's old and new value."""
    criteria = query.criteria(await find_scope(query.location))
    async with services().limits.scans.slot(), services().pools.reading() as connection:
        entries = await history.select_history(connection, criteria, after=query.after, limit=query.limit + 1)
    return _page(entries, query.limit)


@blueprint.get("/history/export")
@operation(HistoryFile, query=AuditFilter)
async def export_history(query: AuditFilter) -> Response:
    """Export the changes of quantities as CSV, newest first: what was booked, by whom, and why."""
    criteria = query.criteria(await find_scope(query.location))
    async with services().pools.reading() as connection:
        paths = await locations.select_paths(connection, visible())

    async def read(connection: Connection, last: Entry | None) -> list[Entry]:
        after = None if last is None else last.event_id
        return await history.select_history(connection, criteria, after=after, limit=PAGE_ROWS)

    def write(page: Sequence[Entry]) -> str:
        return csv_format.write_rows((_row(json.loads(entry.document), paths) for entry in page), HISTORY_COLUMNS)

    return send_csv("history", csv_format.write_header(HISTORY_COLUMNS), read, write)


def _row(event: dict[str, Any], paths: Mapping[int, str]) -> dict[str, Any]:
    """An event as a row of the file."""
    item = event["after"] or event["before"]
    before, after = (side and side["quantity"] for side in (event["before"], event["after"]))
    return {
        **event,
        "name": item["name"],
        "code": item["code"],
        "location": paths.get(item["location"]),
        "from": before,
        "to": after,
        "difference": (after or 0) - (before or 0),
    }


@blueprint.get("/inventories/<int:item_id>/history")
@operation(list[HistoryEntry], query=HistoryQuery, answer_headers=Paged)
async def list_item_history(item_id: int, query: HistoryQuery) -> Response:
    """List the changes of one item, newest first. Deleted items have a history, too."""
    criteria = EventCriteria(visible(), item=item_id)
    async with services().pools.reading() as connection:
        entries = await history.select_history(connection, criteria, after=query.after, limit=query.limit + 1)
        if not entries and not await history.select_item_existed(connection, item_id, visible()):
            no_such_item(item_id)
    return _page(entries, query.limit)


@blueprint.get("/inventories/deleted")
@operation(list[HistoryEntry], query=DeletedQuery, answer_headers=Paged)
async def list_deleted_items(query: DeletedQuery) -> Response:
    """List the deleted items, newest deletion first, each with the event that deleted it."""
    scope = await find_scope(query.location)
    async with services().limits.scans.slot(), services().pools.reading() as connection:
        entries = await history.select_deletions(connection, locations=scope, after=query.after, limit=query.limit + 1)
    return _page(entries, query.limit)


def _page(entries: list[Entry], limit: int) -> Response:
    return json_page(entries, limit, document=lambda entry: entry.document, after=lambda entry: str(entry.event_id))
