"""The contract of `GET /events`, tested over a real socket."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import aiohttp
import asyncpg
import pytest

from tests.acceptance.client import problem
from tests.sse import subscribe
from tests.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

PATIENCE_SECONDS = 20
POSITION = r"[0-9a-f]{8}-[0-9]+"


@pytest.fixture
def stream(postgres: PostgresServer, database: str, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Return a function that starts a stream service with the given settings."""
    stack = Stack(postgres, database, tmp_path)

    def start(**settings: str) -> Stack:
        stack.settings.update(settings)
        stack.start("stream")
        return stack

    yield start
    stack.close()


def position(stack: Stack) -> str:
    return stack.sql("SELECT log_position()")[0][0]


def add_items(stack: Stack, count: int) -> None:
    stack.sql(f"INSERT INTO inventory (name, quantity) SELECT 'item ' || n, n FROM generate_series(1, {count}) AS n")


async def test_a_change_arrives_in_exactly_this_frame(stream: Callable[..., Stack]) -> None:
    stack = stream()
    async with subscribe(stack.stream_url) as subscriber:
        assert subscriber.response.status == 200
        assert subscriber.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert subscriber.response.headers["Cache-Control"] == "no-cache, no-transform"
        assert subscriber.response.headers["X-Accel-Buffering"] == "no"
        first = await subscriber.frame()
        assert re.fullmatch(r"retry: \d{4}", first.raw)
        await subscriber.opened()
        stack.sql("SET stockstream.actor = 'Zoë'; INSERT INTO inventory (name, quantity) VALUES ('bolt \"M4\"', 5)")
        frame = await subscriber.frame()
    ((document,),) = stack.sql("SELECT item_document(i) FROM inventory i")
    ((changed_at,),) = stack.sql("SELECT rfc3339(changed_at) FROM inventory_history")
    assert frame.raw == (
        f"id: {position(stack)}\nevent: inventory_update\n"
        f'data: {{"event":"INSERT","data":{document},"actor":"Zoë","changed_at":"{changed_at}"}}'
    )


async def test_a_deletion_carries_the_document_before_it(stream: Callable[..., Stack]) -> None:
    stack = stream()
    add_items(stack, 1)
    async with subscribe(stack.stream_url, last_event_id=position(stack)) as subscriber:
        await subscriber.opened()
        stack.sql("UPDATE inventory SET quantity = 7; DELETE FROM inventory")
        update, delete = [frame.json for frame in await subscriber.updates(2)]
    assert (update["event"], delete["event"]) == ("UPDATE", "DELETE")
    assert update["data"] == delete["data"]
    assert delete["data"]["version"] == 2


async def test_without_a_position_a_stream_starts_at_the_head_and_sends_it(stream: Callable[..., Stack]) -> None:
    stack = stream()
    add_items(stack, 3)
    async with subscribe(stack.stream_url, last_event_id=position(stack)) as ready:
        await ready.opened()  # the service has read all three events
    async with subscribe(stack.stream_url) as subscriber:
        heartbeat = await subscriber.next("heartbeat")
        assert subscriber.last_event_id == heartbeat.json["head"] == position(stack)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", heartbeat.json["at"])


@pytest.mark.parametrize("by", ["header", "?last_event_id=", "?lastEventId="])
async def test_a_resume_begins_after_its_position(stream: Callable[..., Stack], by: str) -> None:
    stack = stream()
    add_items(stack, 10)
    epoch, _, head = position(stack).rpartition("-")
    asked = f"{epoch}-{int(head) - 4}"
    query, header = ("", asked) if by == "header" else (by + asked, None)
    async with subscribe(stack.stream_url, query, last_event_id=header) as subscriber:
        assert [frame.event_id for frame in await subscriber.updates(4)] == [7, 8, 9, 10]
        stack.sql("UPDATE inventory SET quantity = 99 WHERE id = 1")
        assert (await subscriber.next("inventory_update")).event_id == 11


async def test_the_header_wins_over_the_parameter(stream: Callable[..., Stack]) -> None:
    stack = stream()
    add_items(stack, 5)
    epoch = position(stack).partition("-")[0]
    async with subscribe(stack.stream_url, f"?last_event_id={epoch}-1", last_event_id=f"{epoch}-4") as subscriber:
        assert (await subscriber.next("inventory_update")).event_id == 5


