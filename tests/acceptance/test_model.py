"""Random concurrent changes, checked against a model.

Every response must follow from the log. A change that succeeded is logged with the actor of its request. A refused
change is not logged, and the refusal was correct. Each event follows from the state before it. The list, the
histories, `as_of` and the replayed stream must all agree with the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
import asyncpg
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.acceptance.client import ITEMS, get
from tests.acceptance.log import Event, State, entry, newest_first, replay
from tests.acceptance.random_changes import (
    ADJUSTMENTS,
    CHANGES,
    DELETIONS,
    QUANTITIES,
    RESTORES,
    SETS,
    UNKNOWN_ID,
    UNKNOWN_SLOT,
    Change,
    Row,
    Sent,
    World,
)
from tests.acceptance.random_verdict import Verdict
from tests.sse import subscribe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.db.database import Pool
    from tests.stack import Stack

RUNS = 15
BATCHES_PER_RUN = 10
MAX_BATCH = 8


class Inventory(RuleBasedStateMachine):
    """Sends batches of concurrent changes. After each batch, compares every view with the log."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        world.run(world.pool.execute("DELETE FROM inventory"))
        self.epoch, self.start = world.run(self._begin())
        self.log: list[Event] = []
        self.state: State = {}

    async def _begin(self) -> tuple[str, int]:
        epoch, _, event_id = (await self.world.pool.fetchval("SELECT log_position()")).rpartition("-")
        return epoch, int(event_id)

    @initialize(quantities=st.lists(QUANTITIES, min_size=2, max_size=4))
    def begin_with_some(self, quantities: list[int]) -> None:
        rows = tuple(Row(None, quantity, "", "any") for quantity in quantities)
        self.world.run(self._batch([Change("import", rows=rows)]))

    @rule(change=CHANGES)
    def one(self, change: Change) -> None:
        self.world.run(self._batch([change]))

    @rule(changes=st.lists(CHANGES, min_size=2, max_size=MAX_BATCH))
    def several_at_once(self, changes: list[Change]) -> None:
        self.world.run(self._batch(changes))

    @rule(changes=st.lists(st.one_of(SETS, ADJUSTMENTS, DELETIONS, RESTORES), min_size=3, max_size=MAX_BATCH))
    def several_at_once_to_one_item(self, changes: list[Change]) -> None:
        self.world.run(self._batch([replace(change, slot=changes[0].slot) for change in changes]))

    async def _batch(self, changes: list[Change]) -> None:
        before = self.state
        batch = [self._address(change) for change in changes]
        await asyncio.gather(*(self.world.send(sent) for sent in batch))
        events = await self.world.log(after=self.log[-1].id if self.log else self.start)
        self.log += events
        self.state = replay(events, before)
        verdict = Verdict(self.log, events, before)
        for sent in batch:
            verdict.check(sent)
        assert {event.actor for event in events} <= {sent.actor for sent in batch}
        await self._check_list()
        await self._check_past(events, before)
        await self._check_histories({event.item_id for event in events})

    def _address(self, change: Change) -> Sent:
        item_id = self._id(change.slot)
        rows = [
            {
                "id": "" if row.slot is None else self._id(row.slot),
                "name": f"row {number}",
                "quantity": row.quantity,
                "unit": row.unit,
                "version": "" if row.slot is None else self._version(self._id(row.slot), row.version) or "",
            }
            for number, row in enumerate(change.rows)
        ]
        return Sent(change, self.world.new_actor(), item_id, self._version(item_id, change.version), rows)

    def _id(self, slot: int) -> int:
        """Return the id of an item in the log, or one that never existed."""
        if slot == UNKNOWN_SLOT or not self.log:
            return UNKNOWN_ID
        ids = sorted({event.item_id for event in self.log})
        return ids[slot % len(ids)]

    def _version(self, item_id: int, which: str) -> int | None:
        if which == "any":
            return None
        version: int = self.state[item_id]["version"] if item_id in self.state else 1
        return version if which == "current" else version + 7

    async def _check_list(self) -> None:
        async with self.world.api.get(ITEMS) as response:
            assert await response.json() == newest_first(self.state)
            assert response.headers["Last-Event-ID"] == f"{self.epoch}-{self._head}"

    @property
    def _head(self) -> int:
        return self.log[-1].id if self.log else self.start

    async def _check_past(self, events: list[Event], state: State) -> None:
        for event in events:
            state = replay([event], state)
            assert await get(self.world.api, ITEMS, as_of=event.id) == newest_first(state)

    async def _check_histories(self, item_ids: set[int]) -> None:
        for item_id in item_ids:
            told = await get(self.world.api, f"{ITEMS}/{item_id}/history", limit=1000)
            assert told == [entry(event) for event in reversed(self.log) if event.item_id == item_id]

    def teardown(self) -> None:
        self.world.run(self._check_end())

    async def _check_end(self) -> None:
        if self.log:
            told = await get(self.world.api, "/api/history", limit=len(self.log))
            assert told == [entry(event) for event in reversed(self.log)]
        last = {event.item_id: event for event in self.log}.values()
        deletions = sorted((event for event in last if event.after is None), key=lambda event: -event.id)
        told = await get(self.world.api, f"{ITEMS}/deleted", limit=1000)
        assert [one for one in told if one["event_id"] > self.start] == [entry(event) for event in deletions]
        async with subscribe(self.world.stack.stream_url, last_event_id=f"{self.epoch}-{self.start}") as subscriber:
            for event, frame in zip(self.log, await subscriber.updates(len(self.log)), strict=True):
                assert frame.id == f"{self.epoch}-{event.id}"
                told = entry(event)
                assert frame.json == {
                    "event": event.operation,
                    "data": event.after or event.before,
                    "actor": event.actor,
                    "changed_at": told["changed_at"],
                }


@contextlib.asynccontextmanager
async def connected(stack: Stack) -> AsyncIterator[tuple[aiohttp.ClientSession, Pool]]:
    async with (
        aiohttp.ClientSession(stack.api_url) as api,
        asyncpg.create_pool(stack.database_url, min_size=0, max_size=MAX_BATCH) as pool,
    ):
        yield api, pool


def test_random_concurrent_changes_all_follow_from_the_log(shared_stack: Stack) -> None:
    with asyncio.Runner() as runner:
        connecting = connected(shared_stack)
        world = World(shared_stack, runner, *runner.run(connecting.__aenter__()))
        try:
            run_state_machine_as_test(
                functools.partial(Inventory, world),  # type: ignore[arg-type] # a factory is enough
                settings=settings(
                    max_examples=RUNS,
                    stateful_step_count=BATCHES_PER_RUN,
                    derandomize=True,
                    database=None,
                    deadline=None,
                    phases=[Phase.explicit, Phase.generate],  # no shrinking: races are not reproducible
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(connecting.__aexit__(None, None, None))
