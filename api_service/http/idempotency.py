"""Safe retries: a change with an `Idempotency-Key` is made once, and each repetition gets the same answer."""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from quart import Response, request

from api_service.http.access import principal, visible
from api_service.http.answers import no_such_item
from api_service.http.services import services
from api_service.store import idempotency
from shared.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import BaseModel

    from shared.db.database import Connection

    Change = Callable[[Connection], Awaitable[Response]]

KEPT_HEADERS = ("ETag", "Location", "Content-Type")


async def make_once(given_key: str | None, change: Change, body: BaseModel | bytes | None = None) -> Response:
    """Make this change. If an earlier request with the same key made it, return the stored answer instead.

    The change and its answer are stored in one transaction. A change that raises is rolled back, and its key is free
    again. Without a key, the change is always made. Each principal has keys of its own.
    """
    async with services().pools.writing() as connection:
        if given_key is None:
            return await change(connection)
        key = _key(given_key)
        digest = _digest(body)
        async with connection.transaction():
            if not await idempotency.claim_key(connection, key, digest):
                return _repeat(await idempotency.select_answer(connection, key), digest)
            response = await change(connection)
            answer = idempotency.Answer(
                digest,
                response.status_code,
                {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
                await response.get_data(as_text=True),
            )
            await idempotency.update_answer(connection, key, answer)
    return response


def _key(given: str) -> str:
    """The key under which an answer is stored. No principal gets the answer to another one's request."""
    who = principal()
    return given if who is None else f"{who.id} {given}"  # given keys have no spaces


def _repeat(answer: idempotency.Answer, digest: bytes) -> Response:
    if answer.request != digest:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "This Idempotency-Key was used for another request.")
    _refuse_if_not_visible(json.loads(answer.body))
    return Response(answer.body, answer.status, headers={**answer.headers, "Idempotent-Replayed": "true"})


def _refuse_if_not_visible(document: Any) -> None:
    """Answer 404 if a stored answer shows an item that the principal may not see any more."""
    seen = visible()
    if seen is None:
        return
    if "location" in document and document["location"] not in seen:
        no_such_item(document["id"])
    if any(line["location"] not in seen for line in document.get("lines", [])):
        raise Problem(HTTPStatus.NOT_FOUND, f"There is no movement {document['id']}.")


def _digest(body: BaseModel | bytes | None) -> bytes:
    """A hash that is equal for repetitions of a request. White space in a JSON body does not count."""
    content = body if isinstance(body, bytes) else body.model_dump_json(exclude_unset=True).encode() if body else b""
    preconditions = request.headers.get("If-Match", "")
    address = request.path + (f"?{request.query_string.decode()}" if request.query_string else "")
    return hashlib.sha256(f"{request.method} {address} {preconditions}\n".encode() + content).digest()
