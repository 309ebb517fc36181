"""Composes the API."""

from __future__ import annotations

import functools
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from quart import Quart

from api_service.http.answers import (
    busy,
    code_taken,
    last_admin,
    name_taken,
    throttled,
    unknown_location,
    unsound_tree,
)
from api_service.http.blueprints import (
    access_log,
    accounts,
    dashboard,
    documentation,
    files,
    history,
    inventories,
    labels,
    locations,
    low,
    movements,
    session,
    tokens,
    transfers,
    trends,
)
from api_service.http.files import provide_files
from api_service.http.gate import guard
from api_service.http.languages import provide_languages
from api_service.http.openapi import describe
from api_service.http.requests import MAX_DISCARDED_BYTES
from api_service.http.services import Services, provide, services
from api_service.last_uses import LastUses
from api_service.limits import BusyError, create_limits
from api_service.partitions import extend_log_periodically
from api_service.pruning import prune_periodically
from api_service.readiness import check_readiness
from api_service.setup_link import print_setup_link
from api_service.sign_in import ThrottledError
from api_service.stock import Stock
from api_service.store.connections import (
    CodeTakenError,
    LastAdminError,
    NameTakenError,
    TreeError,
    UnknownLocationError,
    open_pools,
)
from api_service.total_trends import TotalTrends
from shared.db.database import database_url
from shared.process import background
from shared.web import metrics
from shared.web.health import health_blueprint
from shared.web.problems import answer_with_problems

if TYPE_CHECKING:
    from api_service.settings import ApiSettings

FRONTEND = Path(__file__).resolve().parent.parent / "frontend"
ROLE = "stockstream_api"
RESOURCES = (
    inventories,
    locations,
    movements,
    low,
    history,
    trends,
    transfers,
    labels,
    session,
    accounts,
    tokens,
    access_log,
    dashboard,
    documentation,
    files,
)


def create_app(settings: ApiSettings) -> Quart:
    """The API and the dashboard as one app. It connects to the database when it starts to serve."""
    app = Quart(__name__, static_folder=None, template_folder=str(FRONTEND))
    # stream_body() enforces the limits. This bounds what a handler leaves unread.
    app.config["MAX_CONTENT_LENGTH"] = max(settings.max_body_bytes, settings.max_import_bytes) + MAX_DISCARDED_BYTES
    app.config["BODY_TIMEOUT"] = settings.body_seconds
    app.url_map.merge_slashes = False
    app.extensions["settings"] = settings
    answer_with_problems(app)
    app.register_error_handler(CodeTakenError, code_taken)
    app.register_error_handler(BusyError, busy)
    app.register_error_handler(ThrottledError, throttled)
    app.register_error_handler(NameTakenError, name_taken)
    app.register_error_handler(LastAdminError, last_admin)
    app.register_error_handler(UnknownLocationError, unknown_location)
    app.register_error_handler(TreeError, unsound_tree)
    provide_files(app, FRONTEND)
    provide_languages(app, FRONTEND / "messages")
    guard(app, settings)
    for resource in RESOURCES:
        app.register_blueprint(resource.blueprint)
    start = secrets.token_hex()  # before the workers of this start begin

    @app.while_serving
    async def connected():  # type: ignore[no-untyped-def]
        url = database_url(settings, ROLE)
        async with open_pools(url, application_name=ROLE, size=settings.api_pool_size) as pools:
            limits = create_limits(pools.readers.get_max_size())
            stock, total_trends = Stock(pools.readers), TotalTrends(pools.readers, limits.scans)
            provide(app, Services(pools, limits, stock, total_trends, LastUses(pools)))
            works = {
                "partitions": functools.partial(extend_log_periodically, pools.writers),
                "pruning": functools.partial(prune_periodically, pools.writers, settings.history_retention),
            }
            if settings.auth == "login":
                dashboard_url = settings.dashboard_url or settings.api_bind.url
                works["setup_link"] = functools.partial(print_setup_link, pools, dashboard_url, start)
            async with background.running(**works):
                yield

    app.register_blueprint(health_blueprint(lambda: check_readiness(services().pools.writers)))
    app.register_blueprint(metrics.blueprint)
    describe(app)
    return app
