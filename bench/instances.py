"""Measures what each stream process costs PostgreSQL: `python -m bench.instances`."""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.load import Client
from bench.pgbench import change_items
from bench.servers import Stockstream, cpu_seconds, with_children
from tests.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ITEMS = 1_000
PROCESSES = (0, 1, 2, 4, 8, 16, 32)
RATES = (20, 200)  # commits per second
SESSIONS = 4
SETTLE_SECONDS = 2.0
STATISTICS_SECONDS = 11.0

COUNTS = """
    SELECT (SELECT max(s.seq_scan + s.idx_scan) -- of the partition that is written
            FROM pg_stat_user_tables AS s
            JOIN log_partitions() AS p ON p.partition = s.relid),
        (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())
"""


class Costs(NamedTuple):
    """What a commit cost with this number of stream processes; CPU times in µs."""

    stream_processes: int
    rate: int  # commits per second that were asked for
    postgres_cpu: float
    stream_cpu: float  # of all processes together
    reads: float  # of the log, for each commit
    transactions: float  # of readers, for each commit: reads, and one for each notification that a session gets
    connections: int
    latency: float  # of a commit, in ms


class Postgres:
    """The server, and what it has used and done so far."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self.server = server
        self.database = database

    @property
    def pid(self) -> int:
        return int(next(self.server.data_dir.rglob("postmaster.pid")).read_text().split()[0])

    def cpu_seconds(self) -> float:
        """The CPU time of the server and of all its sessions, those that have ended included."""
        server, *sessions = with_children(self.pid)
        return cpu_seconds(server, with_ended=True) + sum(map(_cpu_seconds_if_there, sessions))

    def counts(self) -> tuple[int, int]:
        """The reads of the log, and the transactions of everybody.

        Sessions report theirs after up to STATISTICS_SECONDS, so this waits as long.
        """
        time.sleep(STATISTICS_SECONDS)
        ((reads, transactions),) = self.server.sql(self.database, COUNTS)
        return int(reads), int(transactions)

    def connections(self) -> int:
        ((count,),) = self.server.sql(
            self.database, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'stockstream_stream'"
        )
        return int(count)


@contextmanager
def running(
    postgres: Postgres, count: int, folder: Path, settings: Mapping[str, str] | None = None
) -> Iterator[list[Stockstream]]:
    """This number of stream processes, without clients."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(Stockstream(postgres.server, postgres.database, folder, settings)) for _ in range(count)
        ]


@contextmanager
def clients_of(streams: list[Stockstream], count: int) -> Iterator[list[Client]]:
    """This number of clients of each process, which count their events from now on."""
    clients = [Client(stream.port, count) for stream in streams] if count else []
    for client in clients:
        client.say("mark")
    yield clients
    for client in clients:
        client.stop()


@contextmanager
def stocked_postgres(folder: Path) -> Iterator[Postgres]:
    """A server, with a database that has ITEMS items."""
    server = PostgresServer(folder / "postgres")
    server.start()
    try:
        server.make_template()
        postgres = Postgres(server, server.create_database())
        server.sql(
            postgres.database,
            f"INSERT INTO inventory (name, quantity) SELECT 'item', 0 FROM generate_series(1, {ITEMS})",
        )
        yield postgres
    finally:
        server.close()


def measure(postgres: Postgres, streams: list[Stockstream], rate: int, seconds: float, folder: Path) -> Costs:
    """Commit at this rate while the processes follow the log."""
    commit(postgres, rate, SETTLE_SECONDS, folder)
    before = postgres.counts()
    cpu, stream_cpu = postgres.cpu_seconds(), sum(stream.cpu_seconds() for stream in streams)
    commits, latency = commit(postgres, rate, seconds, folder)
    cpu, stream_cpu = postgres.cpu_seconds() - cpu, sum(stream.cpu_seconds() for stream in streams) - stream_cpu
    connections = postgres.connections()
    reads, transactions = (after - earlier for after, earlier in zip(postgres.counts(), before, strict=True))
    return Costs(
        len(streams),
        rate,
        cpu / commits * 1e6,
        stream_cpu / commits * 1e6,
        reads / commits,
        transactions / commits - 1,
        connections,
        latency,
    )


def commit(postgres: Postgres, rate: int, seconds: float, folder: Path) -> tuple[int, float]:
    """Change one item in each of `rate` transactions a second. Returns their number, and the latency in ms."""
    url = postgres.server.url(postgres.database)
    told = change_items(url, folder, f"--rate={rate}", items=ITEMS, sessions=SESSIONS, seconds=seconds)
    count = re.search(r"transactions actually processed: (\d+)", told)
    latency = re.search(r"latency average = ([\d.]+) ms", told)
    lag = re.search(r"schedule lag: avg ([\d.]+)", told)
    assert count, told
    assert latency, told
    assert lag, told
    return int(count[1]), float(latency[1]) - float(lag[1])


def _cpu_seconds_if_there(pid: int) -> float:
    try:
        return cpu_seconds(pid)
    except FileNotFoundError:
        return 0  # it has ended, and counts in its parent


def median(rows: list[Costs]) -> Costs:
    return Costs(*(statistics.median(values) for values in zip(*rows, strict=True)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--clients", type=int, default=0, help="of each process")
    parser.add_argument("--processes", type=int, nargs="*", default=PROCESSES)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, stocked_postgres(Path(name)) as postgres:
        print_header()
        for count in arguments.processes:
            with running(postgres, count, Path(name)) as streams, clients_of(streams, arguments.clients):
                commit(postgres, RATES[-1], SETTLE_SECONDS, Path(name))
                for rate in RATES:
                    runs = [
                        measure(postgres, streams, rate, arguments.seconds, Path(name)) for _ in range(arguments.runs)
                    ]
                    print_row(median(runs))
    return 0


def print_header() -> None:
    sys.stdout.write("| commits/s | processes | PostgreSQL µs/commit | processes µs/commit | reads/commit |")
    sys.stdout.write(" transactions/commit | connections | commit ms |\n|---:|---:|---:|---:|---:|---:|---:|---:|\n")


def print_row(costs: Costs) -> None:
    sys.stdout.write(
        f"| {costs.rate} | {costs.stream_processes} | {costs.postgres_cpu:.0f} | {costs.stream_cpu:.0f} |"
        f" {costs.reads:.2f} | {costs.transactions:.2f} | {costs.connections} | {costs.latency:.2f} |\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
