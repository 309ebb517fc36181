"""Moments in the log, as clients name them: an event id, a position, or a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.log.position import MalformedPositionError, Position

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue

MOMENT_SCHEMA: JsonSchemaValue = {
    "anyOf": [
        {"type": "string", "pattern": "^([0-9a-z]{1,16}-)?[0-9]{1,18}$"},
        {"type": "string", "format": "date-time"},
    ],
    "examples": ["1042", "3f9c01ab-1042", "2026-01-05T12:00:00Z"],
}

# A `+` in a query that was not encoded arrives as a space.
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+ -]\d\d:\d\d)", re.ASCII)

Moment = int | Position | datetime


def parse_time(text: object) -> object:
    """An RFC 3339 time, in UTC. Raises ValueError."""
    if not isinstance(text, str):
        return text
    match = _RFC3339.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        date, clock, fraction, zone = match.groups()
        zone = "+00:00" if zone in "Zz" else zone.replace(" ", "+")
        return datetime.fromisoformat(f"{date}T{clock}{(fraction or '')[:7]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time as in 2026-11-25T12:00:00Z") from None


def parse_moment(text: object) -> object:
    """An event id, a position or an RFC 3339 time. Raises ValueError."""
    if not isinstance(text, str):
        return text
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    try:
        return Position.parse(text)
    except MalformedPositionError:
        pass
    try:
        return parse_time(text)
    except ValueError:
        raise ValueError("must be an event id, a position, or a time as in 2026-11-25T12:00:00Z") from None
