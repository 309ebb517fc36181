"""`/healthz`: the process is alive. `/readyz`: it can do its work now."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import Blueprint, Response, jsonify
from quart_schema import document_response, tag_blueprint

from shared.web.documents import Health
from shared.web.problems import Problem, document_problems

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class NotReadyError(Exception):
    """The service can't do its work now; the text tells an operator why."""


def health_blueprint(check: Callable[[], Awaitable[None]]) -> Blueprint:
    """The two routes. ``check`` raises NotReadyError while the service is not ready."""
    blueprint = Blueprint("health", __name__)
    tag_blueprint(blueprint, ["Operation"])

    @blueprint.get("/healthz")
    @document_response(Health)
    async def healthz() -> Response:
        """Tell whether the process is alive."""
        return jsonify(status="alive")

    @blueprint.get("/readyz")
    @document_response(Health)
    @document_problems(HTTPStatus.SERVICE_UNAVAILABLE)
    async def readyz() -> Response:
        """Tell whether the service can do its work now."""
        try:
            await check()
        except NotReadyError as error:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from None
        return jsonify(status="ready")

    return blueprint
