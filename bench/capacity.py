"""Computes what a number of subscribers and changes needs, from measured costs: `python -m bench.capacity`.

It adds up the cost of each item of work. The costs are those of docs/PERFORMANCE.md and docs/SCALE.md.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

# CPU time in µs, on one core.
WRITE = 20.0  # a write to one client, and what the kernel does for it
WRITE_KB = 1.0  # for each KB of it
GATEWAY_WRITE = 40.0  # the same write through the gateway, TLS excluded
READ_FLUSH = 600.0  # a stream process takes what was published in one flush
READ_EVENT = 8.0  # for each event of it
PUBLISH_FLUSH = 1_200.0
PUBLISH_EVENT = 20.0
BROKER_FLUSH = 150.0
BROKER_READER_FLUSH = 50.0  # for each process that reads it
COMMIT = 600.0  # of PostgreSQL, with the log
COMMIT_EVENT = 100.0  # for each event in it
HEARTBEAT = 20.0  # a write, too

EVENT_KB = 0.4
SUBSCRIBER_KB = 14.0
PROCESS_MB = 150.0  # a stream process with its ring
FLUSHES = 40.0  # per second at most, with STREAM_FLUSH_MS=25
HEARTBEATS = 0.1  # per second
BUSY = 0.6  # share of a core that is planned for
MOST_SUBSCRIBERS = 20_000  # of a process: STREAM_MAX_SUBSCRIBERS
COMMITS_AT_MOST = 2_500.0  # per second, one after the other: each waits for the disk


@dataclass(frozen=True)
class Demand:
    """Subscribers, changes per second, changes in a commit, and the share of all changes that a subscriber sees."""

    subscribers: int
    changes: float
    in_a_commit: float
    share: float


@dataclass(frozen=True)
class Supply:
    """What it takes."""

    processes: int  # of the stream, each of which is busy with BUSY of a core at most
    stream_gb: float  # memory of all of them
    gateway_cores: float
    egress_gbit: float  # to all subscribers, per second
    postgres_cores: float
    commits: float  # per second
    broker_cores: float
    broker_gbit: float  # from the broker to the processes, per second


DEMANDS = (
    Demand(100, 5, 1, 1.0),
    Demand(5_000, 20, 1, 1.0),
    Demand(20_000, 100, 1, 0.2),
    Demand(100_000, 500, 1, 0.02),
    Demand(1_000_000, 5_000, 5, 0.001),
    Demand(1_000_000, 5_000, 5, 0.01),
)


def supply(demand: Demand) -> Supply:
    """What this demand takes."""
    seen = demand.changes * demand.share
    writes = min(seen, FLUSHES) + HEARTBEATS
    per_subscriber = writes * WRITE + seen * EVENT_KB * WRITE_KB
    flushes = min(demand.changes / demand.in_a_commit, FLUSHES)
    reading = flushes * READ_FLUSH + demand.changes * READ_EVENT
    room = BUSY * 1e6 - reading
    processes = max(
        math.ceil(demand.subscribers * per_subscriber / room), math.ceil(demand.subscribers / MOST_SUBSCRIBERS)
    )
    commits = demand.changes / demand.in_a_commit
    return Supply(
        processes=processes,
        stream_gb=(processes * PROCESS_MB * 1e3 + demand.subscribers * SUBSCRIBER_KB) / 1e6,
        gateway_cores=demand.subscribers * writes * GATEWAY_WRITE / 1e6,
        egress_gbit=demand.subscribers * seen * EVENT_KB * 8 / 1e6,
        postgres_cores=(commits * COMMIT + demand.changes * COMMIT_EVENT) / 1e6,
        commits=commits,
        broker_cores=flushes * (BROKER_FLUSH + processes * BROKER_READER_FLUSH) / 1e6,
        broker_gbit=processes * demand.changes * EVENT_KB * 8 / 1e6,
    )


def main() -> int:
    sys.stdout.write(
        "| subscribers | changes/s | each sees | stream processes | their memory | gateway | to subscribers |"
        " PostgreSQL | commits/s | broker |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
    )
    for demand in DEMANDS:
        need = supply(demand)
        limit = "" if need.commits <= COMMITS_AT_MOST else " (too many)"
        sys.stdout.write(
            f"| {demand.subscribers:,} | {demand.changes:,.0f} | {demand.share:.1%} | {need.processes:,} |"
            f" {need.stream_gb:.1f} GB | {need.gateway_cores:.1f} cores | {need.egress_gbit:.2f} Gbit/s |"
            f" {need.postgres_cores:.2f} cores | {need.commits:,.0f}{limit} |"
            f" {need.broker_cores:.2f} cores, {need.broker_gbit:.2f} Gbit/s |\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
