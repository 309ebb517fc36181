"""A process or connection dies during writes. In the end, every subscriber equals the table."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
import pytest

from shared.db.errors import DRIVER_ERRORS
from tests.faults.waiting import within
from tests.sse import subscribe
from tests.stack import Stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

ITEMS = 20
EVENTS_BEFORE = 100
EVENTS_AFTER = 100
PATIENCE_SECONDS = 30


class Mirror:
    """A client like the page: keeps the items and its position, and reconnects by itself."""

    def __init__(self, stack: Stack) -> None:
        self.items: dict[int, dict[str, Any]] = {}
        self.event_ids: list[int] = []
        self.resets = 0
        self._stack = stack
        self._position: str | None = None
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError, EOFError, TimeoutError):
                query = "" if self._position else "?snapshot=1"
                async with subscribe(self._stack.stream_url, query, last_event_id=self._position) as stream:
                    while True:
                        await self._take(await stream.frame())
            await asyncio.sleep(0.02)  # shorter than in EventSource

    async def _take(self, frame: Any) -> None:
        if frame.event == "snapshot":
            self.items |= {item["id"]: item for item in frame.json}
        elif frame.event == "inventory_update":
            self.event_ids.append(frame.event_id)
            self.items[frame.json["data"]["id"]] = frame.json["data"]
        elif frame.event == "reset":
            self.resets += 1
        self._position = frame.id or self._position
        async with self._changed:
            self._changed.notify_all()

    async def until(self, head: int) -> None:
        async with within(PATIENCE_SECONDS, f"the mirror to come to {head}"), self._changed:
            await self._changed.wait_for(lambda: self.event_ids[-1:] >= [head])


@pytest.fixture
def stack(own_postgres: PostgresServer, tmp_path: Path) -> Iterator[Stack]:
    """A stream service on a PostgreSQL that the test may stop."""
    stack = Stack(own_postgres, own_postgres.create_database(), tmp_path)
    stack.start("stream")
    stack.sql(f"INSERT INTO inventory (name, quantity) SELECT 'item', 0 FROM generate_series(1, {ITEMS})")
    yield stack
    stack.close()


class Writer:
    """Updates items one after another until it is stopped, and reconnects after errors."""

    def __init__(self, stack: Stack) -> None:
        self.commits = 0
        self._stack = stack
        self._stopped = False

    def stop(self) -> None:
        """Let run() return after the current write. A cancelled write might still commit later."""
        self._stopped = True

    async def run(self) -> None:
        while not self._stopped:
            with contextlib.suppress(*DRIVER_ERRORS):
                connection = await asyncpg.connect(self._stack.database_url, timeout=2, command_timeout=4)
                try:
                    while not self._stopped:
                        await connection.execute(
                            "UPDATE inventory SET quantity = quantity + 1 WHERE id = $1", self.commits % ITEMS + 1
                        )
                        self.commits += 1
                finally:
                    connection.terminate()
            await asyncio.sleep(0.02)

    async def more(self, count: int) -> None:
        """Wait until `count` more commits have been confirmed. Raises StuckError."""
        wanted = self.commits + count
        async with within(PATIENCE_SECONDS, f"{count} more commits"):
            while self.commits < wanted:
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def racing(stack: Stack) -> AsyncIterator[tuple[Writer, Mirror]]:
    """Run a writer and a mirror. At the end, the mirror must equal the table and have received every event."""
    writer, mirror = Writer(stack), Mirror(stack)
    mirroring, writing = asyncio.create_task(mirror.run()), asyncio.create_task(writer.run())
    await writer.more(EVENTS_BEFORE)
    yield writer, mirror
    await writer.more(EVENTS_AFTER)
    writer.stop()
    async with within(PATIENCE_SECONDS, "the writer to finish"):
        await writing
    ids = [int(row[0]) for row in stack.sql("SELECT event_id FROM inventory_history ORDER BY event_id")]
    await mirror.until(ids[-1])
    mirroring.cancel()
    async with within(PATIENCE_SECONDS, "the mirror to end"):
        await asyncio.gather(mirroring, return_exceptions=True)
    table = json.loads(stack.sql("SELECT json_agg(item_document(i) ORDER BY id) FROM inventory i")[0][0])
    assert sorted(mirror.items.values(), key=lambda item: int(item["id"])) == table
    assert mirror.event_ids == [event_id for event_id in ids if event_id >= mirror.event_ids[0]]
    assert mirror.resets == 0


async def test_kill_9_of_the_stream_in_mid_write(stack: Stack) -> None:
    async with racing(stack) as (writer, _):
        for _ in range(3):
            stack.kill("stream")
            await asyncio.to_thread(stack.start, "stream")
            await writer.more(30)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL], ids=lambda how: how.name)
async def test_postgresql_is_stopped_and_started_in_mid_write(stack: Stack, how: signal.Signals) -> None:
    async with racing(stack):
        stack.server.stop(how)
        async with within(PATIENCE_SECONDS, "the stream to notice"):  # sessions of a killed server end a little later
            while await asyncio.to_thread(stack.is_ready, "stream"):
                await asyncio.sleep(0.02)
        await asyncio.to_thread(stack.server.start)
        await asyncio.to_thread(stack.wait_until_ready, "stream")


async def test_the_listener_reconnects_by_itself(stack: Stack) -> None:
    listener = "FROM pg_stat_activity WHERE application_name = 'stockstream_stream listener'"
    async with racing(stack) as (writer, _):
        for _ in range(3):
            assert stack.sql(f"SELECT pg_terminate_backend(pid) {listener}") == [("t",)]
            await writer.more(20)
            async with within(PATIENCE_SECONDS, "the listener to come back"):
                while stack.sql(f"SELECT count(*) {listener}") != [("1",)]:
                    await asyncio.sleep(0.02)
    assert await asyncio.to_thread(stack.is_ready, "stream")


async def test_every_database_connection_is_terminated(stack: Stack) -> None:
    async with racing(stack) as (writer, _):
        for _ in range(3):
            stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            await writer.more(20)


async def test_a_lost_notification_costs_latency_but_no_event(stack: Stack) -> None:
    """Without any notification, the stream still polls the log."""
    stack.sql(
        "DO $$ BEGIN EXECUTE replace(pg_get_functiondef('inventory_write_history'::regproc),"
        " 'PERFORM pg_notify', '-- PERFORM pg_notify'); END $$"
    )
    async with racing(stack):
        pass
