"""Run benchmark cases and print the results as one table: `python -m bench [CASE ...]`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from bench import access, api, writes
from bench.load import Client
from bench.servers import Api, Gateway, Nchan, Server, Stockstream, Usual
from tests import processes
from tests.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCATIONS = 50
ITEMS = 1_000
WRITERS = 4
SNAPSHOT_READERS = 20
SETTLE_SECONDS = 1.0
MAX_CLIENT_CPU = 0.85  # share of a core; above it, the client may be the bottleneck


@dataclass(frozen=True)
class Row:
    """A row of the table: server CPU in µs per delivery, latency in ms, memory in KB per client."""

    case: str
    server: str
    cpu: float | None = None
    rate: float | None = None
    p50: float | None = None
    p99: float | None = None
    memory: float | None = None
    note: str = ""


async def write(url: str, rate: float, seconds: float) -> int:
    """Commit single-row updates at a steady rate over a few connections. Returns the number of updates."""
    connections = [await asyncpg.connect(url) for _ in range(WRITERS)]
    start = time.perf_counter()
    total = int(rate * seconds)

    async def write_share(number: int) -> None:
        for index in range(number, total, WRITERS):
            await asyncio.sleep(max(0, start + index / rate - time.perf_counter()))
            await connections[number].execute(
                "UPDATE inventory SET quantity = quantity + 1 WHERE id = $1", 1 + index % ITEMS
            )

    await asyncio.gather(*(write_share(number) for number in range(WRITERS)))
    for connection in connections:
        await connection.close()
    return total


def warm_up(client: Client, url: str, rate: float) -> None:
    """Write events for a while, and start the measurement once they are delivered."""
    asyncio.run(write(url, rate, SETTLE_SECONDS))
    time.sleep(SETTLE_SECONDS)
    client.say("mark")


class Bench:
    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder = folder
        self.seconds = seconds
        self.postgres = PostgresServer(folder / "postgres")
        self.postgres.start()
        self.postgres.make_template()

    @contextmanager
    def database(self) -> Iterator[str]:
        """Create a database, and drop it at the end of the block."""
        name = self.postgres.create_database()
        yield name
        self.postgres.drop_database(name)

    @contextmanager
    def server(
        self, kind: type[Server], settings: dict[str, str] | None = None, events: int = 0, *, locations: int = 0
    ) -> Iterator[tuple[Server, str]]:
        """Start a server on a new database whose log already holds ITEMS + `events` events.

        The items are at `locations` locations below the first one, in turn (0: at the first one).
        """
        with self.database() as database:
            place = f"2 + n % {locations}" if locations else "1"
            self.postgres.sql(
                database,
                f"""
                INSERT INTO location (name, parent) SELECT n, 1 FROM generate_series(1, {locations}) AS n;
                INSERT INTO inventory (name, quantity, location)
                SELECT 'item', 0, {place} FROM generate_series(0, {ITEMS + events - 1}) AS n;
                """,
            )
            with kind(self.postgres, database, self.folder, settings or {}) as server:
                yield server, database

    def fan_out(self, case: str, kind: type[Server], clients: int, rate: float, *options: str, **settings: str) -> Row:
        """Measure delivery to clients that stay connected while commits arrive at a steady rate."""
        with self.server(kind, settings) as (server, database):
            before = server.resident_kb()
            client = Client(server.port, clients, *options)
            memory = (server.resident_kb() - before) / clients
            url = self.postgres.url(database)
            warm_up(client, url, rate)
            cpu = server.cpu_seconds()
            started = time.perf_counter()
            events = asyncio.run(write(url, rate, self.seconds))
            written = time.perf_counter() - started
            client.say(f"wait {events}")
            cpu = server.cpu_seconds() - cpu
            result = client.stop()
        note = "client busy" if result["client_cpu"] > MAX_CLIENT_CPU else ""
        if events / written < 0.95 * rate:
            note += f" only {events / written:.0f} events/s were written"
        deliveries = result["events"]
        return Row(
            case,
            kind.name,
            cpu=cpu / deliveries * 1e6,
            rate=deliveries / result["seconds"],
            p50=result["p50"],
            p99=result["p99"],
            memory=memory,
            note=note.strip(),
        )

    def checked(self, case: str, clients: int, rate: float, *, auth: str) -> Row:
        """Measure clients with a token each, whose rights are all checked about every second; or without accounts."""
        settings = {"AUTH": auth, "STREAM_HEARTBEAT_SECONDS": str(access.HEARTBEAT_SECONDS)}
        with self.server(Stockstream, settings) as (server, database):
            options = ["--tokens", str(access.add_tokens(self, database, clients))] if auth == "login" else []
            client = Client(server.port, clients, *options)
            url = self.postgres.url(database)
            warm_up(client, url, rate)
            cpu = server.cpu_seconds()
            events = asyncio.run(write(url, rate, self.seconds))
            client.say(f"wait {events}")
            cpu = server.cpu_seconds() - cpu
            result = client.stop()
        note = f"{cpu / result['seconds']:.1%} of a core"
        return Row(case, f"stockstream, {auth}", p50=result["p50"], p99=result["p99"], note=note)

    def located(self, case: str, clients: int, rate: float, *, places: int) -> Row:
        """Measure clients with a token each, who may see `places` of LOCATIONS locations (0: all below their parent).

        CPU is that of a delivery.
        """
        settings = {"AUTH": "login"}
        with self.server(Stockstream, settings, locations=LOCATIONS) as (server, database):
            tokens = access.add_tokens(self, database, clients, locations=LOCATIONS, places=places)
            client = Client(server.port, clients, "--tokens", str(tokens))
            url = self.postgres.url(database)
            warm_up(client, url, rate)
            cpu = server.cpu_seconds()
            events = asyncio.run(write(url, rate, self.seconds))
            deliveries = events * clients * (places or LOCATIONS) // LOCATIONS
            client.say(f"total {deliveries}")
            cpu = server.cpu_seconds() - cpu
            result = client.stop()
        return Row(
            case,
            "stockstream",
            cpu=cpu / deliveries * 1e6,
            rate=deliveries / self.seconds,
            p50=result["p50"],
            p99=result["p99"],
        )

    def flooded(self, case: str, clients: int, rate: float, *, attempts: bool) -> Row:
        """Measure deliveries while others try passwords, each for another account from another address."""
        login = {"AUTH": "login", "TRUSTED_PROXIES": "127.0.0.0/8"}
        with self.server(Stockstream) as (server, database), Api(self.postgres, database, self.folder, login) as api:
            client = Client(server.port, clients)
            url = self.postgres.url(database)
            asyncio.run(write(url, rate, SETTLE_SECONDS))
            client.say("mark")

            async def write_meanwhile() -> tuple[int, access.Answers | None]:
                written = asyncio.create_task(write(url, rate, self.seconds))
                answers = await access.flood(api.port, self.seconds) if attempts else None
                return await written, answers

            events, answers = asyncio.run(write_meanwhile())
            client.say(f"wait {events}")
            memory = api.resident_kb()
            result = client.stop()
        note = (
            f"{answers.rate:.0f} attempts/s, {answers.statuses}; the API has {memory / 1024:.0f} MB" if answers else ""
        )
        return Row(case, "stockstream", p50=result["p50"], p99=result["p99"], note=note)

    def resume(self, case: str, clients: int, events: int) -> Row:
        """Measure clients that all reconnect at once, each `events` events behind the head."""
        with self.server(Stockstream, events=events) as (server, database):
            ((epoch, head),) = self.postgres.sql(database, "SELECT log_epoch(), log_head()")
            cpu = server.cpu_seconds()
            started = time.perf_counter()
            client = Client(server.port, clients, "--position", f"{epoch}-{int(head) - events}")
            client.say(f"wait {events}")
            seconds = time.perf_counter() - started
            cpu = server.cpu_seconds() - cpu
            result = client.stop()
        deliveries = result["events"]
        return Row(
            case,
            "stockstream",
            cpu=cpu / deliveries * 1e6,
            rate=deliveries / seconds,
            note=f"all of it after {seconds:.2f} s, the client's start included",
        )

    def narrow(self, case: str, clients: int, rate: float) -> Row:
        """Clients of one item each. CPU is that of each event that is written, and thus delivered to one client."""
        with self.server(Stockstream) as (server, database):
            url = self.postgres.url(database)
            client = Client(server.port, clients, "--items", str(ITEMS))
            warm_up(client, url, rate)
            cpu = server.cpu_seconds()
            events = asyncio.run(write(url, rate, self.seconds))
            client.say(f"total {events}")
            cpu = server.cpu_seconds() - cpu
            result = client.stop()
        return Row(case, "stockstream", cpu=cpu / events * 1e6, rate=rate, p50=result["p50"], p99=result["p99"])

    def snapshots(self, case: str, clients: int, items: int) -> Row:
        """Clients that ask for a snapshot at the same time, of which all but a few stop reading after some bytes."""
        with self.server(Stockstream, events=items - ITEMS) as (server, _):
            before = server.resident_kb()
            started = time.perf_counter()
            silent = Client(server.port, clients - SNAPSHOT_READERS, "--path", "/events?snapshot=1", "--deaf")
            reading = Client(server.port, SNAPSHOT_READERS, "--path", "/events?snapshot=1")
            reading.say("snapshots")
            seconds = time.perf_counter() - started
            grown = server.resident_kb() - before
            reading.stop()
            silent.stop()
        note = (
            f"{grown / 1024:.0f} MB more than before; {SNAPSHOT_READERS} have all of it after {seconds:.1f} s, while"
            " the others read nothing"
        )
        return Row(case, "stockstream", memory=grown / clients, note=note)

    def deaf(self, case: str, clients: int, deaf: int, rate: float, seconds: float) -> Row:
        """Measure memory while some clients stop reading and the others go on. It must stay flat once the ring is full.

        The ring is small, so that it is full well before the first measurement.
        """
        with self.server(Stockstream, {"STREAM_RING_BYTES": str(4 * 2**20)}) as (server, database):
            listening, silent = Client(server.port, clients), Client(server.port, deaf)
            url = self.postgres.url(database)
            asyncio.run(write(url, rate, 5))
            silent.say("deaf")
            asyncio.run(write(url, rate, seconds / 3))
            early = server.resident_kb()
            listening.say("mark")
            events = asyncio.run(write(url, rate, seconds * 2 / 3))
            listening.say(f"wait {events}")
            late = server.resident_kb()
            result = listening.stop()
            silent.stop()
        note = f"{early / 1024:.0f} MB after {seconds / 3:.0f} s, {late / 1024:.0f} MB after {seconds:.0f} s"
        return Row(case, "stockstream", p50=result["p50"], p99=result["p99"], note=note)


def cases(bench: Bench, runs: int) -> dict[str, Any]:
    baselines: list[type[Server]] = [Stockstream, Usual, *([Nchan] if Nchan.is_installed() else [])]

    def compared(
        case: str,
        clients: int,
        rate: float,
        *options: str,
        kinds: list[type[Server]] = baselines,
        **settings: str,
    ) -> list[Row]:
        rows = [[bench.fan_out(case, kind, clients, rate, *options, **settings) for kind in kinds] for _ in range(runs)]
        return [median([row[index] for row in rows]) for index in range(len(kinds))]

    without_usual = [kind for kind in baselines if kind is not Usual]

    return {
        "a": lambda: compared("a: 1,000 clients, 20 events/s", 1_000, 20),
        "b": lambda: compared("b: 200 clients, 1,000 events/s", 200, 1_000),
        "c": lambda: compared("c: 5,000 clients, 1 event/s", 5_000, 1),
        "d": lambda: [
            bench.resume("d: resume of 100,000 events, 1 client", 1, 100_000),
            bench.resume("d: resume of 100,000 events, 50 clients", 50, 100_000),
        ],
        "e": lambda: [bench.resume("e: 1,000 clients come back 1,000 events behind", 1_000, 1_000)],
        "f": lambda: compared("f: 100 clients, 20 events/s", 100, 20),
        "j": lambda: compared(
            "j: 1,000 clients, 50 events/s, 2 workers", 1_000, 50, kinds=without_usual, STREAM_WORKERS="2"
        ),
        "k": lambda: [
            *compared("k: 500 clients, 20 events/s", 500, 20, kinds=[Stockstream]),
            *compared("k: the same through the gateway, HTTP/1.1", 500, 20, kinds=[Gateway]),
            *compared("k: the same through the gateway, HTTP/2", 500, 20, "--http2", kinds=[Gateway]),
        ],
        "l": lambda: [bench.narrow("l: 1,000 clients of one item each, 1,000 events/s over 1,000 items", 1_000, 1_000)],
        "m": lambda: [bench.snapshots("m: 1,000 clients ask for a snapshot of 100,000 items", 1_000, 100_000)],
        "h": lambda: [
            Row(row.case, "api_service", rate=row.rate, p50=row.p50, p99=row.p99, note=f"{share:.2f}x the bare route")
            for row, share in api.against_a_bare_route(bench, runs)
        ],
        "i": lambda: [
            Row(row.case, "api_service", p50=row.p50, p99=row.p99, note=f"{multiple:.2f}x the time with 1,000")
            for row, multiple in api.with_many_items(bench, runs)
        ],
        "n": lambda: [
            Row(row.case, "api_service" if row.cpu else "pgbench", cpu=row.cpu, rate=row.rate, note=row.waits)
            for row in writes.commits(bench, runs)
        ],
        "o": lambda: [
            median(
                [
                    bench.checked("o: 5,000 clients, 1 event/s, all rights checked every 0.9 s", 5_000, 1, auth=auth)
                    for _ in range(runs)
                ]
            )
            for auth in ("open", "login")
        ],
        "q": lambda: [
            median([bench.fan_out("q: 1,000 clients, 20 events/s", Stockstream, 1_000, 20) for _ in range(runs)]),
            *(
                median([bench.located(f"q: the same, {label}", 1_000, 20, places=places) for _ in range(runs)])
                for label, places in (("each may see 50 locations", 0), ("each may see 10 of 50 locations", 10))
            ),
        ],
        "p": lambda: [
            median(
                [bench.flooded(f"p: 200 clients, 20 events/s{label}", 200, 20, attempts=attempts) for _ in range(runs)]
            )
            for label, attempts in (("", False), (", and 1,000 sign-ins/s", True))
        ],
        "g": lambda: [bench.deaf("g: b while 50 clients stop reading", 150, 50, 1_000, 300)],
    }


def median(rows: list[Row]) -> Row:
    """Return the median of each column over several runs of one case."""

    def median_of(column: str) -> float | None:
        values = [value for row in rows if (value := getattr(row, column)) is not None]
        return statistics.median(values) if values else None

    notes = dict.fromkeys(row.note for row in rows if row.note)
    columns = {column: median_of(column) for column in ("cpu", "rate", "p50", "p99", "memory")}
    return Row(rows[0].case, rows[0].server, **columns, note="; ".join(notes))


def print_table(rows: list[Row]) -> None:
    print("| case | server | CPU µs/delivery | deliveries or answers/s | p50 ms | p99 ms | KB/client | |")
    print("|---|---|---:|---:|---:|---:|---:|---|")
    for row in rows:
        numbers = [(row.cpu, ".1f"), (row.rate, ",.0f"), (row.p50, ".1f"), (row.p99, ".1f"), (row.memory, ".1f")]
        cells = ["" if value is None else format(value, spec) for value, spec in numbers]
        print("|", " | ".join([row.case, row.server, *cells, row.note]), "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=[], help="a to p; by default all but g, which takes 5 minutes")
    parser.add_argument("--seconds", type=float, default=10, help="length of a measurement")
    parser.add_argument("--runs", type=int, default=3, help="of each comparison; the median is shown")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # clean up first, as after Ctrl-C
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="stockstream-bench-") as folder:
        processes.remove_at_exit(Path(folder))
        bench = Bench(Path(folder), arguments.seconds)
        try:
            known = cases(bench, arguments.runs)
            for name in arguments.cases or [name for name in known if name != "g"]:
                rows += known[name]()
                print(f"{name} done", file=sys.stderr, flush=True)
        finally:
            bench.postgres.close()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {os.uname().machine}\n")
    print_table(rows)


if __name__ == "__main__":
    main()
