"""Old events come from a standby where it has them. Whatever happens to it, clients receive exactly the log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import pytest

from shared.db.database import migration_files
from tests.acceptance.test_operations import metrics
from tests.faults.waiting import within
from tests.sse import Subscriber
from tests.stack import Stack, answers
from tests.standbys import POLL_SECONDS, follow, pause_replay, promote, start_standby, wait_until_replayed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

    Make = Callable[..., PostgresServer]

ITEMS = 1_000
SOME = 3_000  # events at the start of each test
MANY = 30_000  # events: more than all buffers between the service and a client that does not read can hold
SMALL_BUFFER = 65_536  # bytes
PATIENCE_SECONDS = 60
LATENCY_SECONDS = 15  # limit for a catch-up whose standby does not answer any more
SETTINGS = {"STREAM_RING_BYTES": "65536", "STREAM_HEARTBEAT_SECONDS": "1"}
SLOW_EVENT = """
ALTER FUNCTION event_data(inventory_history) RENAME TO fast_event_data;
CREATE FUNCTION event_data(event inventory_history) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF pg_is_in_recovery() AND event.event_id = 1500 THEN
        PERFORM pg_sleep(60);
    END IF;
    RETURN fast_event_data(event);
END $$;
"""  # on a standby, one event is read very slowly

CONFLICTS = "SELECT confl_snapshot FROM pg_stat_database_conflicts WHERE datname = current_database()"
READING_SLOWLY = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


@pytest.fixture
def make_standby(own_postgres: PostgresServer, tmp_path: Path) -> Iterator[Make]:
    """Return a function that starts a standby, by default of `own_postgres`."""
    standbys: list[PostgresServer] = []

    def make(upstream: PostgresServer = own_postgres, **settings: str) -> PostgresServer:
        standbys.append(start_standby(upstream, tmp_path / f"standby-{len(standbys)}", **settings))
        return standbys[-1]

    yield make
    for standby in standbys:
        standby.close()


@pytest.fixture
def stack(own_postgres: PostgresServer, tmp_path: Path) -> Iterator[Stack]:
    """A database with some events. No service runs yet."""
    stack = Stack(own_postgres, own_postgres.create_database(), tmp_path, SETTINGS)
    stack.sql(f"INSERT INTO inventory (name, quantity) SELECT 'item', 0 FROM generate_series(1, {ITEMS})")
    write(stack, SOME - ITEMS)
    yield stack
    stack.close()


def write(stack: Stack, events: int, server: PostgresServer | None = None) -> None:
    """Write some thousand events, on this server or the stack's."""
    text = "UPDATE inventory SET quantity = quantity + 1;" * (events // ITEMS)
    (server or stack.server).sql(stack.database, text)


def start_stream(stack: Stack, standby: PostgresServer) -> None:
    stack.settings["REPLAY_DATABASE_URL"] = standby.url(stack.database, "stockstream_stream")
    stack.start("stream")


def epoch(stack: Stack, server: PostgresServer | None = None) -> str:
    ((found,),) = (server or stack.server).sql(stack.database, "SELECT log_epoch()")
    return found


def events_read(stack: Stack, server: PostgresServer) -> int:
    """How many rows of the log this server has fetched for its clients."""
    ((count,),) = server.sql(
        stack.database,
        "SELECT sum(s.idx_tup_fetch + s.seq_tup_read) FROM pg_stat_user_tables AS s"
        " JOIN log_partitions() AS p ON p.partition = s.relid",
    )
    return int(count)


class Replayed(NamedTuple):
    """The blocks that the stream has read from each database, and those that the standby did not give it, by reason."""

    primary: int
    standby: int
    behind: int
    other_log: int
    failed: int


def replayed(stack: Stack) -> Replayed:
    found = metrics(stack.stream_url)
    blocks = [found.get(f'stockstream_replay_blocks_total{{source="{name}"}}', 0) for name in ("primary", "standby")]
    refusals = [
        found.get(f'stockstream_standby_refusals_total{{reason="{reason}"}}', 0)
        for reason in ("behind", "other_log", "failed")
    ]
    return Replayed(*map(int, blocks + refusals))


class Client:
    """Reads the log from its beginning. While it does not read, the service can't send more than a few megabytes."""

    def __init__(self, stream: Subscriber) -> None:
        self.events: list[tuple[str | None, Any]] = []
        self._stream = stream

    async def read(self, count: int) -> None:
        """Read this many more events."""
        async with within(PATIENCE_SECONDS, f"the client to read {count} events"):
            for frame in await self._stream.updates(count):
                self.events.append((frame.id, frame.json["data"]))

    def check(self, stack: Stack, condition: str = "true") -> None:
        """Check that these are the events of the log, each once and in order."""
        rows = stack.sql(
            "SELECT log_epoch() || '-' || event_id, coalesce(after, before) FROM inventory_history"
            f" WHERE {condition} ORDER BY event_id"
        )
        assert [position for position, _ in self.events] == [position for position, _ in rows]
        assert [data for _, data in self.events] == [json.loads(data) for _, data in rows]


def small_socket(address: Any) -> socket.socket:
    family, kind, protocol, *_ = address
    connection = socket.socket(family, kind, protocol)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    return connection


@contextlib.asynccontextmanager
async def catching_up(stack: Stack, query: str = "") -> AsyncIterator[Client]:
    """Connect a client that has seen nothing yet."""
    headers = {"Last-Event-ID": f"{epoch(stack)}-0"}
    connector = aiohttp.TCPConnector(socket_factory=small_socket)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session,
        session.get(f"{stack.stream_url}/events{query}", headers=headers) as response,
    ):
        yield Client(Subscriber(response, PATIENCE_SECONDS))


