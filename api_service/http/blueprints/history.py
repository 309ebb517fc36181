"""`/api/history`, and the history of items: who changed what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response
from quart_schema import tag_blueprint

from api_service.http.answers import no_such_item
from api_service.http.headers import Paged
from api_service.http.lists import json_page
from api_service.http.models import AuditQuery, HistoryEntry, HistoryQuery
from api_service.http.operations import operation
from api_service.http.services import services
from api_service.store import history

if TYPE_CHECKING:
    from api_service.store.history import Entry

blueprint = Blueprint("history", __name__, url_prefix="/api")
tag_blueprint(blueprint, ["History"])


@blueprint.get("/history")
@operation(list[HistoryEntry], query=AuditQuery, answer_headers=Paged)
async def list_history(query: AuditQuery) -> Response:
    """List the changes of all items, newest first: who made them, when, and each field's old and new value."""
    async with services().limits.scans.slot(), services().pools.reading() as connection:
        entries = await history.select_history(
            connection,
            actor=query.actor,
            item=query.item,
            operation=query.operation,
            since=query.since,
            until=query.until,
            after=query.after,
            limit=query.limit + 1,
        )
    return _page(entries, query.limit)


@blueprint.get("/inventories/<int:item_id>/history")
@operation(list[HistoryEntry], query=HistoryQuery, answer_headers=Paged)
async def list_item_history(item_id: int, query: HistoryQuery) -> Response:
    """List the changes of one item, newest first. Deleted items have a history, too."""
    async with services().pools.reading() as connection:
        entries = await history.select_history(connection, item=item_id, after=query.after, limit=query.limit + 1)
        if not entries and not await history.select_item_existed(connection, item_id):
            no_such_item(item_id)
    return _page(entries, query.limit)


@blueprint.get("/inventories/deleted")
@operation(list[HistoryEntry], query=HistoryQuery, answer_headers=Paged)
async def list_deleted_items(query: HistoryQuery) -> Response:
    """List the deleted items, newest deletion first, each with the event that deleted it."""
    async with services().limits.scans.slot(), services().pools.reading() as connection:
        entries = await history.select_deletions(connection, after=query.after, limit=query.limit + 1)
    return _page(entries, query.limit)


def _page(entries: list[Entry], limit: int) -> Response:
    return json_page(entries, limit, document=lambda entry: entry.document, after=lambda entry: str(entry.event_id))
