"""`/api/history` and what is like it: who changed what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response
from quart_schema import document_querystring, document_response, tag_blueprint

from api_service.answers import no_such_item, refuse_impossible_ids
from api_service.connections import reading
from api_service.gates import gates
from api_service.headers import Paged
from api_service.models import AuditQuery, HistoryEntry, HistoryQuery
from api_service.pages import json_page
from api_service.requests import read_query, refuse_unknown_parameters
from api_service.store import history

if TYPE_CHECKING:
    from api_service.store.history import Entry

blueprint = Blueprint("history", __name__, url_prefix="/api")
blueprint.url_value_preprocessor(refuse_impossible_ids)
blueprint.before_request(refuse_unknown_parameters)
tag_blueprint(blueprint, ["History"])


@blueprint.get("/history")
@document_querystring(AuditQuery)
@document_response(list[HistoryEntry], 200, Paged)
async def list_history() -> Response:
    """List what happened to all items, newest first: who did it, when, and what changed from what to what."""
    query = read_query(AuditQuery)
    async with gates().scans.entered(), reading() as connection:
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
@document_querystring(HistoryQuery)
@document_response(list[HistoryEntry], 200, Paged)
async def list_item_history(item_id: int) -> Response:
    """List what happened to an item, newest first; after its deletion too."""
    query = read_query(HistoryQuery)
    async with reading() as connection:
        entries = await history.select_history(connection, item=item_id, after=query.after, limit=query.limit + 1)
        if not entries and not await history.select_item_existed(connection, item_id):
            no_such_item(item_id)
    return _page(entries, query.limit)


@blueprint.get("/inventories/deleted")
@document_querystring(HistoryQuery)
@document_response(list[HistoryEntry], 200, Paged)
async def list_deleted_items() -> Response:
    """List the items that are deleted now, latest deletion first, each with the event that deleted it."""
    query = read_query(HistoryQuery)
    async with gates().scans.entered(), reading() as connection:
        entries = await history.select_deletions(connection, after=query.after, limit=query.limit + 1)
    return _page(entries, query.limit)


def _page(entries: list[Entry], limit: int) -> Response:
    return json_page(entries, limit, document=lambda entry: entry.document, after=lambda entry: str(entry.event_id))
