"""Reads snapshots of the stock."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.db.database import acquire
from shared.log.follower import select_head
from stream_service import frames
from stream_service.store import log as log_store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.db.database import Pool
    from shared.log.position import Position
    from stream_service.filters import Filter


class SnapshotPart(NamedTuple):
    """A part of a snapshot, as a frame, and the position of the snapshot."""

    position: Position
    data: bytes
    is_last: bool


async def select_snapshot(pool: Pool, wanted: Filter | None) -> AsyncGenerator[SnapshotPart]:
    """The items that the filter selects, in one database snapshot. There is at least one part."""
    async with (
        acquire(pool) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        position = await select_head(connection)
        async for part in log_store.select_items(connection, wanted):
            data = frames.snapshot(part.documents, str(position) if part.is_last else None)
            yield SnapshotPart(position, data, part.is_last)
