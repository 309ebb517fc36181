"""Measures commits per second: PUTs with several API workers, and the same update without the API."""

from __future__ import annotations

import asyncio
import re
import statistics
import threading
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from bench.api import LIST_ITEMS, fill, puts, run_requests
from bench.pgbench import change_items
from bench.servers import Api

if TYPE_CHECKING:
    from typing import Self

    from bench.__main__ import Bench

WORKERS = (1, 2, 4)
SESSIONS = (1, 16)
CONNECTIONS = 32
SAMPLE_SECONDS = 0.01
LOCK = {"advisory"}  # waits for the lock of the log
FSYNC = {"WalSync", "WalWrite", "WALWrite"}  # waits for the WAL, one's own or that of another session


class Commits(NamedTuple):
    """Commits per second, CPU of the API in µs for each, and what sessions were doing meanwhile."""

    case: str
    rate: float
    cpu: float | None
    waits: str


class Waits:
    """Samples what the sessions of a database wait for, while the block runs."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._seen: Counter[str] = Counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._sample()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    async def _sample(self) -> None:
        connection = await asyncpg.connect(self._url)
        while not self._ended.wait(SAMPLE_SECONDS):
            self._seen.update(
                row[0]
                for row in await connection.fetch(
                    "SELECT coalesce(wait_event, 'running') FROM pg_stat_activity WHERE state = 'active'"
                    " AND datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        await connection.close()

    def __str__(self) -> str:
        total = sum(self._seen.values()) or 1
        lock, fsync = (sum(self._seen[event] for event in events) / total for events in (LOCK, FSYNC))
        return f"of the statements' time, {lock:.0%} for the log's lock, {fsync:.0%} for the disk"


def commits(bench: Bench, runs: int) -> list[Commits]:
    measured: dict[str, list[Commits]] = {}
    for _ in range(runs):
        for row in [*(_puts(bench, workers) for workers in WORKERS), *(_updates(bench, count) for count in SESSIONS)]:
            measured.setdefault(row.case, []).append(row)
    return [
        Commits(case, statistics.median(row.rate for row in rows), rows[0].cpu, rows[0].waits)
        for case, rows in measured.items()
    ]


def _puts(bench: Bench, workers: int) -> Commits:
    with bench.database() as database:
        fill(bench, database, LIST_ITEMS)
        settings = {"API_WORKERS": str(workers)}
        with Api(bench.postgres, database, bench.folder, settings) as api, Waits(bench.postgres.url(database)) as waits:
            cpu = api.cpu_seconds()
            rate = run_requests(api.port, puts(), bench.seconds, CONNECTIONS)["rate"]
            cpu = (api.cpu_seconds() - cpu) / (rate * bench.seconds)
    return Commits(f"n: PUTs, API_WORKERS={workers}", rate, cpu * 1e6, str(waits))


def _updates(bench: Bench, sessions: int) -> Commits:
    with bench.database() as database:
        fill(bench, database, LIST_ITEMS)
        url = bench.postgres.url(database)
        with Waits(url) as waits:
            told = change_items(url, bench.folder, items=LIST_ITEMS, sessions=sessions, seconds=bench.seconds)
    found = re.search(r"tps = ([\d.]+)", told)
    assert found is not None, told
    return Commits(
        f"n: the same without the API, {sessions} session{'s' * (sessions > 1)}", float(found[1]), None, str(waits)
    )
