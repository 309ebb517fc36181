"""Reads the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.db.database import acquire, load_queries
from shared.log.follower import select_head
from stream_service import frames
from stream_service.ring import Frame

if TYPE_CHECKING:
    from shared.db.database import Connection, Pool
    from shared.log.position import Position

queries = load_queries("log")

END_OF_LOG = 2**63 - 1
SNAPSHOT_PART = 500  # items in one frame


class Snapshot(NamedTuple):
    """All items as frames. The last one has the position."""

    frames: list[bytes]
    position: Position


async def select_floor(connection: Connection) -> int:
    """The log is complete after this event, which only rises."""
    return int(await queries.select_floor(connection))


async def select_events(
    connection: Connection, epoch: str, *, after: int, up_to: int = END_OF_LOG, page: int
) -> list[Frame]:
    """A page of the events after this id, in order, as frames."""
    return [
        Frame(row[0], row[1], frames.update(f"{epoch}-{row[0]}", row[2]))
        async for row in queries.select_events(connection, after=after, up_to=up_to, page=page)
    ]


async def select_snapshot(pool: Pool) -> Snapshot:
    """The stock and the position in the log, in one database snapshot."""
    async with (
        acquire(pool) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        head = await select_head(connection)
        documents = [row[1] async for row in queries.select_snapshot(connection)]
    parts = [documents[start : start + SNAPSHOT_PART] for start in range(0, len(documents), SNAPSHOT_PART)] or [[]]
    encoded = [frames.snapshot(part, None) for part in parts[:-1]]
    return Snapshot([*encoded, frames.snapshot(parts[-1], str(head))], head)
