"""A campaign: injects faults one after another while clients read and write, then checks that nothing was lost."""

from __future__ import annotations

import asyncio
import itertools
import random
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.broker_injections import BROKER_INJECTIONS
from tests.faults.injections import INJECTIONS, REFUSALS
from tests.faults.page import OpenPage
from tests.faults.waiting import StuckError, within
from tests.faults.world import World
from tests.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.faults.readers import Reader

PAUSE_SECONDS = 0.5  # longest pause between two faults
SHOWN_CHARACTERS = 2_000  # of the log of a process
SHOWN_EVENTS = 5
ALL_INJECTIONS = {**INJECTIONS, **BROKER_INJECTIONS}
MAX_INJECTION_SECONDS = 75.0  # exceeds the timeouts within an injection: a stop, a start, statements


@dataclass
class Verdict:
    """The result of a campaign. In a clean one, the counts of losses and mismatches are all 0."""

    seed: int
    with_broker: bool = False  # whether there were several streams and a broker
    injected: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # faults that the database refused, with the reason
    events: int = 0
    confirmed: int = 0
    clients: int = 0
    reconnects: int = 0
    lost: int = 0
    repeated: int = 0
    out_of_order: int = 0
    unequal: int = 0
    unlogged: int = 0
    resets: int = 0
    late: int = 0
    broken: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.complaints

    def _refusals(self) -> str:
        return "".join(f"; {refusal}" for refusal in self.refused)

    def __str__(self) -> str:
        mode = " with a broker" if self.with_broker else ""
        return (
            f"seed {self.seed}{mode}: {self.events:,} events, {self.confirmed:,} confirmed changes,"
            f" {self.clients} clients,"
            f" {len(self.injected)} faults ({len(self.refused)} of them refused{self._refusals()}),"
            f" {self.reconnects:,} connects; lost {self.lost}, repeated {self.repeated},"
            f" out of order {self.out_of_order}, unequal {self.unequal}, confirmed and not logged {self.unlogged},"
            f" resets {self.resets}, sent after the right was lost {self.late}, transfers not whole {self.broken}"
        )


async def run(
    server: PostgresServer,
    folder: Path,
    seed: int,
    faults: Iterable[str],
    *,
    seconds: float = float("inf"),
    with_page: bool = False,
    with_broker: bool = False,
) -> Verdict:
    """Inject faults one after another until none is left or the time is up, then judge."""
    verdict = Verdict(seed, with_broker)
    world = World(server, folder, seed, settings={"AUTH": "login"}, with_broker=with_broker)
    async with world, AsyncExitStack() as stack:
        page = await stack.enter_async_context(OpenPage(world.stack)) if with_page else None
        ends = time.monotonic() + seconds
        for name in faults:
            if time.monotonic() > ends:
                break
            await inject(world, name, verdict)
            await asyncio.sleep(world.choose.random() * PAUSE_SECONDS)
        await settle_and_judge(world, verdict)
        if with_broker:
            await _judge_trust(world, verdict)
        if page is not None:
            verdict.clients += 1
            if not await page.eventually_shows(world.table()):
                verdict.unequal += 1
                verdict.complaints.append(f"the page does not show the table: {await page.items()}")
    return verdict


async def inject(world: World, name: str, verdict: Verdict) -> None:
    """Inject a fault. If the database refuses the injection itself, as a deadlock victim for example, record that."""
    verdict.injected.append(name)
    try:
        async with within(MAX_INJECTION_SECONDS, name):
            await ALL_INJECTIONS[name](world)
    except REFUSALS as error:
        verdict.refused.append(f"{name}: {type(error).__name__}: {error}")


async def settle_and_judge(world: World, verdict: Verdict) -> None:
    """Wait until all clients have caught up, then judge."""
    try:
        await world.settle()
    except StuckError as stuck:
        places = {reader.name: reader.place for reader in world.readers}
        verdict.complaints.append(f"not everyone came to the head: {places}\n{stuck}")
    judge(world, verdict)


async def _judge_trust(world: World, verdict: Verdict) -> None:
    """See whether the streams have returned to the broker, and one publishes to it."""
    try:
        await world.publisher()
    except StuckError:
        ends = [f"{name}: {world.stack.log(name)[-SHOWN_CHARACTERS:]}" for name in world.streams]
        verdict.complaints.append("\n".join(["the streams have not returned to the broker", *ends]))


