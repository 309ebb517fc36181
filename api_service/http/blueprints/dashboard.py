"""`/`: the dashboard. Its files are at `/static`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint
from quart_schema import hide

from api_service.http.pages import page

if TYPE_CHECKING:
    from quart import Response

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/")
@hide
async def index() -> Response:
    """The dashboard."""
    return await page("index.html")
