"""`/metrics`, for Prometheus. With several workers, it has the sums of their values."""

from __future__ import annotations

import os

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from quart import Blueprint, Response
from quart_schema import document_response, tag_blueprint

from shared.process.workers import SHARED_FOLDER
from shared.web.documents import Metrics

blueprint = Blueprint("metrics", __name__)
tag_blueprint(blueprint, ["Operation"])


@blueprint.get("/metrics")
@document_response(Metrics)
async def metrics() -> Response:
    """Metrics, in the text format of Prometheus."""
    registry = REGISTRY
    if SHARED_FOLDER in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
