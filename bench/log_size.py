"""Measures what the size of the log costs, and its migration to partitions: `python -m bench.log_size`."""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from api_service.store import history, items
from api_service.store.history import EventCriteria, TimeSteps
from api_service.store.items import Selection
from shared.db.database import connect, load_queries, session_queries
from shared.db.migrations import migrate
from shared.log.follower import select_head
from stream_service.store import log as log_store
from tests.postgres import PostgresServer
from tests.unpartitioned import migrate_to_unpartitioned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    import asyncpg

    from shared.db.database import Connection

    Case = Callable[[Connection, "Log"], Awaitable[object]]

ITEMS = 10_000
ACTORS = 20
YEAR = timedelta(days=365)
CHUNK_EVENTS = 500_000  # filled in one statement, less than half a partition
LONG_SECONDS = 36_000.0
PAGE = 100
REPLAYED_EVENTS = 1_000
TREND_STEPS = 60
WRITERS = 4
WARM_UP_SECONDS = 2.0
USUAL_SECONDS = 5.0
BATCH_ROWS = 1_000
WARM_UP = 10  # of eleven calls, the first is not measured
CASE_SECONDS = 30.0  # with each log; a case ends then if it has made LEAST_CALLS
LEAST_CALLS = 6
POLL_SECONDS = 0.01
CLONED_EVENTS = 5_000_000  # a log of up to this number is copied, to measure it after its migration, too

FILL = f"""
    INSERT INTO inventory_history (
        event_id, item_id, location, operation, before, after, actor, movement, reason, changed_at
    )
    OVERRIDING SYSTEM VALUE
    SELECT
        n,
        item,
        1,
        'UPDATE',
        format(document, item, n % 1000, n / {ITEMS})::json,
        format(document, item, (n + 1) % 1000, n / {ITEMS} + 1)::json,
        'actor ' || n % {ACTORS},
        CASE WHEN n % 4 < 2 THEN n / 4 + 1 END,
        CASE WHEN n % 4 < 2 THEN 'sold' END,
        $3::timestamptz - interval '1 year' * (1 - n::float8 / $4::bigint)
    FROM generate_series($1::bigint, $2::bigint) AS n
    CROSS JOIN LATERAL (
        SELECT
            1 + n * 7919 % {ITEMS} AS item,
            '{{"id":%s,"name":"Bolt, hexagonal, M8","quantity":%s,"code":"4006381333931","unit":"pcs","minimum":20,'
            '"note":null,"location":1,"counted_at":null,"version":%s,"created_at":"2026-01-01T12:00:00.000000Z",'
            '"updated_at":"2026-06-01T12:00:00.000000Z"}}' AS document
    ) AS made
"""
FILL_MOVEMENTS = """
    INSERT INTO movement (id, reason, actor)
    OVERRIDING SYSTEM VALUE
    SELECT n, 'sold', 'actor'
    FROM generate_series($1::bigint / 4 + 1, $2::bigint / 4 + 1) AS n
    ON CONFLICT DO NOTHING
"""
TABLES = """
    SELECT c.oid::regclass::text, pg_table_size(c.oid), pg_indexes_size(c.oid)
    FROM pg_class AS c
    LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
    WHERE c.relkind = 'r'
      AND (c.relname = 'inventory_history' OR i.inhparent = to_regclass('inventory_history'))
    ORDER BY c.oid
"""


STEPS = """
    SELECT ARRAY[
        coalesce((SELECT indisvalid FROM pg_index
                  WHERE indexrelid = to_regclass('inventory_history_event_id')), false),
        to_regclass('inventory_history_first') IS NOT NULL,
        c.oid IS NOT NULL,
        coalesce(c.convalidated, false)
    ]
    FROM (VALUES (true)) AS one
    LEFT JOIN pg_constraint AS c
        ON c.conrelid = to_regclass('inventory_history_first')
        AND c.conname = 'inventory_history_end'
"""
STEP_NAMES = ("has an index in place of its primary key", "becomes a partition", "gets a constraint", "is validated")


