"""`/asyncapi.json`: the description of the stream."""

from __future__ import annotations

from quart import Blueprint, Response

from stream_service import asyncapi

blueprint = Blueprint("documentation", __name__)


@blueprint.get("/asyncapi.json")
async def describe() -> Response:
    """The AsyncAPI document of the stream."""
    return Response(asyncapi.text(), headers={"Cache-Control": "no-cache"}, content_type="application/json")
