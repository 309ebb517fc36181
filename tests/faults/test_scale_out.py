"""Several streams with a broker: what they ask of PostgreSQL, how they take over from each other, and who may read."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from tests.accounts import add_token
from tests.broker import Broker, running_broker
from tests.faults.waiting import within
from tests.sse import subscribe
from tests.stack import Stack
from tests.system_programs import find_broker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

pytestmark = pytest.mark.skipif(find_broker() is None, reason="no redis-server")

STREAMS = ("stream", "stream2", "stream3")
PATIENCE_SECONDS = 20.0
POLL_SECONDS = 0.02
CHANGES = 30
MISSED = 2_500
REVOCATIONS = 5
CHECK_SECONDS = 13.5  # time between two checks of all rights, with these heartbeats


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as broker:
        yield broker


@pytest.fixture
def streams(own_postgres: PostgresServer, broker: Broker, tmp_path: Path) -> Iterator[Stack]:
    """Three streams, on a PostgreSQL that logs every statement of theirs."""
    own_postgres.log_statements("stockstream_stream")
    settings = {"BROKER_URL": broker.url, "STREAM_HEARTBEAT_SECONDS": "15"}
    stack = Stack(own_postgres, own_postgres.create_database(), tmp_path, settings, STREAMS)
    for name in STREAMS:
        stack.start(name, wait=False)
    for name in STREAMS:
        stack.wait_until_ready(name)
    yield stack
    stack.close()


async def until_trusted(stack: Stack, names: tuple[str, ...] = STREAMS) -> str:
    """Wait until these streams get their events from the broker. Returns the one that publishes them."""
    async with within(PATIENCE_SECONDS, "the streams to trust the broker"):
        while True:
            states = {name: await asyncio.to_thread(stack.metrics, name) for name in names}
            publishers = [name for name, state in states.items() if state["stockstream_publishing"]]
            if publishers and all(state["stockstream_broker_trusted"] for state in states.values()):
                return publishers[0]
            await asyncio.sleep(POLL_SECONDS)


def url(stack: Stack, name: str) -> str:
    return f"http://127.0.0.1:{stack.ports[name]}"


def add_item(stack: Stack) -> None:
    stack.sql("INSERT INTO inventory (name, quantity) VALUES ('item', 1)")


def statements(stack: Stack, text: str) -> int:
    """How often the streams have sent a statement with this text."""
    return stack.server.log.read_text().count(text)


async def test_the_database_has_one_listener_and_one_reader(streams: Stack) -> None:
    await until_trusted(streams)
    async with (
        subscribe(url(streams, "stream")) as one,
        subscribe(url(streams, "stream2")) as two,
        subscribe(url(streams, "stream3")) as three,
    ):
        clients = [await each.opened() for each in (one, two, three)]
        await until_trusted(streams)
        listeners = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stockstream_stream listener'"
        assert streams.sql(listeners) == [("1",)]
        before = statements(streams, "FROM inventory_history")
        began = time.monotonic()
        for _ in range(CHANGES):
            add_item(streams)
            for client in clients:
                await client.updates(1)
        reads = statements(streams, "FROM inventory_history") - before
        polls = time.monotonic() - began  # one of each reader each second
        assert CHANGES / 2 < reads < 2 * (CHANGES + polls), "with three readers, there would be three times as many"


async def test_catching_up_within_the_brokers_window_asks_the_database_for_no_event(streams: Stack) -> None:
    await until_trusted(streams)
    ((start,),) = streams.sql("SELECT log_position()")
    for _ in range(MISSED // 100):
        streams.sql("INSERT INTO inventory (name, quantity) SELECT 'item', n FROM generate_series(1, 100) AS n")
    await until_trusted(streams)
    streams.kill("stream3")
    streams.start("stream3")  # with nothing in its own memory
    await until_trusted(streams)
    async with (
        subscribe(url(streams, "stream3"), last_event_id=start) as whole,
        subscribe(url(streams, "stream3"), "?item=7&item=1207", last_event_id=start) as narrowed,
    ):
        assert [frame.event_id for frame in await whole.updates(MISSED)] == list(range(1, MISSED + 1))
        assert [frame.json["data"]["id"] for frame in await narrowed.updates(2)] == [7, 1207]
    blocks = {name for name in streams.metrics("stream3") if name.startswith("stockstream_replay_blocks_total")}
    assert blocks == {'stockstream_replay_blocks_total{source="broker"}'}


async def test_a_publisher_that_stops_hands_over_at_once(streams: Stack) -> None:
    publisher = await until_trusted(streams)
    rest = tuple(name for name in STREAMS if name != publisher)
    async with subscribe(url(streams, rest[0])) as client:
        await client.opened()
        stopping = asyncio.create_task(asyncio.to_thread(streams.stop, publisher))
        for _ in range(CHANGES):
            await asyncio.to_thread(add_item, streams)
        assert [frame.event_id for frame in await client.updates(CHANGES)] == list(range(1, CHANGES + 1))
        assert await stopping == 0
        assert await until_trusted(streams, rest) in rest


async def test_without_the_broker_the_streams_work_and_return_to_it_by_themselves(
    streams: Stack, broker: Broker
) -> None:
    broker.kill()
    streams.stop("stream")
    streams.start("stream")  # ready, although there is no broker
    async with subscribe(url(streams, "stream")) as one, subscribe(url(streams, "stream2")) as two:
        for client in (one, two):
            await client.opened()
        add_item(streams)
        for client in (one, two):
            await client.updates(1)
        broker.start()
        await until_trusted(streams)
        add_item(streams)
        for client in (one, two):
            await client.updates(1)


async def test_a_right_that_is_taken_away_ends_the_streams_of_every_process_at_once(
    own_postgres: PostgresServer, broker: Broker, tmp_path: Path
) -> None:
    settings = {"BROKER_URL": broker.url, "STREAM_HEARTBEAT_SECONDS": "15", "AUTH": "login"}
    stack = Stack(own_postgres, own_postgres.create_database(), tmp_path, settings, STREAMS)
    try:
        for name in STREAMS:
            await asyncio.to_thread(stack.start, name)
        await until_trusted(stack)
        began = time.monotonic()
        for number in range(REVOCATIONS):
            headers = add_token(stack, f"scanner{number}", "viewer")
            async with (
                subscribe(url(stack, "stream"), headers=headers) as one,
                subscribe(url(stack, "stream2"), headers=headers) as two,
                subscribe(url(stack, "stream3"), headers=headers) as three,
            ):
                clients = [await each.opened() for each in (one, two, three)]
                stack.sql("DELETE FROM token")
                for client in clients:
                    assert (await client.next("signed_out")).json == {"reason": "revoked"}
        # Else each of them would have waited for the next check of all rights.
        assert time.monotonic() - began < CHECK_SECONDS * (REVOCATIONS - 1)
    finally:
        stack.close()
