"""`/docs`, and the document that it shows: `/openapi.json`."""

from __future__ import annotations

from quart import Blueprint, Response, current_app
from quart_schema import hide

from api_service.http.languages import DEFAULT
from api_service.http.openapi import document
from api_service.http.pages import page

blueprint = Blueprint("documentation", __name__)


@blueprint.get("/docs")
@hide
async def show() -> Response:
    """The documentation of the API and the stream, which is in English only."""
    return await page("docs.html", language=DEFAULT)


@blueprint.get("/openapi.json")
@hide
async def openapi() -> Response:
    """The OpenAPI document of the API."""
    headers = {"Cache-Control": "no-cache"}
    return Response(document(current_app), headers=headers, content_type="application/json")
