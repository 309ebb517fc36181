"""`as_of`: which event of the log a client means."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from api_service.requests import invalid
from api_service.store import history
from api_service.store.items import State
from shared.log.position import Position
from shared.problems import Problem

if TYPE_CHECKING:
    from api_service.moments import Moment
    from shared.database import Connection


class Past(NamedTuple):
    """The state after an event."""

    event_id: int
    state: State


async def find(connection: Connection, as_of: Moment | None) -> Past:
    """The event that ``as_of`` means (None: the last), or a 410 or 422 problem."""
    log = await history.select_extent(connection)
    event_id = log.head if as_of is None else await _event_id(connection, log, as_of)
    if event_id is None or event_id < log.floor:
        oldest = log.position(log.floor)
        message = f"the log does not reach back that far: it begins at {oldest}"
        raise Problem(
            HTTPStatus.GONE, f"as_of: {message}", errors=[{"field": "as_of", "message": message}], oldest=oldest
        )
    if event_id > log.head:
        raise invalid("as_of", f"the log ends at {log.position(log.head)}")
    return Past(event_id, State(log.position(event_id), log.shape))


async def _event_id(connection: Connection, log: history.Extent, as_of: Moment) -> int | None:
    if isinstance(as_of, datetime):
        if as_of > log.now:
            raise invalid("as_of", "lies in the future")
        return await history.select_event_at(connection, as_of)
    if isinstance(as_of, Position):
        if as_of.epoch != log.epoch:
            raise invalid("as_of", "the position is of another log")
        return as_of.event_id
    return as_of
