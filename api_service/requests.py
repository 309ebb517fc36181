"""What a request says, read strictly: its body, its parameters, its preconditions, its actor."""

from __future__ import annotations

import asyncio
import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from quart import current_app, request
from quart_schema.validation import QUART_SCHEMA_QUERYSTRING_ATTRIBUTE
from werkzeug.exceptions import RequestEntityTooLarge, RequestTimeout

from api_service.models import LONGEST_ACTOR, plain_message
from shared.problems import FieldError, Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
ITEM_TAG = re.compile(r"([0-9]{1,18})(-[0-9a-f]{6})?")
MOST_DISCARDED_BYTES = 4 * 1024 * 1024
LONGEST_NUMBER = 1_000  # digits; more are no number that a field would take, and Python reads 4,300 at most
Model = TypeVar("Model", bound=BaseModel)


async def read_body(model: type[Model]) -> Model:
    """The request's JSON body as this model, or a 400, 408, 413, 415 or 422 problem."""
    if request.mimetype != "application/json":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.")
    body = await read_bytes(current_app.extensions["settings"].max_body_bytes)
    try:
        document = json.loads(
            body.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=float, parse_int=_integer
        )
    except UnicodeDecodeError:
        raise _no_json("it is not UTF-8") from None
    except RecursionError:
        raise _no_json("it is nested too deep") from None
    except ValueError as error:
        raise _no_json(str(error)) from None
    return _validated(model, document)


async def read_bytes(limit: int) -> bytes:
    """The request's body, or a 408 or 413 problem."""
    return b"".join([chunk async for chunk in stream_body(limit)])


async def stream_body(limit: int) -> AsyncIterator[bytes]:
    """The request's body as it comes, or a 408 or 413 problem.

    What goes beyond the limit is read too, up to MOST_DISCARDED_BYTES, and dropped: a client that is still sending when
    its connection is closed does not get to read the answer.
    """
    size = 0
    try:
        async with asyncio.timeout(request.body_timeout):
            async for chunk in request.body:
                size += len(chunk)
                if size <= limit:
                    yield chunk
                elif size > limit + MOST_DISCARDED_BYTES:
                    break
    except TimeoutError:
        raise RequestTimeout from None
    if size > limit:
        raise RequestEntityTooLarge


def read_query(model: type[Model]) -> Model:
    """The request's parameters as this model, or a 422 problem."""
    given: dict[str, Any] = {}
    for name, value in _parameters():
        field = model.model_fields.get(name)
        if field is not None and isinstance(field.default, list):
            given.setdefault(name, []).append(value)
        elif name in given:
            raise invalid(name, "must be there once")
        else:
            given[name] = value
    return _validated(model, given)


def _parameters() -> Iterator[tuple[str, str]]:
    """Names and values as they came; what is not UTF-8 in a value stays a fault in it, for its field to refuse."""
    query = request.query_string.decode("utf-8", "surrogateescape")
    for name, value in parse_qsl(query, keep_blank_values=True, errors="surrogateescape"):
        yield name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), value


async def refuse_unknown_parameters() -> None:
    """A parameter that nothing reads is a mistake, most likely in its name."""
    view = current_app.view_functions.get(request.endpoint or "")
    if request.args and view and not hasattr(view, QUART_SCHEMA_QUERYSTRING_ATTRIBUTE):
        raise invalid(next(_parameters())[0], "is no parameter of this address")


def invalid(field: str, message: str) -> Problem:
    """The problem that says that a field can't be taken as it is."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {message}", errors=[{"field": field, "message": message}]
    )


def _validated(model: type[Model], document: object) -> Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = _field_errors(error)
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults),
            errors=faults,
        ) from None


def _no_json(reason: str) -> Problem:
    message = f"is not JSON: {reason}"
    return Problem(HTTPStatus.BAD_REQUEST, f"The body {message}.", errors=[{"field": "body", "message": message}])


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in pairs:
        if name in document:
            raise invalid(name, "must be there once")
        document[name] = value
    return document


def _integer(digits: str) -> int | float:
    """An integer; as a float, which every field refuses by its own name, if it is none that we would know again."""
    return float(digits) if digits == "-0" or len(digits) > LONGEST_NUMBER else int(digits)


def _field_errors(error: ValidationError) -> list[FieldError]:
    return [
        FieldError(
            field=".".join(str(part) for part in fault["loc"]) if fault["loc"] else "body",
            message=plain_message(fault),
        )
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def matching_versions() -> list[int] | None:
    """The versions that If-Match allows; None for any.

    A tag is an item's ETag (`"3-9c1e02"`) or its version (`"3"`): a write does not depend on a document's fields.
    """
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    tags = (ITEM_TAG.fullmatch(tag or "") for tag in request.if_match.as_set())  # an empty one is None
    return [int(tag[1]) for tag in tags if tag]


def actor() -> str | None:
    """Who makes this change, by X-Actor; None leaves it to the database, which takes its role."""
    value = request.headers.get("X-Actor")
    if value is None:
        return None
    try:
        name = value.encode("latin-1").decode("utf-8").strip()
    except UnicodeDecodeError:
        raise Problem(HTTPStatus.BAD_REQUEST, "X-Actor must be UTF-8.") from None
    if not 1 <= len(name) <= LONGEST_ACTOR or not name.isprintable():
        raise Problem(HTTPStatus.BAD_REQUEST, f"X-Actor must be 1 to {LONGEST_ACTOR} printable characters.")
    return name


def idempotency_key() -> str | None:
    """The name that the client gave to this change, so that a retry is known as one; None if it gave none."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise Problem(HTTPStatus.BAD_REQUEST, "Idempotency-Key must be 1 to 255 printable ASCII characters, no spaces.")
    return key
