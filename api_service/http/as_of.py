"""`as_of`: a point in the log, given as an event, a position or a time, and the last event up to it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from api_service.http.answers import invalid
from api_service.store import history
from api_service.store.items import State
from shared.log.position import EPOCH_PATTERN, MalformedPositionError, Position
from shared.web.problems import Problem

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue

    from shared.db.database import Connection

LogPoint = int | Position | datetime  # an event id, a position, or a time

LOG_POINT_SCHEMA: JsonSchemaValue = {
    "anyOf": [
        {"type": "string", "pattern": f"^({EPOCH_PATTERN}-)?[0-9]{{1,18}}$"},
        {"type": "string", "format": "date-time"},
    ],
    "examples": ["1042", "3f9c01ab-1042", "2026-01-05T12:00:00Z"],
}

# A `+` in a query string that is not percent-encoded arrives as a space.
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+ -]\d\d:\d\d)", re.ASCII)


class PastState(NamedTuple):
    """The state of the stock after an event."""

    event_id: int
    state: State


def parse_time(text: object) -> object:
    """An RFC 3339 time, in UTC. Raises ValueError."""
    match = _RFC3339.fullmatch(text) if isinstance(text, str) else None
    try:
        if match is None:
            raise ValueError
        date, clock, fraction, zone = match.groups()
        zone = "+00:00" if zone in "Zz" else zone.replace(" ", "+")
        return datetime.fromisoformat(f"{date}T{clock}{(fraction or '')[:7]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time as in 2026-11-25T12:00:00Z") from None


def parse_log_point(text: object) -> object:
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


async def find_state(connection: Connection, as_of: LogPoint | None) -> PastState:
    """The state at this point, or now (None). Raises a 410 or 422 problem where the log has no such point."""
    log = await history.select_log_range(connection)
    event_id = log.head if as_of is None else await _event_id(connection, log, as_of)
    if event_id is None or event_id < log.floor:
        oldest = log.position(log.floor)
        message = f"the log does not reach back that far: it begins at {oldest}"
        raise Problem(
            HTTPStatus.GONE, f"as_of: {message}", errors=[{"field": "as_of", "message": message}], oldest=oldest
        )
    if event_id > log.head:
        raise invalid("as_of", f"the log ends at {log.position(log.head)}")
    return PastState(event_id, State(log.position(event_id), log.shape))


async def _event_id(connection: Connection, log: history.LogRange, as_of: LogPoint) -> int | None:
    if isinstance(as_of, datetime):
        if as_of > log.now:
            raise invalid("as_of", "lies in the future")
        return await history.select_event_at(connection, as_of)
    if isinstance(as_of, Position):
        if as_of.epoch != log.epoch:
            raise invalid("as_of", "the position is of another log")
        return as_of.event_id
    return as_of
