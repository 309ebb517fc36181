"""`/healthz`: the process is alive. `/readyz`: it can do its work now."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import Blueprint, Response, jsonify

from shared.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class NotReadyError(Exception):
    """The service can't do its work now; the text says why, to an operator."""


def health_blueprint(check: Callable[[], Awaitable[None]]) -> Blueprint:
    """The two addresses; ``check`` raises NotReadyError while the service is not ready."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    async def healthz() -> Response:
        return jsonify(status="alive")

    @blueprint.get("/readyz")
    async def readyz() -> Response:
        try:
            await check()
        except NotReadyError as error:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from None
        return jsonify(status="ready")

    return blueprint
