"""Whoever may not see a location gets no byte of it, by any path.

Steps are drawn at random: changes of grants and of the tree of locations, changes of items, reads, and streams that are
opened, kept and resumed. Each answer is searched for words that only occur where the account may not see anything, and
compared with a model of what it may see. RIGHTS_STEPS and RIGHTS_SEEDS set the number of steps, and the seeds.
"""

from __future__ import annotations

import os
import random
from contextlib import asynccontextmanager
from statistics import median
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.acceptance.login import accounts_of
from tests.acceptance.rights import changes, clients, histories, imports, items, reads, writes
from tests.acceptance.rights.model import Account, Place
from tests.acceptance.rights.world import World
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.accounts import Accounts
    from tests.postgres import PostgresServer

    Step = Callable[[World], Awaitable[None]]

STEPS = int(os.environ.get("RIGHTS_STEPS", "400"))
SEEDS = [int(seed) for seed in os.environ.get("RIGHTS_SEEDS", "1").split(",")]
STEP_SECONDS = 0.25  # at most, on average, on a machine that does other things, too

HEARTBEAT_SECONDS = 1.0
RIGHTS_SECONDS = 2 * HEARTBEAT_SECONDS  # until a change of rights has reached every open stream
SETTINGS = {
    "AUTH": "login",
    "STREAM_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
    "STREAM_RING_BYTES": "65536",  # the smallest, so that streams are also resumed from the database
}
NAMES = ("ann", "bob", "cat", "dan", "eve", "fay")
PARENTS = (None, 1, 1, 2, 2, None, 6, 7)  # of the first locations, which have the ids 1 to 8
FIRST_ITEMS = 24

RESTLESS_STEPS, CALM_STEPS = 100, 300  # by turns, rights change, and streams can be resumed since they do not
PROMPT_SECONDS = 0.5  # until a stream is reset, usually: more than this means that a notification was lost
FEW = 20  # resets after a kind of change: fewer say nothing about what is usual
MANY_STEPS = 4_000  # in which everything happens that a run is about

READS: dict[Step, int] = {
    reads.read_list: 14,
    reads.read_item: 8,
    reads.read_export: 5,
    reads.read_locations: 4,
    histories.read_item_history: 5,
    histories.read_audit_trail: 6,
    histories.read_deleted: 4,
    histories.read_trends: 4,
}
WRITES: dict[Step, int] = {
    writes.add: 8,
    writes.put: 8,
    writes.adjust: 6,
    writes.delete: 5,
    writes.restore: 5,
    writes.repeat: 4,
    writes.restock: 2,
    imports.import_file: 6,
}
STREAMS: dict[Step, int] = {clients.reconnect: 6, clients.open_another: 6, clients.settle_one: 8, clients.settle_all: 1}
RIGHTS: dict[Step, int] = {changes.grant: 14, changes.change_tree: 10, changes.open_during_a_change: 4}


@pytest.fixture
def stack(postgres: PostgresServer, tmp_path: Path) -> Iterator[Stack]:
    """Both services, with accounts."""
    with running_stack(postgres, tmp_path, SETTINGS) as stack:
        yield stack


@pytest.mark.timeout(90 + STEP_SECONDS * STEPS)
@pytest.mark.parametrize("seed", SEEDS)
async def test_nobody_gets_a_byte_of_what_they_may_not_see(stack: Stack, seed: int) -> None:
    async with world_of(stack, seed) as world:
        step = 0
        try:
            await set_up(world)
            for step in range(1, STEPS + 1):
                await draw_step(world, step)(world)
                world.check_clients()
            await clients.finish(world)
            await check_counts(world)
        except Exception as error:
            last = "\n".join(world.lines)
            raise AssertionError(f"seed {seed}, step {step}: {error}\n\nThe last requests:\n{last}") from error
        finally:
            await clients.close_all(world)


@asynccontextmanager
async def world_of(stack: Stack, seed: int) -> AsyncIterator[World]:
    async with aiohttp.ClientSession(stack.api_url) as api, accounts_of(stack) as accounts:
        yield World(stack, api, accounts, random.Random(seed), rights_seconds=RIGHTS_SECONDS)


async def set_up(world: World) -> None:
    """Create the accounts, the locations and some items, and open the first streams."""
    world.root = await new_account(world.database, "root", "admin")
    world.root.grants = {None: "admin"}
    world.accounts = [await new_account(world.database, name, None) for name in NAMES]
    connection = world.database.connection
    world.epoch = (await connection.fetchval("SELECT log_position()")).rpartition("-")[0]
    for location, parent in enumerate(PARENTS, start=1):
        name = world.words.new()
        method, path = ("PATCH", f"{reads.PATH}/1") if location == 1 else ("POST", reads.PATH)
        answer = await world.send(world.root, method, path, json={"name": name, "parent": parent})
        assert answer.json["id"] == location
        world.model.tree.places[location] = Place(name, parent)
        world.words.place(name, location)
    for account in world.accounts:
        await changes.set_grants(world, account, changes.draw_grants(world))
    for number in range(FIRST_ITEMS):
        body = {**items.draw_fields(world, full=True), "code": None, "location": number % len(PARENTS) + 1}
        await world.send(world.root, "POST", "/api/inventories", json=body)
    await world.sync()
    await clients.open_first_streams(world)


async def new_account(accounts: Accounts, name: str, role: str | None) -> Account:
    account_id = await accounts.add(name, role)
    return Account(account_id, name, await accounts.token(account_id))


def draw_step(world: World, number: int) -> Step:
    is_restless = number % (RESTLESS_STEPS + CALM_STEPS) < RESTLESS_STEPS
    weights: dict[Step, int] = READS | WRITES | STREAMS | (RIGHTS if is_restless else {changes.grant: 2})
    if len(world.model.state) > items.MAX_ITEMS:
        weights[writes.delete] *= 8
    (step,) = world.rng.choices(list(weights), list(weights.values()))
    world.counts[step.__name__] += 1
    return step


async def check_counts(world: World) -> None:
    """Check that the steps were not all refused, and that streams were told of changes at once."""
    world.counts += await clients.count_replays(world)
    lines = [f"{len(world.model.log)} events, {dict(sorted(world.counts.items()))}"]
    for kind, latencies in sorted(world.latencies.items()):
        lines.append(f"{kind}: {len(latencies)} resets, median {median(latencies):.3f} s, last {max(latencies):.3f} s")
    print("", *lines, sep="\n")  # noqa: T201 - shown with -s
    if STEPS >= MANY_STEPS:
        for what in ("streams: reset", "streams: snapshot", "ring", "blocks", "repeated", "imported"):
            assert world.counts[what], f"no {what}"
    for kind, latencies in world.latencies.items():
        assert len(latencies) < FEW or median(latencies) < PROMPT_SECONDS, (kind, latencies)
