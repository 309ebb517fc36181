"""The whole stock as a list, kept in memory until the log moves on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_service.coalescing import Coalesced
from api_service.store import items
from shared.db.database import acquire

if TYPE_CHECKING:
    from api_service.store.items import Snapshot, State
    from shared.db.database import Pool


class Stock:
    """The current list. It is served from memory only after the database has confirmed that it is current."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._latest: Snapshot | None = None
        self.state = Coalesced(self._select_state)
        self._snapshot = Coalesced(self._select_snapshot)

    async def snapshot(self) -> Snapshot:
        """All items, and the state of the stock."""
        state = await self.state()
        if self._latest is None or self._latest.state != state:
            self._latest = await self._snapshot()
        return self._latest

    async def _select_state(self) -> State:
        async with acquire(self._pool) as connection:
            return await items.select_state(connection)

    async def _select_snapshot(self) -> Snapshot:
        async with acquire(self._pool) as connection:
            return await items.select_items(connection)
