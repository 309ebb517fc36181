"""`/docs`, and the document that it shows: `/openapi.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response, current_app, jsonify
from quart_schema import hide

if TYPE_CHECKING:
    from quart_schema import QuartSchema

blueprint = Blueprint("documentation", __name__)


@blueprint.get("/openapi.json")
@hide
async def openapi() -> Response:
    """This API, as an OpenAPI document."""
    schema: QuartSchema = current_app.extensions["QUART_SCHEMA"]
    response = jsonify(schema.openapi_provider.schema())
    response.headers["Cache-Control"] = "no-cache"
    return response