@pytest.mark.parametrize("events", [1_000, 10_000, 50_000])
async def test_a_resume_from_far_back_meets_the_live_stream_without_gap_or_repeat(
    stream: Callable[..., Stack], events: int
) -> None:
    """Events that have left the ring are read from the database. A ring of 64 KB holds about 200 events."""
    stack = stream(STREAM_RING_BYTES="65536")
    epoch = position(stack).partition("-")[0]
    add_items(stack, events)
    async with subscribe(stack.stream_url, last_event_id=f"{epoch}-0") as subscriber:
        first = await subscriber.updates(10)
        stack.sql("UPDATE inventory SET quantity = 0 WHERE id <= 100")
        rest = await subscriber.updates(events + 100 - 10)
    assert [frame.event_id for frame in first + rest] == list(range(1, events + 101))


@pytest.mark.parametrize(
    ("asked", "reason"), [("{epoch}-99", "ahead of the log"), ("0000-1", "of another log"), ("zz-99", "of another log")]
)
async def test_a_position_that_the_log_cannot_serve_is_reset_to_the_head(
    stream: Callable[..., Stack], asked: str, reason: str
) -> None:
    stack = stream()
    add_items(stack, 3)
    here = position(stack)
    async with subscribe(stack.stream_url, last_event_id=here) as ready:
        await ready.opened()  # the service has read all three events
    async with subscribe(stack.stream_url, last_event_id=asked.format(epoch=here[:8])) as subscriber:
        reset = await subscriber.next("reset")
        assert reset.id == reset.json["head"] == here
        assert reason in reset.json["reason"]
        add_items(stack, 1)
        assert (await subscriber.next("inventory_update")).event_id == 4


async def test_a_position_that_the_stream_has_not_read_yet_is_not_reset(stream: Callable[..., Stack]) -> None:
    """The API returns a position as soon as it is committed, and the stream may not have read it yet."""
    stack = stream()
    for number in range(20):
        add_items(stack, 1)
        async with subscribe(stack.stream_url, last_event_id=position(stack)) as subscriber:
            frames = [await subscriber.frame(), await subscriber.frame()]
            assert [frame.event for frame in frames] == [None, "heartbeat"], number


async def test_another_log_under_a_running_stream_is_a_reset(stream: Callable[..., Stack]) -> None:
    """Simulates a dump loaded over the tables: the same database and ids, but another history."""
    stack = stream()
    add_items(stack, 3)
    async with subscribe(stack.stream_url, last_event_id=position(stack)) as subscriber:
        await subscriber.opened()
        stack.sql(
            "CREATE TABLE restored (LIKE inventory_history INCLUDING ALL);"
            "DROP TABLE inventory_history CASCADE;"
            "ALTER TABLE restored RENAME TO inventory_history;"
            "GRANT SELECT ON inventory_history TO stockstream_stream;"
            "CREATE OR REPLACE FUNCTION log_head() RETURNS bigint LANGUAGE sql STABLE"
            " RETURN coalesce((SELECT max(event_id) FROM inventory_history), 0);"
            "CREATE OR REPLACE FUNCTION log_epoch() RETURNS text LANGUAGE sql STABLE RETURN 'restored'"
        )
        reset = await subscriber.next("reset")
        assert reset.json["head"] == "restored-0"


@pytest.mark.parametrize("asked", ["1042", "x-y", "3f9c-1;drop", "3F9C-1", "-", "a" * 5000])
async def test_a_malformed_position_is_a_400(stack: Stack, asked: str) -> None:
    for query, header in ((f"?last_event_id={asked}", None), ("", asked)):
        async with subscribe(stack.stream_url, query, last_event_id=header) as subscriber:
            assert subscriber.response.status == 400
            assert (await subscriber.response.json(content_type="application/problem+json"))["status"] == 400


@pytest.mark.parametrize(
    "query", ["?snapshot=yes", "?item=x", "?item=-1", "?item=1&item=", "?item=" + "9" * 20, f"?item={2**63}"]
)
async def test_a_malformed_parameter_is_a_400(stack: Stack, query: str) -> None:
    async with subscribe(stack.stream_url, query) as subscriber:
        assert subscriber.response.status == 400


async def test_errors_of_the_stream_are_problems(stack: Stack) -> None:
    async with aiohttp.ClientSession(stack.stream_url) as session:
        for method, path, status in (("GET", "/nothing", 404), ("POST", "/events", 405), ("GET", "/static/a", 404)):
            async with session.request(method, path) as response:
                assert (response.status, response.content_type) == (status, "application/problem+json")
        for path in ("/healthz", "/readyz"):
            async with session.get(path) as response:
                assert response.status == 200


async def test_a_head_request_gets_headers_and_ends(stack: Stack) -> None:
    async with aiohttp.ClientSession(stack.stream_url) as session, session.head("/events") as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        assert await response.read() == b""


