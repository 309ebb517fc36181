"""Whatever happens to the broker, its network or the publisher, every client of three streams ends with the log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.faults.broker_injections import BROKER_INJECTIONS, suspend_the_publisher
from tests.faults.campaign import Verdict, inject, settle_and_judge
from tests.faults.world import World
from tests.system_programs import find_broker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import PostgresServer

pytestmark = [pytest.mark.skipif(find_broker() is None, reason="no redis-server"), pytest.mark.timeout(180)]

SEED = 15
EVENTS = 60  # changes before and after the fault
SUSPENDED_SECONDS = 30.0


async def judge(world: World) -> Verdict:
    verdict = Verdict(SEED, with_broker=True)
    await settle_and_judge(world, verdict)
    assert verdict.is_clean, (str(verdict), verdict.complaints)
    return verdict


@pytest.mark.parametrize("fault", BROKER_INJECTIONS)
async def test_a_fault_of_the_broker_costs_no_event_and_the_streams_return_to_it(
    own_postgres: PostgresServer, tmp_path: Path, fault: str
) -> None:
    async with World(own_postgres, tmp_path, SEED, with_broker=True) as world:
        await world.publisher()
        await world.until_confirmed(EVENTS)
        await inject(world, fault, Verdict(SEED))
        await world.until_confirmed(EVENTS)
        await world.publisher()
        await world.until_confirmed(EVENTS)
        await judge(world)


@pytest.mark.heavy
async def test_a_publisher_that_was_suspended_for_long_goes_on_and_repeats_nothing(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    async with World(own_postgres, tmp_path, SEED, with_broker=True) as world:
        await world.publisher()
        await suspend_the_publisher(world, SUSPENDED_SECONDS)
        await world.publisher()
        await world.until_confirmed(EVENTS)
        await judge(world)


async def test_a_reader_that_registers_while_entries_come_misses_none(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """A stream that starts, and so begins to read the broker, in the middle of a steady flow of changes."""
    async with World(own_postgres, tmp_path, SEED, with_broker=True) as world:
        for _ in range(3):
            publisher = await world.publisher()
            name = next(name for name in world.streams if name != publisher)
            await asyncio.to_thread(world.stack.stop, name)
            await world.until_confirmed(EVENTS)
            await asyncio.to_thread(world.stack.start, name)
            await world.until_confirmed(EVENTS)
        await world.publisher()
        await judge(world)
