"""Operations: metrics and worker processes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import urllib.request
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.sse import subscribe
from tests.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import PostgresServer

WORKERS = 2
STREAMS = 24


def metrics(url: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{url}/metrics") as response:
        assert response.headers["Content-Type"].startswith("text/plain")
        lines = response.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


async def until(url: str, name: str, value: float) -> None:
    """Wait until a metric has this value."""
    async with asyncio.timeout(20):
        while (await asyncio.to_thread(metrics, url)).get(name) != value:
            await asyncio.sleep(0.02)


async def test_the_streams_metrics_answer_an_operators_questions(
    postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    stack = Stack(postgres, database, tmp_path, {"STREAM_RING_BYTES": "65536", "STREAM_HEARTBEAT_SECONDS": "0.2"})
    stack.start("stream")
    try:
        ((start,),) = stack.sql("SELECT log_position()")
        async with subscribe(stack.stream_url) as subscriber:
            await subscriber.opened()
            await until(stack.stream_url, "stockstream_subscribers", 1)
            stack.sql("INSERT INTO inventory (name, quantity) SELECT 'item', n FROM generate_series(1, 2000) AS n")
            await subscriber.updates(2000)
            async with subscribe(stack.stream_url, last_event_id=start) as late:
                await late.updates(2000)
            async with subscribe(stack.stream_url, last_event_id="0000-1") as lost:
                await lost.next("reset")
        await until(stack.stream_url, "stockstream_subscribers", 0)
        await until(
            stack.stream_url, "stockstream_notification_queue_usage", 0
        )  # drops to 0 once the listener has read it
        found = metrics(stack.stream_url)
    finally:
        stack.close()
    assert found["stockstream_head"] == found["stockstream_events_total"] == 2000
    assert found["stockstream_caught_up"] == found["stockstream_listening"] == 1
    assert found["stockstream_commit_to_send_seconds_count"] >= 1
    assert found['stockstream_streams_total{start="live"}'] == 1
    assert found['stockstream_streams_total{start="resume"}'] == 1
    assert found['stockstream_streams_total{start="reset"}'] == 1
    assert found['stockstream_replays_total{source="blocks"}'] == 1
    assert found["stockstream_ring_misses_total"] >= 1
    assert found["stockstream_sent_bytes_total"] > 2 * 2000 * 200
    assert found["stockstream_listener_connects_total"] == 1


async def test_the_apis_metrics_name_routes_instead_of_paths(stack: Stack) -> None:
    async with aiohttp.ClientSession(stack.api_url) as api:
        for path in ("/api/inventories", "/api/inventories/7", "/api/inventories/8", "/nothing", "/nothing/else"):
            async with api.get(path):
                pass
    series = [name for name in metrics(stack.api_url) if name.startswith("stockstream_request_seconds_count")]
    assert any('route="/api/inventories",status="200"' in name for name in series)
    assert sum("<int:item_id>" in name for name in series) == 1
    assert sum("nothing" in name for name in series) == 0


@pytest.fixture
def workers(postgres: PostgresServer, database: str, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(postgres, database, tmp_path, {"STREAM_WORKERS": str(WORKERS)})
    stack.start("stream")
    yield stack
    stack.close()


def children(stack: Stack) -> list[int]:
    pid = stack.pid("stream")
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_workers_share_the_port_the_log_and_the_metrics(workers: Stack) -> None:
    assert len(children(workers)) == WORKERS
    async with AsyncExitStack() as streams:
        subscribers = [await streams.enter_async_context(subscribe(workers.stream_url)) for _ in range(STREAMS)]
        for subscriber in subscribers:
            await subscriber.opened()
        await until(workers.stream_url, "stockstream_subscribers", STREAMS)
        workers.sql("INSERT INTO inventory (name, quantity) SELECT 'item', n FROM generate_series(1, 50) AS n")
        for subscriber in subscribers:
            assert [frame.event_id for frame in await subscriber.updates(50)] == list(range(1, 51))


async def test_a_worker_that_dies_is_replaced_and_its_streams_resume_elsewhere(workers: Stack) -> None:
    async with AsyncExitStack() as streams:
        subscribers = [await streams.enter_async_context(subscribe(workers.stream_url)) for _ in range(STREAMS)]
        for subscriber in subscribers:
            await subscriber.opened()
        before = children(workers)
        os.kill(before[0], signal.SIGKILL)
        workers.sql("INSERT INTO inventory (name, quantity) VALUES ('item', 1)")
        cut = 0
        for subscriber in subscribers:
            try:
                frame = await subscriber.next("inventory_update")
            except (aiohttp.ClientError, EOFError):
                cut += 1
                async with subscribe(workers.stream_url, last_event_id=subscriber.last_event_id) as again:
                    frame = await again.next("inventory_update")
            assert frame.event_id == 1
        assert cut < STREAMS
        async with asyncio.timeout(20):
            while len(children(workers)) < WORKERS or before[0] in children(workers):
                await asyncio.sleep(0.02)


async def test_a_drain_of_workers_ends_every_stream_cleanly_and_exits_0(workers: Stack) -> None:
    async with AsyncExitStack() as streams:
        subscribers = [await streams.enter_async_context(subscribe(workers.stream_url)) for _ in range(STREAMS)]
        for subscriber in subscribers:
            await subscriber.opened()
        started = time.monotonic()
        code = await asyncio.to_thread(workers.stop, "stream")
        assert (code, time.monotonic() - started < 5) == (0, True)
        for subscriber in subscribers:
            await subscriber.rest()  # raises unless the stream ends cleanly


async def test_workers_do_not_outlive_their_parent(workers: Stack) -> None:
    pids = children(workers)
    workers.kill("stream")
    async with asyncio.timeout(20):
        while any(map(is_running, pids)):
            await asyncio.sleep(0.02)