def judge(world: World, verdict: Verdict) -> None:
    """Compare the events of every reader with the log, its items with the table, and confirmed changes with the log.

    A service that has ended by itself is a complaint, too.
    """
    for name in world.stack.ended():
        verdict.complaints.append(f"{name} ended by itself:\n{world.stack.log(name)[-SHOWN_CHARACTERS:]}")
    log, table = world.log(), world.table()
    verdict.events, verdict.clients = len(log), len(world.readers)
    for reader in world.readers:
        verdict.reconnects += reader.connects
        verdict.resets += reader.resets
        verdict.late += reader.late
        _judge_events(reader, log, verdict)
        if reader.items != table:
            verdict.unequal += 1
            wrong = sorted(set(map(str, reader.items.items())) ^ set(map(str, table.items())))
            verdict.complaints.append(f"{reader.name} does not show the table: {wrong[:SHOWN_EVENTS]}")
    if verdict.resets:
        verdict.complaints.append("someone was told to start over, and there was no reason to")
    if verdict.late:
        verdict.complaints.append("someone was sent events that they had lost the right to see")
    broken = world.broken_transfers()
    verdict.broken = len(broken)
    if broken:
        verdict.complaints.append(f"what left did not arrive: movements {broken[:SHOWN_EVENTS]}")
    confirmed = {change for writer in world.writers for change in writer.confirmed}
    versions = "SELECT item_id, coalesce((after ->> 'version')::bigint, (before ->> 'version')::bigint + 1)"
    logged = {(int(row[0]), int(row[1])) for row in world.stack.sql(f"{versions} FROM inventory_history")}
    missing = [change for change in confirmed if tuple(change) not in logged]
    verdict.confirmed, verdict.unlogged = len(confirmed), len(missing)
    if missing:
        verdict.complaints.append(f"confirmed and not in the log: {missing[:SHOWN_EVENTS]}")


def _judge_events(reader: Reader, log: list[int], verdict: Verdict) -> None:
    told = [seen.event_id for seen in reader.seen]
    start = reader.loaded_at.event_id if reader.loaded_at else 0
    expected = [event_id for event_id in log if event_id > start]
    if told == expected:
        return
    lost, extra = sorted(set(expected) - set(told)), len(told) - len(set(told))
    verdict.lost += len(lost)
    verdict.repeated += extra
    disorder = [after for before, after in itertools.pairwise(told) if after <= before]
    verdict.out_of_order += len(disorder)
    verdict.complaints.append(
        f"{reader.name} from {start}: lost {lost[:SHOWN_EVENTS]}, repeated {extra}, disorder {disorder[:SHOWN_EVENTS]}"
    )


def choose_faults(seed: int, *, with_broker: bool = False) -> Iterator[str]:
    """Yield faults in endless random order, determined by the seed. Each round has every fault once."""
    choose, names = random.Random(seed), sorted(ALL_INJECTIONS if with_broker else INJECTIONS)
    while True:
        choose.shuffle(names)
        yield from names


def run_on_new_postgres(
    seed: int,
    faults: Iterable[str],
    *,
    seconds: float = float("inf"),
    with_page: bool = True,
    with_broker: bool = False,
) -> Verdict:
    """Run a campaign on a new PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="stockstream-faults-") as folder:
        server = PostgresServer(Path(folder) / "postgres")
        server.start()
        try:
            server.make_template()
            return asyncio.run(
                run(
                    server,
                    Path(folder),
                    seed,
                    faults,
                    seconds=seconds,
                    with_page=with_page,
                    with_broker=with_broker,
                )
            )
        finally:
            server.close()


def shrink(verdict: Verdict) -> list[str]:
    """Return a minimal list of faults that still fails, by leaving out ever smaller parts of the original."""
    faults, size = list(verdict.injected), len(verdict.injected) // 2
    while size:
        for start in range(0, len(faults), size):
            fewer = faults[:start] + faults[start + size :]
            if fewer and not run_on_new_postgres(verdict.seed, fewer, with_broker=verdict.with_broker).is_clean:
                faults = fewer
                break
        else:
            size //= 2
    return faults
