"""Retries that are safe: a change with an `Idempotency-Key` is made once, and answered the same every time."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import Response, request

from api_service.connections import writing
from api_service.requests import idempotency_key
from api_service.store import idempotency
from shared.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import BaseModel

    from shared.database import Connection

    Work = Callable[[Connection], Awaitable[Response]]

KEPT_HEADERS = ("ETag", "Location", "Content-Type")


async def once(work: Work, body: BaseModel | bytes | None = None) -> Response:
    """Do this work, unless a request with the same key has done it: then give the answer that it got.

    The work and its answer are kept in one transaction; work that raises changes nothing and leaves the key free.
    """
    key = idempotency_key()
    async with writing() as connection:
        if key is None:
            return await work(connection)
        async with connection.transaction():
            if not await idempotency.claim_key(connection, key, _digest(body)):
                return _repeat(await idempotency.select_answer(connection, key), body)
            response = await work(connection)
            answer = idempotency.Answer(
                _digest(body),
                response.status_code,
                {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
                await response.get_data(as_text=True),
            )
            await idempotency.update_answer(connection, key, answer)
    return response


def _repeat(answer: idempotency.Answer, body: BaseModel | bytes | None) -> Response:
    if answer.request != _digest(body):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "This Idempotency-Key was used for another request.")
    return Response(answer.body, answer.status, headers={**answer.headers, "Idempotent-Replayed": "true"})


def _digest(body: BaseModel | bytes | None) -> bytes:
    """What makes two requests the same; a JSON body by its meaning, not its white space."""
    content = body if isinstance(body, bytes) else body.model_dump_json(exclude_unset=True).encode() if body else b""
    preconditions = request.headers.get("If-Match", "")
    return hashlib.sha256(f"{request.method} {request.path} {preconditions}\n".encode() + content).digest()
