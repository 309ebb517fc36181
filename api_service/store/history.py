"""Reads the log (the audit trail, past states, trends), and prunes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.db.database import load_queries
from shared.log.position import Position

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from shared.access.principals import Locations
    from shared.db.database import Connection

queries = load_queries("history")

MAX_TREND_EVENTS = 100_000  # read for a trend of the total, which takes up to half a second


class Entry(NamedTuple):
    """An event, and its JSON document."""

    event_id: int
    document: str


class EventCriteria(NamedTuple):
    """Conditions that an event must meet. None means no condition."""

    locations: Locations
    actor: str | None = None
    item: int | None = None
    operation: str | None = None
    movement: int | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class LogRange(NamedTuple):
    """The log's epoch and extent. It is complete after the event ``floor``, and its last event is ``head``.

    ``now`` is the database's time. ``shape`` is the shape of the documents of items.
    """

    epoch: str
    floor: int
    head: int
    now: datetime
    shape: str

    def position(self, event_id: int) -> str:
        return str(Position(self.epoch, event_id))


class TimeSteps(NamedTuple):
    """``steps`` + 1 evenly spaced times, the first of them ``since``."""

    since: datetime
    step: timedelta
    steps: int


async def select_history(
    connection: Connection, criteria: EventCriteria, *, limit: int, after: int | None = None
) -> list[Entry]:
    """The matching events before the event ``after``, newest first."""
    rows = queries.select_history(connection, **criteria._asdict(), after=after, page=limit)
    return [Entry(*row) async for row in rows]


async def select_deletions(
    connection: Connection, *, locations: Locations, limit: int, after: int | None = None
) -> list[Entry]:
    """The deletions of all deleted items before the event ``after``, latest first."""
    rows = queries.select_deletions(connection, locations=locations, after=after, page=limit)
    return [Entry(*row) async for row in rows]


async def select_item_existed(connection: Connection, item_id: int, locations: Locations) -> bool:
    """Whether an item with this id exists or existed at these locations."""
    return bool(await queries.select_item_existed(connection, id=item_id, locations=locations))


async def select_log_range(connection: Connection) -> LogRange:
    return LogRange(*await queries.select_log_range(connection))


async def select_event_at(connection: Connection, moment: datetime) -> int | None:
    """The last event before this time; None if the log does not reach back that far."""
    found: int | None = await queries.select_event_at(connection, moment=moment)
    return found


async def select_total_trend(connection: Connection, times: TimeSteps, locations: Locations) -> list[int | None]:
    """The sum of all quantities at these locations and times.

    None where the log does not reach back that far, or more than MAX_TREND_EVENTS events have followed.
    """
    rows = queries.select_total_trend(connection, locations=locations, **times._asdict(), most=MAX_TREND_EVENTS)
    return [row["quantity"] async for row in rows]


async def select_item_trends(
    connection: Connection, item_ids: Sequence[int], times: TimeSteps, locations: Locations
) -> dict[int, list[int | None]]:
    """The quantities of these items at these times; None where there was no such item at these locations."""
    rows = queries.select_item_trends(connection, locations=locations, items=item_ids, **times._asdict())
    return {row["id"]: row["quantities"] async for row in rows}


async def extend_log(connection: Connection) -> None:
    """Add a partition to the log, if the last one is in use."""
    await queries.extend_log(connection)


async def prune_history(connection: Connection, older_than: timedelta, batch: int) -> int:
    """Delete a batch of old events. Returns the number of rows processed, 0 when nothing is left to do."""
    return int(await queries.prune_history(connection, older_than=older_than, batch=batch))
