"""Error answers: RFC 9457 problem+json, without internal details."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, TypeVar

import structlog
from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException

from shared.db.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
PROBLEMS_ATTRIBUTE = "_stockstream_problems"

Handler = TypeVar("Handler", bound="Callable[..., Any]")


def document_problems(*statuses: HTTPStatus) -> Callable[[Handler], Handler]:
    """Document which problems a handler may answer with, besides those that its parameters, body and headers imply."""

    def decorator(handler: Handler) -> Handler:
        setattr(handler, PROBLEMS_ATTRIBUTE, set(statuses))
        return handler

    return decorator


def documented_problems(handler: Callable[..., Any]) -> set[HTTPStatus]:
    """Documented status codes of the handler."""
    return getattr(handler, PROBLEMS_ATTRIBUTE, set())


class FieldError(TypedDict):
    """What is wrong with one field of a request; ``field`` is its path, as in ``quantity``.

    In a file it is the column's name, and ``line`` and ``column`` count from 1. ``current`` is the item that is meant.
    """

    field: str
    message: str
    line: NotRequired[int]
    column: NotRequired[int]
    current: NotRequired[dict[str, Any]]


class Problem(Exception):  # noqa: N818 - the RFC's own word
    """An error that is answered as problem+json. Extra members are added to the body."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        self.members = members

    def body(self) -> bytes:
        """The problem as JSON."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            "error": self.detail,
        }
        if self.errors:
            document["errors"] = list(self.errors)
        return json.dumps(document | self.members).encode()

    def response(self) -> Response:
        return Response(
            self.body(),
            self.status.value,
            headers=self.headers,
            content_type=MEDIA_TYPE,
        )


async def send_problem(problem: Problem, send: Any) -> None:
    """Answer with a problem through plain ASGI, where the framework is not involved."""
    body = problem.body()
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "X-Content-Type-Options": "nosniff",
        **problem.headers,
    }
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status.value, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


DETAILS = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not support that method.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.REQUEST_TIMEOUT: "The body took too long to arrive.",
}


def answer_with_problems(app: Quart) -> None:
    """Answer every error of this app with a problem: ours, the framework's, the database's and unexpected ones."""

    @app.errorhandler(Problem)
    async def problem(error: Problem) -> Response:
        return error.response()

    @app.errorhandler(HTTPException)
    async def http_error(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Location"}}
        return Problem(status, DETAILS.get(status, status.description or status.phrase), headers=headers).response()

    @app.errorhandler(DatabaseUnavailableError)
    async def database_unavailable(error: DatabaseUnavailableError) -> Response:
        log.warning("database unavailable", reason=str(error), path=request.path)
        return Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            error.detail,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        ).response()

    @app.errorhandler(Exception)
    async def unexpected(error: Exception) -> Response:
        log.error("unexpected error", method=request.method, path=request.path, exc_info=error)
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "An unexpected error occurred. It has been logged.").response()