# A standby that follows ----------------------------------------------------------------------------------------------


async def test_old_events_come_from_the_standby_and_cost_the_primary_nothing(stack: Stack, make_standby: Make) -> None:
    standby = make_standby()
    await wait_until_replayed(standby, stack.server)
    start_stream(stack, standby)
    before = events_read(stack, stack.server)
    async with catching_up(stack) as client, catching_up(stack, "?item=7&item=9") as of_items:
        await client.read(SOME)
        await of_items.read(2 * SOME // ITEMS)
    assert replayed(stack) == Replayed(primary=0, standby=SOME // 1000, behind=0, other_log=0, failed=0)
    assert stack.stop("stream") == 0  # at the latest when they end, its sessions report what they have read
    assert events_read(stack, standby) >= SOME
    assert events_read(stack, stack.server) - before < 100
    client.check(stack)
    of_items.check(stack, "item_id IN (7, 9)")


async def test_without_a_standby_the_primary_reads_them(stack: Stack) -> None:
    stack.start("stream")
    before = events_read(stack, stack.server)
    async with catching_up(stack) as client:
        await client.read(SOME)
    assert replayed(stack) == Replayed(primary=SOME // 1000, standby=0, behind=0, other_log=0, failed=0)
    assert stack.stop("stream") == 0
    assert events_read(stack, stack.server) - before >= SOME
    client.check(stack)


async def test_a_standby_that_is_behind_is_used_for_what_it_has(stack: Stack, make_standby: Make) -> None:
    standby = make_standby()
    await wait_until_replayed(standby, stack.server)
    await pause_replay(standby)
    write(stack, SOME)
    start_stream(stack, standby)
    async with catching_up(stack) as client:
        await client.read(2 * SOME)
    client.check(stack)
    assert replayed(stack) == Replayed(primary=3, standby=3, behind=3, other_log=0, failed=0)

    standby.sql("postgres", "SELECT pg_wal_replay_resume()")
    write(stack, SOME)
    await wait_until_replayed(standby, stack.server)
    assert stack.stop("stream") == 0  # the next process has none of the blocks in memory
    stack.start("stream")
    async with catching_up(stack) as client:
        await client.read(3 * SOME)
    client.check(stack)
    assert replayed(stack) == Replayed(primary=0, standby=9, behind=0, other_log=0, failed=0)


async def test_a_standby_that_has_not_replayed_a_migration_is_not_used(stack: Stack, make_standby: Make) -> None:
    newest = migration_files()[-1].stem
    stack.sql(f"DELETE FROM stockstream_migration WHERE name = '{newest}'")
    standby = make_standby()
    await wait_until_replayed(standby, stack.server)
    await pause_replay(standby)
    stack.sql(f"INSERT INTO stockstream_migration (name, checksum) VALUES ('{newest}', '')")
    start_stream(stack, standby)
    async with catching_up(stack) as client:
        await client.read(SOME)
    client.check(stack)
    assert replayed(stack).primary == SOME // 1000
    assert "schema is not up to date" in stack.log("stream")


async def test_the_api_reads_on_a_standby_at_the_positions_of_the_primary(stack: Stack, make_standby: Make) -> None:
    standby = make_standby()
    await wait_until_replayed(standby, stack.server)
    stack.settings["DATABASE_URL"] = standby.url(stack.database, "stockstream_api")
    stack.start("api", wait=False)  # it is never ready, since it can't write
    async with within(PATIENCE_SECONDS, "the API to start"):
        while not await asyncio.to_thread(answers, f"{stack.api_url}/healthz"):
            await asyncio.sleep(POLL_SECONDS)
    async with aiohttp.ClientSession(stack.api_url) as api:
        async with api.get("/api/inventories") as listed:
            assert listed.status == 200
            assert listed.headers["Last-Event-ID"] == f"{epoch(stack)}-{SOME}"
        async with api.patch("/api/inventories/1", json={"adjust": 1}) as refused:
            assert refused.status == 503


# Other timelines -----------------------------------------------------------------------------------------------------


async def test_a_standby_has_the_epoch_of_its_primary_and_another_one_when_promoted(
    stack: Stack, make_standby: Make
) -> None:
    standby, cascaded = make_standby(), make_standby()
    for server in (standby, cascaded):
        await wait_until_replayed(server, stack.server)
        assert epoch(stack, server) == epoch(stack)
    follow(cascaded, standby)
    promote(standby)
    assert epoch(stack, standby) != epoch(stack)
    write(stack, SOME, standby)
    await wait_until_replayed(cascaded, standby)
    assert epoch(stack, cascaded) == epoch(stack, standby)


async def test_a_standby_that_is_promoted_in_the_middle_is_not_read_any_more(stack: Stack, make_standby: Make) -> None:
    write(stack, MANY)
    standby = make_standby()
    await wait_until_replayed(standby, stack.server)
    start_stream(stack, standby)
    async with catching_up(stack) as client:
        await client.read(SOME)
        promote(standby)
        write(stack, SOME, standby)
        write(stack, SOME)
        await client.read(MANY + SOME)
    client.check(stack)
    found = replayed(stack)
    assert found.standby > 0
    assert found.primary > 0
    assert found.other_log > 0


async def test_a_standby_that_follows_a_promoted_one_is_not_used(stack: Stack, make_standby: Make) -> None:
    """Its control file still names the former timeline, and its log is longer than the primary's."""
    promoted, standby = make_standby(), make_standby()
    for server in (promoted, standby):
        await wait_until_replayed(server, stack.server)
    follow(standby, promoted)
    promote(promoted)
    write(stack, 3 * SOME, promoted)
    await wait_until_replayed(standby, promoted)
    write(stack, SOME)
    start_stream(stack, standby)
    async with catching_up(stack) as client:
        await client.read(2 * SOME)
    client.check(stack)
    found = replayed(stack)
    assert found == Replayed(primary=6, standby=0, behind=0, other_log=found.other_log, failed=0)
    assert found.other_log > 0


async def test_a_standby_of_a_former_primary_that_had_more_than_the_promoted_one_is_not_used(
    stack: Stack, make_standby: Make
) -> None:
    promoted, ahead = make_standby(), make_standby()
    await wait_until_replayed(promoted, stack.server)
    promoted.stop()
    write(stack, SOME)
    await wait_until_replayed(ahead, stack.server)
    stack.server.stop(signal.SIGKILL)
    promoted.start()
    promote(promoted)
    write(stack, 2 * SOME, promoted)
    follow(ahead, promoted)  # which is refused, since it is past the place where the timelines part
    stack.server = promoted
    start_stream(stack, ahead)
    async with catching_up(stack) as client:
        await client.read(3 * SOME)
    client.check(stack)
    found = replayed(stack)
    assert found == Replayed(primary=9, standby=0, behind=0, other_log=found.other_log, failed=0)
    assert found.other_log > 0


# Failures in the middle ----------------------------------------------------------------------------------------------


async def test_a_standby_that_cannot_be_reached_costs_nothing_but_time(stack: Stack, make_standby: Make) -> None:
    standby = make_standby()
    standby.stop()
    start_stream(stack, standby)
    async with catching_up(stack) as client:
        await client.read(SOME)
    client.check(stack)
    assert replayed(stack) == Replayed(primary=SOME // 1000, standby=0, behind=0, other_log=0, failed=1)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL, signal.SIGSTOP], ids=["stopped", "killed", "suspended"])
async def test_a_standby_that_fails_in_the_middle_costs_latency_only(
    stack: Stack, make_standby: Make, how: signal.Signals
) -> None:
    write(stack, MANY)
    standby = make_standby()
    await wait_until_replayed(standby, stack.server)
    start_stream(stack, standby)
    async with catching_up(stack) as client:
        await client.read(SOME)
        before = replayed(stack)
        assert before.failed == 0
        if how is signal.SIGSTOP:
            standby.pause()
        else:
            standby.stop(how)
        began = time.monotonic()
        await client.read(MANY)
        latency = time.monotonic() - began
    client.check(stack)
    found = replayed(stack)
    assert found.standby > 0
    assert found.primary > 0
    assert found.failed > 0
    assert latency < LATENCY_SECONDS
    print(f"{how.name}: {latency:.1f} s, {found}")
    if how is signal.SIGSTOP:
        assert stack.stop("stream") == 0  # it does not wait for the standby
        standby.resume()
    else:
        standby.start()


async def test_a_read_that_a_recovery_conflict_cancels_is_done_by_the_primary(stack: Stack, make_standby: Make) -> None:
    stack.sql(SLOW_EVENT)
    standby = make_standby(max_standby_streaming_delay="0")
    await wait_until_replayed(standby, stack.server)
    start_stream(stack, standby)
    async with catching_up(stack) as client:
        await until(standby, READING_SLOWLY, "1")
        stack.sql("DELETE FROM inventory WHERE id = 1")
        stack.sql("VACUUM inventory")
        await client.read(SOME + 1)
    client.check(stack)
    await until(standby, CONFLICTS, "1", stack.database)  # the session reports it when it is idle
    assert "conflict with recovery" in stack.log("stream")
    found = replayed(stack)
    assert (found.standby, found.failed) == (1, 1)


async def test_a_read_that_takes_too_long_is_done_by_the_primary(stack: Stack, make_standby: Make) -> None:
    stack.sql(SLOW_EVENT)
    standby = make_standby()
    await wait_until_replayed(standby, stack.server)
    start_stream(stack, standby)
    async with catching_up(stack) as client:
        await client.read(SOME)
    client.check(stack)
    assert replayed(stack) == Replayed(primary=2, standby=1, behind=0, other_log=0, failed=1)
    await until(standby, READING_SLOWLY, "0")


async def until(server: PostgresServer, query: str, value: str, database: str = "postgres") -> None:
    """Wait until a query returns this value."""
    async with within(PATIENCE_SECONDS, f"{query} to be {value}"):
        while server.sql(database, query) != [(value,)]:
            await asyncio.sleep(POLL_SECONDS)