async def test_a_snapshot_comes_first_and_then_what_follows_it(stream: Callable[..., Stack]) -> None:
    stack = stream()
    add_items(stack, 1_200)
    async with subscribe(stack.stream_url, "?snapshot=1") as subscriber:
        parts = [await subscriber.next("snapshot") for _ in range(3)]
        assert [part.id for part in parts] == [None, None, position(stack)]
        items = [item for part in parts for item in part.json]
        assert items == json.loads(stack.sql("SELECT json_agg(item_document(i) ORDER BY id) FROM inventory i")[0][0])
        add_items(stack, 1)
        assert (await subscriber.next("inventory_update")).event_id == 1_201


async def test_a_snapshot_of_nothing_still_has_a_position(stack: Stack) -> None:
    async with subscribe(stack.stream_url, "?snapshot=1") as subscriber:
        part = await subscriber.next("snapshot")
        assert (part.json, part.id) == ([], position(stack))


async def test_a_position_takes_precedence_over_a_snapshot(stack: Stack) -> None:
    add_items(stack, 2)
    epoch = position(stack).partition("-")[0]
    async with subscribe(stack.stream_url, "?snapshot=1", last_event_id=f"{epoch}-1") as subscriber:
        frames = [await subscriber.frame() for _ in range(3)]
        assert [frame.event for frame in frames] == [None, "heartbeat", "inventory_update"]


async def test_a_snapshot_is_narrowed_like_the_events_after_it(stream: Callable[..., Stack]) -> None:
    stack = stream()
    add_items(stack, 1_200)
    async with subscribe(stack.stream_url, "?snapshot=1&item=7&item=1100&item=9999") as subscriber:
        part = await subscriber.next("snapshot")
        assert ([item["id"] for item in part.json], part.id) == ([7, 1100], position(stack))
        stack.sql("UPDATE inventory SET quantity = 3 WHERE id IN (6, 1100)")
        (update,) = await subscriber.updates(1)
        assert update.json["data"]["id"] == 1100


async def test_a_narrowed_stream_sends_these_items_and_its_position_still_advances(
    stream: Callable[..., Stack],
) -> None:
    stack = stream(STREAM_HEARTBEAT_SECONDS="0.2", STREAM_RING_BYTES="65536")
    add_items(stack, 3_000)
    epoch = position(stack).partition("-")[0]
    async with subscribe(stack.stream_url, "?item=7&item=2500", last_event_id=f"{epoch}-0") as subscriber:
        replayed = await subscriber.updates(2)
        stack.sql("UPDATE inventory SET quantity = 0 WHERE id = 2500; UPDATE inventory SET quantity = 0 WHERE id < 9")
        live = await subscriber.updates(2)
        assert [frame.json["data"]["id"] for frame in replayed + live] == [7, 2500, 2500, 7]
        while subscriber.last_event_id != position(stack):
            await subscriber.frame()


async def test_heartbeats_tell_the_head_and_the_time(stream: Callable[..., Stack]) -> None:
    stack = stream(STREAM_HEARTBEAT_SECONDS="0.2")
    async with subscribe(stack.stream_url) as subscriber:
        await subscriber.opened()
        beats = [(await subscriber.next("heartbeat")).json for _ in range(3)]
    assert {beat["head"] for beat in beats} == {position(stack)}
    assert sorted({beat["at"] for beat in beats}) == [beat["at"] for beat in beats]


async def test_retry_is_random_for_each_client(stack: Stack) -> None:
    retries = set()
    for _ in range(5):
        async with subscribe(stack.stream_url) as subscriber:
            retries.add((await subscriber.frame()).retry)
    assert len(retries) > 1


@pytest.mark.parametrize("cap", ["STREAM_MAX_SUBSCRIBERS", "STREAM_MAX_PER_CLIENT"])
async def test_over_a_limit_a_client_is_told_to_come_back_later(stream: Callable[..., Stack], cap: str) -> None:
    stack = stream(**{cap: "2"})
    async with AsyncExitStack() as streams:
        open_ones = [await streams.enter_async_context(subscribe(stack.stream_url)) for _ in range(2)]
        for subscriber in open_ones:
            await subscriber.opened()
        async with subscribe(stack.stream_url) as refused:
            assert refused.response.status == 200
            frames = await refused.rest()
        assert [frame.event for frame in frames] == [None, "busy"]
        assert (frames[0].retry or 0) >= 15_000
        assert frames[1].json["full"] is True
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:  # closed streams free their places after a moment
        async with subscribe(stack.stream_url) as again:
            if ((await again.frame()).retry or 0) < 15_000:
                return
    pytest.fail("no place became free")


