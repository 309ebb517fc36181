"""Reads the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.db.database import load_queries
from stream_service import frames
from stream_service.ring import Frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.db.database import Connection
    from stream_service.filters import Filter

queries = load_queries("log")

END_OF_LOG = 2**63 - 1
PART_ITEMS = 500


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
        Frame(row[0], row[1], frames.update(f"{epoch}-{row[0]}", row[2]), row[3])
        async for row in queries.select_events(connection, after=after, up_to=up_to, page=page)
    ]


async def select_items(connection: Connection, wanted: Filter | None) -> AsyncIterator[Part]:
    """The items that the filter selects, in parts of up to PART_ITEMS. There is at least one part."""
    if wanted is not None:
        yield Part(await queries.select_items_by_id(connection, ids=sorted(wanted.item_ids)), is_last=True)
        return
    part = await queries.select_items(connection, after=0, page=PART_ITEMS)
    while part["last_id"] is not None:
        following = await queries.select_items(connection, after=part["last_id"], page=PART_ITEMS)
        if following["last_id"] is None:
            break
        yield Part(part["documents"], is_last=False)
        part = following
    yield Part(part["documents"], is_last=True)
