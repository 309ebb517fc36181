"""`/`: the dashboard, what a browser needs to install it, and `/accounts`, its page for admins.

Their files are at `/static`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint
from quart_schema import hide

from api_service.http.pages import document, page

if TYPE_CHECKING:
    from quart import Response

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/")
@blueprint.get("/setup")
@hide
async def index() -> Response:
    """The dashboard. At `/setup` it asks for the name and the password of the first admin."""
    return await page("index.html")


@blueprint.get("/accounts")
@hide
async def accounts() -> Response:
    """The accounts, for admins."""
    return await page("accounts.html")


@blueprint.get("/manifest.webmanifest")
@hide
async def manifest() -> Response:
    """The name and the icons of the dashboard, as an app on the device."""
    return await document("manifest.webmanifest", "application/manifest+json")