class Log:
    """A log of this many events, spread evenly over the last year."""

    def __init__(self, server: PostgresServer, database: str, events: int) -> None:
        self.url = server.url(database)
        self.events = events
        self.made_at = datetime.now(UTC)
        self.choose = random.Random(1)

    def event(self) -> int:
        """An event of the newer half."""
        return self.choose.randint(self.events // 2, self.events - REPLAYED_EVENTS)

    def moment(self) -> datetime:
        """A time in the newer half."""
        return self.made_at - self.choose.random() * YEAR / 2

    def item(self) -> int:
        return self.choose.randint(1, ITEMS)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """A session of the owner, without time limits."""
        connection = await connect(self.url, application_name="bench", statement_seconds=LONG_SECONDS)
        try:
            yield connection
        finally:
            await connection.close()

    async def fill(self) -> None:
        async with self.session() as connection:
            await connection.execute(
                "INSERT INTO inventory (name, quantity, code, unit, minimum)"
                f" SELECT 'Bolt, hexagonal, M8', 1, n, 'pcs', 20 FROM generate_series(1, {ITEMS}) AS n"
            )
            await connection.execute("UPDATE inventory_history SET changed_at = $1", self.made_at - YEAR)
            is_partitioned = await self.is_partitioned(connection)
            for first in range(ITEMS + 1, self.events + 1, CHUNK_EVENTS):
                last = min(first + CHUNK_EVENTS - 1, self.events)
                await connection.execute("SELECT setval('inventory_history_event_id_seq', $1)", last)
                if is_partitioned:
                    await connection.execute("SELECT extend_log()")
                await connection.execute(FILL, first, last, self.made_at, self.events)
                await connection.execute(FILL_MOVEMENTS, first, last)
            await connection.execute("SELECT setval('movement_id_seq', $1)", self.events)
            await connection.execute("VACUUM ANALYZE inventory, inventory_name, inventory_tombstone, movement")
            await self.vacuum(connection)
            await connection.execute("CHECKPOINT")

    async def is_partitioned(self, connection: Connection) -> bool:
        return bool(await connection.fetchval("SELECT relkind = 'p' FROM pg_class WHERE relname = 'inventory_history'"))

    async def tables(self, connection: Connection) -> list[asyncpg.Record]:
        return list(await connection.fetch(TABLES))

    async def vacuum(self, connection: Connection, options: str = "ANALYZE") -> float:
        """Vacuum each table by itself, as autovacuum does. Returns the longest time, in seconds."""
        longest = 0.0
        for table, _, _ in await self.tables(connection):
            start = time.perf_counter()
            await connection.execute(f"VACUUM ({options}) {table}")
            longest = max(longest, time.perf_counter() - start)
        return longest


# What is measured ---------------------------------------------------------------------------------------------------


async def as_of(connection: Connection, log: Log, moment: int) -> None:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        if await log.is_partitioned(connection):
            await history.queries.lock_log(connection)
        await items.select_past_page(connection, moment, Selection("name", limit=PAGE))


async def replay(connection: Connection, log: Log) -> None:
    after = log.event()
    await log_store.select_events(connection, "epoch", after=after, up_to=after + REPLAYED_EVENTS, page=REPLAYED_EVENTS)
    await log_store.select_floor(connection)


async def movement(connection: Connection, log: Log) -> None:
    await load_queries("movements").select_movement(connection, id=log.event() // 4, locations=None)


async def trend(connection: Connection, log: Log) -> None:
    steps = TimeSteps(log.made_at - YEAR / 20, YEAR / 20 / TREND_STEPS, TREND_STEPS)
    await history.select_item_trends(connection, [log.item() for _ in range(20)], steps, None)


def audit(**criteria: object) -> Case:
    async def read(connection: Connection, log: Log) -> None:
        given = {name: value(log) if callable(value) else value for name, value in criteria.items()}
        await history.select_history(connection, EventCriteria(None, **given), limit=PAGE)  # type: ignore[arg-type]

    return read


async def write(connection: Connection, log: Log) -> None:
    await connection.execute("UPDATE inventory SET quantity = (quantity + 1) % 1000 WHERE id = $1", log.item())


READS: dict[str, tuple[int, Case]] = {  # how often, and what
    "the head": (500, lambda connection, _: select_head(connection)),
    "replay of 1,000 events": (100, replay),
    "history of an item": (200, audit(item=Log.item)),
    "audit: the latest 100 events": (200, audit()),
    "audit: of an actor": (200, audit(actor="actor 7")),
    "audit: between two times": (200, audit(until=Log.moment)),
    "as_of: in the middle": (15, lambda connection, log: as_of(connection, log, log.events // 2)),
    "as_of: a moment ago": (15, lambda connection, log: as_of(connection, log, log.events - 1_000)),
    "the last event at a time": (200, lambda connection, log: history.select_event_at(connection, log.moment())),
    "a movement": (200, movement),
    "the deleted items": (50, lambda connection, _: history.select_deletions(connection, locations=None, limit=PAGE)),
    "trends of 20 items, 60 steps": (20, trend),
}
WRITES: dict[str, tuple[int, Case]] = {"a change of one item": (1000, write)}


async def measure(logs: list[Log]) -> list[dict[str, float]]:
    """The median time of each case with each log, in ms. They take turns, since the machine is not always as fast."""
    medians: list[dict[str, float]] = [{} for _ in logs]
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(log.session()) for log in logs]
        writers = [await stack.enter_async_context(log.session()) for log in logs]
        for reader in readers:
            await session_queries.prepare_reading_session(reader)
        for sessions, cases in ((readers, READS), (writers, WRITES)):
            for name, (count, case) in cases.items():
                times: list[list[float]] = [[] for _ in logs]
                start = time.perf_counter()
                for number in range(count + count // WARM_UP + 1):
                    if number > LEAST_CALLS and time.perf_counter() - start > CASE_SECONDS * len(logs):
                        break
                    for log, session, measured in zip(logs, sessions, times, strict=True):
                        log.choose.seed(number)
                        seconds = await _time(session, log, case)
                        if number > count // WARM_UP:
                            measured.append(seconds)
                for measured, median in zip(times, medians, strict=True):
                    median[name] = statistics.median(measured) * 1000
    return medians


async def _time(connection: Connection, log: Log, case: Case) -> float:
    start = time.perf_counter()
    await case(connection, log)
    return time.perf_counter() - start


class Sizes(NamedTuple):
    tables: int
    table_gb: float
    index_gb: float
    largest_index_gb: float  # the indexes of one table
    vacuum_seconds: float  # of the longest vacuum after a retention of BATCH_ROWS
    freeze_seconds: float  # of the longest vacuum that freezes


async def sizes(log: Log) -> Sizes:
    async with log.session() as connection:
        tables = await log.tables(connection)
        freeze = await log.vacuum(connection, "FREEZE")
        for table, _, _ in tables:
            await connection.execute(
                f"UPDATE {table} SET actor = actor WHERE event_id IN"
                f" (SELECT event_id FROM {table} ORDER BY event_id DESC LIMIT {BATCH_ROWS})"
            )
        vacuum = await log.vacuum(connection, "INDEX_CLEANUP ON")
        table, index = (sum(row[column] for row in tables) / 1e9 for column in (1, 2))
        return Sizes(len(tables), table, index, max(row[2] for row in tables) / 1e9, vacuum, freeze)


class Waited(NamedTuple):
    """The duration of the work, and the longest waits of others during it and before it, in s."""

    seconds: float
    writes: int
    writer: float
    reader: float
    usual_writer: float
    usual_reader: float

    def __str__(self) -> str:
        return (
            f"{self.seconds:.1f} s, with {self.writes:,} writes; the longest took {self.writer * 1000:.0f} ms"
            f" ({self.usual_writer * 1000:.0f} ms before), the longest read {self.reader * 1000:.0f} ms"
            f" ({self.usual_reader * 1000:.0f} ms before)"
        )


async def with_others(log: Log, work: Coroutine[None, None, object]) -> Waited:
    """Do this work while WRITERS write and a reader reads without pause."""
    ended = asyncio.Event()
    times: dict[str, list[float]] = {"writer": [], "reader": []}

    async def keep_on(kind: str, case: Case) -> None:
        async with log.session() as connection:
            while not ended.is_set():
                times[kind].append(await _time(connection, log, case))

    async with asyncio.TaskGroup() as others:
        for kind, case in [("writer", write)] * WRITERS + [("reader", replay)]:
            others.create_task(keep_on(kind, case))
        await asyncio.sleep(WARM_UP_SECONDS)
        _clear(times)
        await asyncio.sleep(USUAL_SECONDS)
        usual = _clear(times)
        start = time.perf_counter()
        await work
        seconds = time.perf_counter() - start
        ended.set()
    return Waited(
        seconds, len(times["writer"]), max(times["writer"]), max(times["reader"]), usual["writer"], usual["reader"]
    )


def _clear(times: dict[str, list[float]]) -> dict[str, float]:
    """The longest times so far, which are then forgotten."""
    longest = {kind: max(measured, default=0.0) for kind, measured in times.items()}
    for measured in times.values():
        measured.clear()
    return longest


async def watch_steps(log: Log, migrating: asyncio.Task[object]) -> None:
    """Say when the table has come to which step of its migration, by which it becomes the first partition."""
    reached: set[str] = set()
    start = time.perf_counter()
    async with log.session() as connection:
        while not migrating.done():
            for name, is_reached in zip(STEP_NAMES, await connection.fetchval(STEPS), strict=True):
                if is_reached and name not in reached:
                    reached.add(name)
                    print(f"  after {time.perf_counter() - start:.2f} s, it {name}", flush=True)
            await asyncio.sleep(POLL_SECONDS)


async def migrate_and_watch(log: Log) -> None:
    migrating: asyncio.Task[object] = asyncio.create_task(migrate(log.url))
    await watch_steps(log, migrating)
    await migrating


async def prune(log: Log, events: int) -> None:
    """Prune as the API does, until the floor has passed this number of events."""
    retention = timedelta(seconds=YEAR.total_seconds() * (1 - events / log.events))
    async with log.session() as connection:
        while await history.prune_history(connection, retention, BATCH_ROWS):
            pass


# The run ------------------------------------------------------------------------------------------------------------


async def compare(server: PostgresServer, events: int) -> None:
    one_table, migrated, partitions = (Log(server, name, events) for name in ("one_table", "migrated", "partitions"))
    server.sql("postgres", "CREATE DATABASE one_table")
    await migrate_to_unpartitioned(one_table.url)
    say(f"filling one table with {events:,} events")
    await one_table.fill()
    server.sql("postgres", "CREATE DATABASE partitions")
    await migrate(partitions.url)
    say(f"filling partitions with {events:,} events")
    await partitions.fill()
    logs = {"one table": one_table, "partitions": partitions}
    if events <= CLONED_EVENTS:
        server.sql("postgres", "CREATE DATABASE migrated TEMPLATE one_table", seconds=LONG_SECONDS)
        await migrate(migrated.url)
        logs["migrated"] = migrated
    say("measuring")
    print_times(dict(zip(logs, await measure(list(logs.values())), strict=True)))
    print_sizes({name: await sizes(log) for name, log in logs.items()})
    say(f"the migration: {await with_others(one_table, migrate_and_watch(one_table))}")
    say(f"pruning half of it, in partitions: {await with_others(partitions, prune(partitions, events // 2))}")


def say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)


def print_times(columns: dict[str, dict[str, float]]) -> None:
    _print_row("ms", *columns)
    _print_row("---", *("---:" for _ in columns))
    for case, first in next(iter(columns.values())).items():
        _print_row(case, *(f"{times[case]:.2f} ({times[case] / first:.2f})" for times in columns.values()))


def print_sizes(columns: dict[str, Sizes]) -> None:
    _print_row("", *columns)
    _print_row("---", *("---:" for _ in columns))
    for name in Sizes._fields:
        _print_row(name, *(f"{getattr(measured, name):.2f}" for measured in columns.values()))


def _print_row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        server = PostgresServer(Path(name) / "postgres")
        server.start()
        try:
            asyncio.run(compare(server, arguments.events))
        finally:
            server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
