"""Notes when sessions and tokens were last used. Nobody waits for it, and nothing depends on it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.access.principals import touch_credentials
from shared.db.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from api_service.store.connections import Pools
    from shared.access.principals import Principal


class LastUses:
    """Writes the uses of the last moment in one statement, one statement at a time."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        self._due: dict[tuple[int | None, int | None], Principal] = {}
        self._writing: asyncio.Task[None] | None = None

    def note(self, principal: Principal) -> None:
        """Write down soon that this session or token was used."""
        self._due[principal.session_id, principal.token_id] = principal
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._due:
                due, self._due = self._due, {}
                async with self._pools.writing() as connection:
                    await touch_credentials(connection, due.values())
        except DatabaseUnavailableError:
            self._due.clear()  # it is due again at the next request
        finally:
            self._writing = None
