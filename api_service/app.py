"""Where the API is put together."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from quart import Quart

from api_service.answers import wait_for_no_one
from api_service.blueprints import dashboard, documentation, history, inventories, transfers, trends
from api_service.housekeeping import keep_house
from api_service.metrics import measure_requests
from api_service.openapi import describe
from api_service.stock import Stock
from shared import metrics
from shared.database import DatabaseUnavailableError, acquire, create_pool, database_url
from shared.health import NotReadyError, health_blueprint
from shared.migrations import is_current
from shared.problems import answer_with_problems

if TYPE_CHECKING:
    from api_service.settings import ApiSettings

FRONTEND = Path(__file__).resolve().parent.parent / "frontend"
ROLE = "stockstream_api"


def create_app(settings: ApiSettings) -> Quart:
    """The API and the dashboard, as one app. Nothing is connected before it serves."""
    app = Quart(__name__, static_folder=str(FRONTEND), static_url_path="/static", template_folder=str(FRONTEND))
    app.config["MAX_CONTENT_LENGTH"] = max(settings.max_body_bytes, settings.max_import_bytes)
    app.config["BODY_TIMEOUT"] = settings.body_seconds
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 0  # no page may mix modules of two versions; ETags make it cheap
    app.url_map.merge_slashes = False
    app.extensions["settings"] = settings
    answer_with_problems(app)
    app.after_request(wait_for_no_one)
    for resource in (inventories, history, trends, transfers, dashboard, documentation):
        app.register_blueprint(resource.blueprint)

    @app.while_serving
    async def connected():  # type: ignore[no-untyped-def]
        pool = create_pool(database_url(settings, ROLE), application_name=ROLE, max_size=settings.api_pool_size)
        async with pool:
            app.extensions["pool"] = pool
            app.extensions["stock"] = Stock(pool)
            housekeeping = asyncio.create_task(keep_house(pool, settings.history_retention))
            yield
            housekeeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await housekeeping

    async def check() -> None:
        try:
            async with acquire(app.extensions["pool"]) as connection:
                if not await is_current(connection):
                    raise NotReadyError("the schema is not up to date: run the migrations")
        except DatabaseUnavailableError:
            raise NotReadyError("the database can't be reached, or has no schema yet") from None

    app.register_blueprint(health_blueprint(check))
    app.register_blueprint(metrics.blueprint)
    measure_requests(app)
    describe(app)
    return app
