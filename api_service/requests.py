"""What a request says, read strictly: its JSON body, its preconditions, its actor."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar, cast

from pydantic import BaseModel, ValidationError
from quart import request

from shared.problems import FieldError, Problem

LONGEST_ACTOR = 200
Model = TypeVar("Model", bound=BaseModel)


async def read_body(model: type[Model]) -> Model:
    """The request's JSON body as this model, or a 400, 413, 415 or 422 problem."""
    if request.mimetype != "application/json":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.")
    try:
        body = cast("bytes", await request.get_data(as_text=False))
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error) or "it is nested too deep"
        raise Problem(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {reason}.") from None
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = _field_errors(error)
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults),
            errors=faults,
        ) from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a key is there twice")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _field_errors(error: ValidationError) -> list[FieldError]:
    return [
        FieldError(
            field=".".join(str(part) for part in fault["loc"]) or "body",
            message=fault["msg"].removeprefix("Value error, "),
        )
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def matching_versions() -> list[int] | None:
    """The versions that If-Match allows; None for any."""
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    return [int(tag) for tag in request.if_match.as_set() if tag.isascii() and tag.isdigit() and len(tag) < 19]


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