async def test_only_pages_of_allowed_origins_may_subscribe(stream: Callable[..., Stack]) -> None:
    stack = stream(ALLOWED_ORIGINS="https://stock.example")
    for origin, allowed in (("https://stock.example", "https://stock.example"), ("https://evil.example", None)):
        async with subscribe(stack.stream_url, headers={"Origin": origin}) as subscriber:
            assert subscriber.response.headers.get("Access-Control-Allow-Origin") == allowed
    ask = {"Origin": "https://stock.example", "Access-Control-Request-Method": "GET"}
    ask["Access-Control-Request-Headers"] = "last-event-id"
    async with aiohttp.ClientSession(stack.stream_url) as session, session.options("/events", headers=ask) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "https://stock.example"
        assert response.headers["Access-Control-Allow-Headers"].lower() == "last-event-id"


async def chunk_with_events(response: aiohttp.ClientResponse) -> int:
    """Count the events of the next HTTP chunk that has any. Each write of the service is one chunk."""
    data = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            piece, is_whole = await response.content.readchunk()
            data += piece
            if is_whole and (count := data.count(b"event: inventory_update")):
                return count
            if is_whole:
                data = b""


async def test_a_single_event_is_sent_at_once_and_a_burst_in_one_write(
    stream: Callable[..., Stack],
) -> None:
    """Nine commits within the flush interval are sent in one write."""
    stack = stream(STREAM_FLUSH_MS="1000")
    connection = await asyncpg.connect(stack.database_url)
    insert = "INSERT INTO inventory (name, quantity) VALUES ('a', 1)"
    async with subscribe(stack.stream_url) as subscriber:
        await subscriber.opened()
        await connection.execute(insert)
        assert await chunk_with_events(subscriber.response) == 1
        await connection.execute(f"DO $$ BEGIN FOR n IN 1..9 LOOP {insert}; COMMIT; END LOOP; END $$")
        assert await chunk_with_events(subscriber.response) == 9
    await connection.close()


@pytest.mark.parametrize("streams", [0, 20])
async def test_sigterm_ends_every_stream_cleanly_and_exits_0_within_5_seconds(
    stream: Callable[..., Stack], streams: int
) -> None:
    stack = stream()
    async with AsyncExitStack() as stay:
        subscribers = [await stay.enter_async_context(subscribe(stack.stream_url)) for _ in range(streams)]
        for subscriber in subscribers:
            await subscriber.opened()
        started = time.monotonic()
        code = await asyncio.to_thread(stack.stop, "stream")
        assert (code, time.monotonic() - started < 5) == (0, True)
        add_items(stack, 1)
        for subscriber in subscribers:
            await subscriber.rest()  # raises unless the stream ends cleanly
        stack.start("stream")
        for subscriber in subscribers[:3]:
            async with subscribe(stack.stream_url, last_event_id=subscriber.last_event_id) as again:
                assert (await again.next("inventory_update")).event_id == 1


async def test_a_client_that_stopped_reading_does_not_delay_a_stop(stream: Callable[..., Stack]) -> None:
    stack = stream()
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", stack.ports["stream"]))
        deaf.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with subscribe(stack.stream_url) as subscriber:
            await subscriber.opened()
            add_items(stack, 30_000)
            await subscriber.updates(30_000)
            started = time.monotonic()
            assert await asyncio.to_thread(stack.stop, "stream") == 0
            assert time.monotonic() - started < 5
            await subscriber.rest()


async def test_a_draining_service_is_not_ready_and_opens_no_stream(stream: Callable[..., Stack]) -> None:
    stack = stream(STREAM_DRAIN_SECONDS="30")
    async with subscribe(stack.stream_url) as subscriber:
        await subscriber.opened()
        stack.signal("stream", signal.SIGTERM)
        while await asyncio.to_thread(stack.is_ready, "stream"):
            await asyncio.sleep(0.01)
        async with subscribe(stack.stream_url) as late:
            assert [frame.event for frame in await late.rest()] == [None, "busy"]
        headers = {"X-Failover": "1"}
        async with aiohttp.ClientSession(stack.stream_url, headers=headers) as proxy, proxy.get("/events") as response:
            await problem(response, 503)


async def test_a_client_that_stops_reading_does_not_affect_others(stream: Callable[..., Stack]) -> None:
    stack = stream(STREAM_RING_BYTES="65536")
    with socket.create_connection(("127.0.0.1", stack.ports["stream"])) as deaf:
        deaf.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with subscribe(stack.stream_url) as subscriber:
            await subscriber.opened()
            add_items(stack, 60_000)
            frames = await subscriber.updates(60_000)
            assert [frame.event_id for frame in frames] == list(range(1, 60_001))
