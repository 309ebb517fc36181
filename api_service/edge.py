"""What every request passes on its way in, and every answer on its way out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from quart import g, request
from quart.wrappers.response import DataBody

from api_service import metrics
from api_service.blueprints.dashboard import script_policy
from api_service.origins import refuse_other_sites
from shared import hosts

if TYPE_CHECKING:
    from quart import Quart, Response

    from api_service.settings import ApiSettings

SMALL_BYTES = 64 * 1024  # fits into a socket's buffer


def guard(app: Quart, settings: ApiSettings) -> None:
    """Put the checks and headers of all routes before and after them."""
    app.asgi_app = hosts.gate(app.asgi_app, settings, settings.api_bind)  # type: ignore[method-assign]

    @app.url_value_preprocessor
    def admit(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
        g.began = time.perf_counter()
        refuse_other_sites(settings.allowed_origins)

    @app.after_request
    async def finish(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        if request.endpoint == "static":
            response.headers["Content-Security-Policy"] = script_policy()
        if isinstance(response.response, DataBody) and len(response.response.data) < SMALL_BYTES:
            response.timeout = None  # small responses never block, so skip the timeout's task
        metrics.observe_request(response.status_code, time.perf_counter() - g.began)
        return response
