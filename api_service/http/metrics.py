"""Metrics of requests: their number and duration."""

from __future__ import annotations

from prometheus_client import Histogram
from quart import request

REQUESTS = Histogram(
    "stockstream_request_seconds",
    "Time to answer a request",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def observe_request(status: int, seconds: float) -> None:
    """Record the current request under its route. Unknown paths share one series."""
    route = request.url_rule.rule if request.url_rule else "none"
    method = request.method if request.url_rule else "any"
    REQUESTS.labels(method, route, status).observe(seconds)
