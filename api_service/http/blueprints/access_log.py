"""`/api/access-log`: who signed in, and who created, changed, granted and revoked what."""

from __future__ import annotations

from quart import Blueprint, Response
from quart_schema import tag_blueprint

from api_service.http.access import Need, needs
from api_service.http.access_models import AccessLogEntry, AccessLogQuery
from api_service.http.headers import Paged
from api_service.http.lists import json_page
from api_service.http.operations import operation
from api_service.http.services import services
from api_service.store import access_log

blueprint = Blueprint("access_log", __name__, url_prefix="/api/access-log")
tag_blueprint(blueprint, ["Access"])


@blueprint.get("")
@needs(Need.ADMIN)
@operation(list[AccessLogEntry], query=AccessLogQuery, answer_headers=Paged)
async def list_access_log(query: AccessLogQuery) -> Response:
    """List who signed in, and who created, changed, granted or revoked what, newest first. Nothing is ever removed."""
    async with services().pools.reading() as connection:
        entries = await access_log.select_entries(connection, before=query.after, page=query.limit + 1)
    return json_page(entries, query.limit, document=lambda entry: entry.document, after=lambda entry: str(entry.id))
