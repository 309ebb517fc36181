"""Validation that queries, bodies and CSV files share, and its messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator

from shared.log.documents import MAX_ID, ItemId

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_MESSAGES = {"missing": "is required", "extra_forbidden": "is unknown"}
_SHOULD = re.compile(r"^(Value error, |(Input|String|List|Value) should )")


def plain_message(error: ErrorDetails) -> str:
    """What is wrong with a field, as a predicate: "must be greater than or equal to 0"."""
    message = _MESSAGES.get(error["type"], error["msg"])
    return _SHOULD.sub(lambda match: "" if match[2] is None else "must ", message)


def parse_digits(value: object) -> object:
    """An integer that is written as text. Raises ValueError for anything but ASCII digits; int() accepts more."""
    if not isinstance(value, str):
        return value
    if not value.isascii() or not value.isdigit() or len(value) > len(str(MAX_ID)):
        raise ValueError("must be a whole number, written in digits")
    return int(value)


def parse_flag(value: object) -> object:
    """A flag in a query string: 1 or 0. Raises ValueError."""
    if not isinstance(value, str):
        return value
    if value not in {"0", "1"}:
        raise ValueError("must be 0 or 1")
    return value == "1"


IdText = Annotated[ItemId, BeforeValidator(parse_digits)]
