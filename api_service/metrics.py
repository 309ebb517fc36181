"""How the API is used and how long it takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import Histogram
from quart import g, request

if TYPE_CHECKING:
    from quart import Quart, Response

REQUESTS = Histogram(
    "stockstream_request_seconds",
    "Time to answer a request",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def measure_requests(app: Quart) -> None:
    """Count and time every request, by its route: an address that is not one of ours makes no new series."""

    @app.before_request
    async def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    async def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.url_rule else "any"
        seconds = time.perf_counter() - g.began if "began" in g else 0.0  # an impossible id is refused before
        REQUESTS.labels(method, route, response.status_code).observe(seconds)
        return response
