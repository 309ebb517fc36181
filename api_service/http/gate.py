"""The gate that every request passes before its handler, and every answer after it."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from quart import g, request
from quart.wrappers.response import DataBody
from quart_cors import cors

from api_service.http import metrics
from api_service.http.access import guard_access
from shared.log.documents import MAX_ID
from shared.web import hosts, proxies
from shared.web.origins import refuse_other_sites
from shared.web.problems import RETRY_AFTER_SECONDS, Problem, send_problem

if TYPE_CHECKING:
    from quart import Quart, Response

    from api_service.settings import ApiSettings

CANCELLED = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The server was restarted during this request, which may or may not have taken effect. A change that was sent with"
    " an Idempotency-Key can safely be sent again.",
    headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
)
HANDLER = "stockstream.handler"  # key in the ASGI scope: the task that runs the handler
SMALL_BYTES = 64 * 1024  # fits into a socket's buffer

# What pages of allowed origins may send and read.
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
REQUEST_HEADERS = ["Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "X-Actor"]
RESPONSE_HEADERS = ["ETag", "Last-Event-ID", "Link", "Location", "Retry-After", "Idempotent-Replayed"]


def guard(app: Quart, settings: ApiSettings) -> None:
    """Check every request before its handler, and add headers to every answer."""
    if settings.allowed_origins:
        cors(
            app,
            allow_origin=settings.allowed_origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
            allow_credentials=settings.auth != "open",
        )
    app.asgi_app = proxies.behind_proxies(  # type: ignore[method-assign]
        hosts.gate(answer_when_cancelled(app.asgi_app), settings, settings.api_bind), settings
    )

    @app.url_value_preprocessor
    def admit(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.began = time.perf_counter()
        scope: dict[str, Any] = request.scope  # type: ignore[assignment]
        scope[HANDLER] = asyncio.current_task()
        refuse_other_sites(settings.allowed_origins)
        refuse_impossible_values(values or {})

    guard_access(app)

    @app.after_request
    async def finish(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        if isinstance(response.response, DataBody) and len(response.response.data) < SMALL_BYTES:
            response.timeout = None  # small responses never block, so skip the timeout's task
        metrics.observe_request(response.status_code, time.perf_counter() - g.began)
        return response


def refuse_impossible_values(values: dict[str, Any]) -> None:
    """Answer 404 for ids that can't exist. The database would raise an error."""
    for name, value in values.items():
        if name.endswith("_id") and not 0 < value <= MAX_ID:
            raise Problem(HTTPStatus.NOT_FOUND, f"There is no {name.removesuffix('_id')} {value}.")


def answer_when_cancelled(app: Any) -> Any:
    """ASGI middleware that answers 503 to a request that is cancelled because the service stops.

    The server cancels only the call of the app. Quart would let the handler continue, and a statement that waits for a
    lock could then change the database after the service has stopped. The server's own answer would be an empty 500.
    """

    async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
        is_answered = False

        async def send_and_note(message: Any) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            await app(scope, receive, send_and_note)
        except asyncio.CancelledError:
            if handler := scope.get(HANDLER):
                handler.cancel()
                await asyncio.wait({handler})
            if scope["type"] == "http" and not is_answered:
                await send_problem(CANCELLED, send)
            raise

    return asgi_app
