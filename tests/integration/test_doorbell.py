"""The doorbell rings for commits, and only for these."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.log.doorbell import LOG_CHANNEL, Doorbell

if TYPE_CHECKING:
    import pytest

    from shared.db.database import Pool
    from tests.postgres import PostgresServer

PATIENCE_SECONDS = 20
PROBES = 20


async def test_probes_of_other_processes_do_not_ring(
    postgres: PostgresServer, database: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.log.doorbell.PROBE_INTERVAL_SECONDS", 0.01)
    rings = asyncio.Queue[None]()
    bells = {LOG_CHANNEL: lambda _: rings.put_nowait(None)}
    doorbells = [Doorbell(postgres.url(database), bells, application_name=f"doorbell {number}") for number in range(3)]
    async with asyncio.TaskGroup() as group, asyncio.timeout(PATIENCE_SECONDS):
        tasks = [group.create_task(doorbell.run()) for doorbell in doorbells]
        for _ in doorbells:
            await rings.get()  # after it has connected
        seen = asyncio.Queue[object]()
        async with pool.acquire() as listener:
            await listener.add_listener("inventory_history", lambda *arguments: seen.put_nowait(arguments[3]))
            for _ in range(PROBES):
                assert await seen.get()
            assert rings.empty(), "a probe rang"
            await pool.execute("INSERT INTO inventory (name, quantity) VALUES ('bolt', 1)")
            for _ in doorbells:
                await rings.get()
            await listener.reset()
        for task in tasks:
            task.cancel()
