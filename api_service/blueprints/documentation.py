"""`/docs`, and the document that it shows: `/openapi.json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from quart import Blueprint, Response, current_app
from quart_schema import hide

from api_service.blueprints.dashboard import page

if TYPE_CHECKING:
    from quart_schema import QuartSchema

blueprint = Blueprint("documentation", __name__)


@blueprint.get("/docs")
@hide
async def show() -> Response:
    """This API and the stream of events, for people."""
    return await page("docs.html")


@blueprint.get("/openapi.json")
@hide
async def openapi() -> Response:
    """This API, as an OpenAPI document."""
    schema: QuartSchema = current_app.extensions["QUART_SCHEMA"]
    document = json.dumps(schema.openapi_provider.schema())
    return Response(document, headers={"Cache-Control": "no-cache"}, content_type="application/json")
