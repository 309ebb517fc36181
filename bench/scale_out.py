"""Measures several stream processes with a broker, beside the same without: `python -m bench.scale_out`."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import re
import statistics
import sys
import tempfile
import time
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from bench.instances import ITEMS, Postgres, commit, running, stocked_postgres
from bench.load import Client
from bench.servers import cpu_seconds
from tests.broker import running_broker
from tests.sse import subscribe

if TYPE_CHECKING:
    from bench.servers import Stockstream
    from tests.broker import Broker
    from tests.sse import Subscriber

RATE = 200  # commits per second
CLIENTS = 25  # of each process
PROCESSES = (1, 4)
SETTLE_SECONDS = 3.0
FAILOVERS = 5
FAILOVER_RATE = 50
FAILOVER_SECONDS = 5.0
CATCH_UP_EVENTS = 100_000
CATCH_UP_CLIENTS = 50
BROKER_BYTES = 256 * 2**20


class Costs(NamedTuple):
    """What a commit cost, in µs of CPU time; the time from a commit to its receivers, in ms."""

    postgres_cpu: float
    stream_cpu: float  # of all processes together
    broker_cpu: float
    p50: float
    p99: float


def measure(postgres: Postgres, broker: Broker | None, processes: int, seconds: float, folder: Path) -> Costs:
    """Commit at a steady rate while the processes write to their clients."""
    settings = {} if broker is None else {"BROKER_URL": broker.url}
    with running(postgres, processes, folder, settings) as streams:
        if broker is not None:
            until_trusted(streams)
        clients = [Client(stream.port, CLIENTS) for stream in streams]
        commit(postgres, RATE, SETTLE_SECONDS, folder)
        time.sleep(SETTLE_SECONDS)
        for client in clients:
            client.say("mark")
        before = _cpu(postgres, streams, broker)
        commits, _ = commit(postgres, RATE, seconds, folder)
        used = [after - earlier for after, earlier in zip(_cpu(postgres, streams, broker), before, strict=True)]
        for client in clients:
            client.say(f"wait {commits}")
        results = [client.stop() for client in clients]
    assert all(result["fewest"] == commits for result in results)
    postgres_cpu, stream_cpu, broker_cpu = (cpu / commits * 1e6 for cpu in used)
    p50, p99 = (statistics.median(result[name] for result in results) for name in ("p50", "p99"))
    return Costs(postgres_cpu, stream_cpu, broker_cpu, p50, p99)


def _cpu(postgres: Postgres, streams: list[Stockstream], broker: Broker | None) -> tuple[float, float, float]:
    return (
        postgres.cpu_seconds(),
        sum(stream.cpu_seconds() for stream in streams),
        0.0 if broker is None else cpu_seconds(broker.pid),
    )


def metric(stream: Stockstream, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", _metrics(stream), re.MULTILINE)
    assert found, name
    return float(found[1])


def _metrics(stream: Stockstream) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{stream.port}/metrics", timeout=5) as response:
        text: str = response.read().decode()
        return text


def until_trusted(streams: list[Stockstream]) -> Stockstream:
    """Wait until all processes get their events from the broker. Returns the one that publishes them."""
    while True:
        publishers = [stream for stream in streams if metric(stream, "stockstream_publishing")]
        if len(publishers) == 1 and all(metric(stream, "stockstream_broker_trusted") for stream in streams):
            return publishers[0]
        time.sleep(0.05)


class Failover(NamedTuple):
    """A publisher that was killed: the time until another one published, and the longest time from a commit to a
    client meanwhile; in seconds.
    """

    takeover: float
    delay: float


async def fail_over(postgres: Postgres, broker: Broker, folder: Path) -> Failover:
    """Kill the publisher while items change, and see that a client of another process gets everything."""
    with running(postgres, 4, folder, {"BROKER_URL": broker.url}) as streams:
        publisher = await asyncio.to_thread(until_trusted, streams)
        others = [stream for stream in streams if stream is not publisher]
        async with subscribe(f"http://127.0.0.1:{others[0].port}") as client:
            await client.opened()
            delays: list[float] = []
            changing = asyncio.create_task(_change(postgres, FAILOVER_RATE, FAILOVER_SECONDS))
            receiving = asyncio.create_task(_receive(client, round(FAILOVER_RATE * FAILOVER_SECONDS), delays))
            await asyncio.sleep(1)
            publisher.__exit__()
            killed_at = time.monotonic()
            await asyncio.to_thread(_until_one_publishes, others)
            takeover = time.monotonic() - killed_at
            expected = await changing
            assert await receiving == expected, "an event was lost, repeated or out of order"
        return Failover(takeover, max(delays))


def _until_one_publishes(streams: list[Stockstream]) -> None:
    while not any(metric(stream, "stockstream_publishing") for stream in streams):
        time.sleep(0.01)


async def _change(postgres: Postgres, rate: float, seconds: float) -> list[int]:
    """Change an item at this rate. Returns the ids of the events."""
    connection = await asyncpg.connect(postgres.server.url(postgres.database))
    try:
        before = await connection.fetchval("SELECT log_head()")
        began = time.monotonic()
        for number in range(round(rate * seconds)):
            await asyncio.sleep(max(0, began + number / rate - time.monotonic()))
            await connection.execute("UPDATE inventory SET quantity = quantity + 1 WHERE id = 1")
        rows = await connection.fetch("SELECT event_id FROM inventory_history WHERE event_id > $1 ORDER BY 1", before)
        return [row["event_id"] for row in rows]
    finally:
        await connection.close()


async def _receive(client: Subscriber, count: int, delays: list[float]) -> list[int]:
    """Receive this number of events. Returns their ids, and notes how long ago each was committed."""
    ids = []
    for _ in range(count):
        frame = await client.next("inventory_update")
        ids.append(frame.event_id)
        delays.append(time.time() - datetime.fromisoformat(frame.json["changed_at"]).timestamp())
    return ids


class CatchUp(NamedTuple):
    """What it took to send old events to many clients that had missed all of them."""

    seconds: float
    blocks: dict[str, int]  # that were read, by where: "broker", "primary"


def catch_up(postgres: Postgres, broker: Broker, folder: Path) -> CatchUp:
    """Send CATCH_UP_EVENTS from the broker to CATCH_UP_CLIENTS of a process that has just started."""
    settings = {"BROKER_URL": broker.url, "BROKER_BYTES": str(BROKER_BYTES)}
    with running(postgres, 1, folder, settings) as streams:
        until_trusted(streams)
        ((position,),) = postgres.server.sql(postgres.database, "SELECT log_position()")
        for _ in range(CATCH_UP_EVENTS // ITEMS):
            postgres.server.sql(postgres.database, "UPDATE inventory SET quantity = quantity + 1")
        ((head,),) = postgres.server.sql(postgres.database, "SELECT log_head()")
        while metric(streams[0], "stockstream_published_total") < CATCH_UP_EVENTS:
            time.sleep(0.05)
        with running(postgres, 1, folder, settings) as (late,):
            while metric(late, "stockstream_head") < int(head) or not metric(late, "stockstream_broker_trusted"):
                time.sleep(0.05)
            began = time.monotonic()
            client = Client(late.port, CATCH_UP_CLIENTS, "--position", position)
            client.say(f"wait {CATCH_UP_EVENTS}")
            seconds = time.monotonic() - began
            assert client.stop()["fewest"] == CATCH_UP_EVENTS
            return CatchUp(seconds, blocks_of(late))


def blocks_of(stream: Stockstream) -> dict[str, int]:
    """The blocks of old events that this process has read, by where it found them."""
    found = re.findall(r'^stockstream_replay_blocks_total\{source="(\w+)"\} (\S+)$', _metrics(stream), re.MULTILINE)
    return {source: round(float(count)) for source, count in found}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, stocked_postgres(Path(name)) as postgres:
        folder = Path(name)
        with running_broker(folder) as broker:
            cases = list(itertools.product((None, broker), PROCESSES))
            costs: dict[tuple[Broker | None, int], list[Costs]] = {case: [] for case in cases}
            for _ in range(arguments.runs):
                for case in cases:
                    costs[case].append(measure(postgres, *case, arguments.seconds, folder))
            print_costs(costs)
            failovers = [asyncio.run(fail_over(postgres, broker, folder)) for _ in range(FAILOVERS)]
            print_failovers(failovers)
            caught_up = catch_up(postgres, broker, folder)
    rate = CATCH_UP_EVENTS * CATCH_UP_CLIENTS / caught_up.seconds
    sys.stdout.write(
        f"\n{CATCH_UP_EVENTS:,} events to each of {CATCH_UP_CLIENTS} clients from the broker: {caught_up.seconds:.1f} s"
        f" ({rate:,.0f} events/s); blocks by where they were read: {caught_up.blocks}\n"
    )
    return 0


def print_costs(costs: dict[tuple[Broker | None, int], list[Costs]]) -> None:
    sys.stdout.write(
        f"{RATE} commits/s, {CLIENTS} clients of each process\n\n"
        "| broker | processes | PostgreSQL µs/commit | processes µs/commit | broker µs/commit | p50 ms | p99 ms |\n"
        "|---|---:|---:|---:|---:|---:|---:|\n"
    )
    for (broker, processes), rows in costs.items():
        each = Costs(*(statistics.median(values) for values in zip(*rows, strict=True)))
        sys.stdout.write(
            f"| {'no' if broker is None else 'yes'} | {processes} | {each.postgres_cpu:.0f} | {each.stream_cpu:.0f} |"
            f" {each.broker_cpu:.0f} | {each.p50:.1f} | {each.p99:.1f} |\n"
        )
    sys.stdout.flush()


def print_failovers(failovers: list[Failover]) -> None:
    takeovers, delays = zip(*failovers, strict=True)
    sys.stdout.write(
        f"\n{len(failovers)} publishers killed at {FAILOVER_RATE} commits/s: another published after"
        f" {statistics.median(takeovers):.2f} s (at most {max(takeovers):.2f} s), the longest time from a commit to a"
        f" client was {max(delays):.2f} s, nothing was lost\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
