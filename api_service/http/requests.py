"""Reads requests, strictly: their bodies, parameters and headers."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from quart import request
from werkzeug.exceptions import RequestEntityTooLarge, RequestTimeout

from api_service.http.answers import invalid
from api_service.http.services import settings
from api_service.validation import plain_message
from shared.web.problems import FieldError, Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

MAX_DISCARDED_BYTES = 4 * 1024 * 1024
MAX_NUMBER_DIGITS = 1_000  # digits; no field accepts more, and int() refuses more than 4,300
Model = TypeVar("Model", bound=BaseModel)


async def read_body(model: type[Model]) -> Model:
    """The request's JSON body as this model. Raises a 400, 408, 413 or 422 problem."""
    body = await read_bytes(settings().max_body_bytes)
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
    """The request's whole body. Raises a 408 or 413 problem."""
    return b"".join([chunk async for chunk in stream_body(limit)])


async def stream_body(limit: int) -> AsyncIterator[bytes]:
    """The request's body, chunk by chunk as it arrives. Raises a 408 or 413 problem.

    The part beyond the limit is read and dropped, up to MAX_DISCARDED_BYTES: a client whose connection is closed while
    it is still sending may never read the answer.
    """
    size = 0
    try:
        async with asyncio.timeout(request.body_timeout):
            async for chunk in request.body:
                size += len(chunk)
                if size <= limit:
                    yield chunk
                elif size > limit + MAX_DISCARDED_BYTES:
                    break
    except TimeoutError:
        raise RequestTimeout from None
    if size > limit:
        raise RequestEntityTooLarge


def read_query(model: type[Model]) -> Model:
    """The request's parameters as this model. Raises a 422 problem."""
    given: dict[str, Any] = {}
    for name, value in _parameters():
        field = model.model_fields.get(name)
        if field is not None and isinstance(field.default, list):
            given.setdefault(name, []).append(value)
        elif name in given:
            raise invalid(name, "must not be repeated")
        else:
            given[name] = value
    return _validated(model, given)


def _parameters() -> Iterator[tuple[str, str]]:
    """The names and values of the query string. Bytes that are not UTF-8 become surrogates, which all fields refuse."""
    query = request.query_string.decode("utf-8", "surrogateescape")
    for name, value in parse_qsl(query, keep_blank_values=True, errors="surrogateescape"):
        yield name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), value


def read_headers(model: type[Model]) -> Model:
    """The request's headers as this model. Raises a 400 problem."""
    names = [str(field.alias) for field in model.model_fields.values()]
    return model.model_validate({name: request.headers[name] for name in names if name in request.headers})


def refuse_parameters() -> None:
    """Refuse every parameter: an unexpected one is most likely misspelt. Raises a 422 problem."""
    for name, _ in _parameters():
        raise invalid(name, "is not a parameter of this address")


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
            raise invalid(name, "must not be repeated")
        document[name] = value
    return document


def _integer(digits: str) -> int | float:
    """Parse an integer. -0 and numbers with too many digits become floats, which every field refuses."""
    return float(digits) if digits == "-0" or len(digits) > MAX_NUMBER_DIGITS else int(digits)


def _field_errors(error: ValidationError) -> list[FieldError]:
    return [
        FieldError(
            field=".".join(str(part) for part in fault["loc"]) if fault["loc"] else "body",
            message=plain_message(fault),
        )
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
