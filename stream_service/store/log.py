"""Reads the log."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from shared.db.database import load_queries
from shared.log.position import Position
from stream_service import frames
from stream_service.ring import Frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from shared.db.database import Connection
    from stream_service.filters import Filter

    Tree = Mapping[int, set[int]]  # the locations below each location, itself included

queries = load_queries("log")

END_OF_LOG = 2**63 - 1
PART_ITEMS = 500


class Reading(NamedTuple):
    """Events of the log, with its floor and head in the same database snapshot."""

    frames: list[Frame]
    floor: int
    head: Position


class Part(NamedTuple):
    """Some items, as the elements of a JSON array."""

    documents: str
    is_last: bool


async def select_floor(connection: Connection) -> int:
    """The log is complete after this event, which only rises."""
    return int(await queries.select_floor(connection))


async def select_events(
    connection: Connection, epoch: str, *, after: int, up_to: int = END_OF_LOG, page: int
) -> list[Frame]:
    """A page of the events after this id, in order, as frames."""
    return [
        Frame(row[0], row[1], row[2], frames.update(f"{epoch}-{row[0]}", row[3]), row[4])
        async for row in queries.select_events(connection, after=after, up_to=up_to, page=page)
    ]


async def select_block(connection: Connection, epoch: str, *, after: int, up_to: int) -> Reading:
    """The events after this id, up to ``up_to``. There are none if the log has another epoch, or ends before that."""
    rows = [row async for row in queries.select_block(connection, epoch=epoch, after=after, up_to=up_to)]
    found = [
        Frame(row[3], row[4], row[5], frames.update(f"{epoch}-{row[3]}", row[6]), row[7])
        for row in rows
        if row["event_id"] is not None
    ]
    return Reading(found, rows[0]["floor"], Position(rows[0]["epoch"], rows[0]["head"]))


async def select_event_time(connection: Connection, event_id: int) -> datetime | None:
    """When the last event up to this one was committed; None if the log does not reach back that far."""
    found: datetime | None = await queries.select_event_time(connection, event_id=event_id)
    return found


async def select_tree(connection: Connection) -> Tree:
    """The tree of locations."""
    below: defaultdict[int, set[int]] = defaultdict(set)
    async for row in queries.select_tree(connection):
        below[row["ancestor"]].add(row["location"])
    return below


async def select_tree_change(connection: Connection) -> datetime | None:
    """When the tree of locations changed last; None if it never did."""
    found: datetime | None = await queries.select_tree_change(connection)
    return found


async def select_items(connection: Connection, wanted: Filter | None) -> AsyncIterator[Part]:
    """The items that the filter selects, in parts of up to PART_ITEMS. There is at least one part."""
    locations = None if wanted is None or wanted.locations is None else sorted(wanted.locations)
    if wanted is not None and wanted.item_ids is not None:
        ids = sorted(wanted.item_ids)
        yield Part(await queries.select_items_by_id(connection, ids=ids, locations=locations), is_last=True)
        return
    part = await queries.select_items(connection, locations=locations, after=0, page=PART_ITEMS)
    while part["last_id"] is not None:
        following = await queries.select_items(connection, locations=locations, after=part["last_id"], page=PART_ITEMS)
        if following["last_id"] is None:
            break
        yield Part(part["documents"], is_last=False)
        part = following
    yield Part(part["documents"], is_last=True)
