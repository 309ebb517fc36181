"""Random changes at the same time, against a model.

Whatever was answered must follow from the log: each change that was made is one event with the actor of its request,
each that was refused is none and had a reason, and each event follows from the state before it. Table, histories,
`as_of` and the replayed stream must tell the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import functools
import io
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.acceptance.client import ITEMS, get
from tests.acceptance.log import Event, Item, State, entry, fetch_log, newest_first, replay
from tests.sse import subscribe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Sequence

    from shared.database import Pool
    from tests.stack import Stack

RUNS = 15
BATCHES_PER_RUN = 10
LARGEST_BATCH = 8
LARGEST_QUANTITY = 2_147_483_647
UNKNOWN_ID, UNKNOWN_SLOT = 2**62, 9
COLUMNS = ("id", "name", "quantity", "version")
BULK = """
WITH actor AS MATERIALIZED (SELECT set_config('stockstream.actor', $1, true)),
locked AS (
    SELECT id FROM actor CROSS JOIN inventory WHERE quantity < 2147483647 ORDER BY id FOR UPDATE OF inventory
)
UPDATE inventory SET quantity = quantity + 1 FROM locked WHERE inventory.id = locked.id
"""

# What is asked ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A line of an import; without a slot, a new item."""

    slot: int | None
    quantity: int
    version: str


@dataclass(frozen=True)
class Change:
    """``slot`` stands for an item, ``version`` for what it has to be at; ``twice`` sends it under one key as twins."""

    kind: str
    slot: int = 0
    name: str | None = None
    quantity: int = 0
    adjust: int = 0
    version: str = "any"
    twice: bool = False
    rows: tuple[Row, ...] = ()


SLOTS = st.sampled_from([0, 0, 0, 1, 1, 2, 3, UNKNOWN_SLOT])
QUANTITIES = st.sampled_from([0, 1, 2, 5, 5, LARGEST_QUANTITY])
VERSIONS = st.sampled_from(["any", "any", "current", "stale"])
NAMES = st.sampled_from(["bolt", "Zürich", "\N{PACKAGE}", '=1+1,"x"'])
ROWS = st.builds(Row, slot=st.none() | SLOTS, quantity=QUANTITIES, version=VERSIONS)
CREATIONS = st.builds(Change, kind=st.just("create"), name=NAMES, quantity=QUANTITIES, twice=st.booleans())
SETS = st.builds(Change, kind=st.just("set"), slot=SLOTS, name=st.none() | NAMES, quantity=QUANTITIES, version=VERSIONS)
ADJUSTMENTS = st.builds(
    Change,
    kind=st.just("adjust"),
    slot=SLOTS,
    adjust=st.sampled_from([-2, -1, 0, 1, 3]),
    version=VERSIONS,
    twice=st.booleans(),
)
DELETIONS = st.builds(Change, kind=st.just("delete"), slot=SLOTS, version=VERSIONS)
RESTORES = st.builds(Change, kind=st.just("restore"), slot=SLOTS, twice=st.booleans())
IMPORTS = st.builds(
    Change, kind=st.just("import"), rows=st.lists(ROWS, min_size=1, max_size=4).map(tuple), twice=st.booleans()
)
BULKS = st.builds(Change, kind=st.just("bulk"))
CHANGES = st.one_of(CREATIONS, SETS, ADJUSTMENTS, DELETIONS, RESTORES, RESTORES, IMPORTS, BULKS)


# What came of it ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    status: int
    document: Any
    is_replay: bool = False

    @property
    def is_made(self) -> bool:
        return self.status < 300


@dataclass
class Sent:
    """A change as it was sent: to this item, expecting this version, by an actor of its own."""

    change: Change
    actor: str
    item_id: int
    version: int | None
    rows: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


class World:
    """The services, seen from outside, and the table behind them."""

    def __init__(self, stack: Stack, runner: asyncio.Runner, api: aiohttp.ClientSession, pool: Pool) -> None:
        self.stack = stack
        self.run = runner.run
        self.api = api
        self.pool = pool
        self.actors = 0

    def new_actor(self) -> str:
        self.actors += 1
        return f"actor {self.actors}"

    async def log(self, after: int) -> list[Event]:
        async with self.pool.acquire() as connection:
            return await fetch_log(connection, after)

    async def send(self, sent: Sent) -> None:
        if sent.change.kind == "bulk":
            sent.answers = [await self._bulk(sent.actor)]
            return
        requests: list[Coroutine[Any, Any, Answer]] = [self._request(sent) for _ in range(1 + sent.change.twice)]
        sent.answers = list(await asyncio.gather(*requests))

    async def _bulk(self, actor: str) -> Answer:
        return Answer(200, int((await self.pool.execute(BULK, actor)).removeprefix("UPDATE ")))

    async def _request(self, sent: Sent) -> Answer:
        change, path = sent.change, f"{ITEMS}/{sent.item_id}"
        headers = {"X-Actor": sent.actor}
        if change.twice:
            headers["Idempotency-Key"] = sent.actor.replace(" ", "-")
        if sent.version is not None:
            headers["If-Match"] = f'"{sent.version}"'
        match change.kind:
            case "create":
                return await self._call("POST", ITEMS, headers, json={"name": change.name, "quantity": change.quantity})
            case "set":
                name = {} if change.name is None else {"name": change.name}
                return await self._call("PUT", path, headers, json={"quantity": change.quantity, **name})
            case "adjust":
                return await self._call("PATCH", path, headers, json={"adjust": change.adjust})
            case "delete":
                return await self._call("DELETE", path, headers)
            case "restore":
                return await self._call("POST", f"{path}/restore", headers)
            case _:
                headers["Content-Type"] = "text/csv"
                return await self._call("POST", f"{ITEMS}/import", headers, data=_as_csv(sent.rows))

    async def _call(self, method: str, path: str, headers: dict[str, str], **body: Any) -> Answer:
        async with self.api.request(method, path, headers=headers, **body) as response:
            is_replay = "Idempotent-Replayed" in response.headers
            return Answer(response.status, await response.json(content_type=None), is_replay)


def _as_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


# What must hold -----------------------------------------------------------------------------------------------------


class Verdict:
    """Holds the answers to a batch against its events, and the states that there were meanwhile."""

    def __init__(self, log: list[Event], events: list[Event], before: State) -> None:
        self.log = log
        self.events = events
        self.before = before

    def documents(self, item_id: int) -> list[Item | None]:
        """What a request of the batch may have found: null where there was no such item."""
        return [self.before.get(item_id), *(event.after for event in self.events if event.item_id == item_id)]

    def check(self, sent: Sent) -> None:
        events = [event for event in self.events if event.actor == sent.actor]
        made = [answer for answer in sent.answers if answer.is_made and not answer.is_replay]
        for answer in sent.answers:
            if answer.is_replay:
                assert answer.document == made[0].document
            elif not answer.is_made:
                self.check_refusal(sent, answer)
        assert len(made) <= 1
        if not made:
            assert events == [], "what was refused has changed nothing"
        else:
            getattr(self, f"check_{sent.change.kind}")(sent, made[0].document, events)

    def check_create(self, sent: Sent, document: Any, events: list[Event]) -> None:
        (event,) = events
        assert (event.operation, event.after) == ("INSERT", document)
        assert (document["name"], document["quantity"]) == (sent.change.name, sent.change.quantity)
        assert document["version"] == 1

    def check_set(self, sent: Sent, document: Any, events: list[Event]) -> None:
        wanted = {"quantity": sent.change.quantity} | ({"name": sent.change.name} if sent.change.name else {})
        self._check_update(sent, document, events, lambda found: found | wanted)

    def check_adjust(self, sent: Sent, document: Any, events: list[Event]) -> None:
        self._check_update(
            sent, document, events, lambda found: found | {"quantity": found["quantity"] + sent.change.adjust}
        )

    def _check_update(self, sent: Sent, document: Any, events: list[Event], become: Any) -> None:
        if not events:
            assert document in self.documents(sent.item_id)
            assert become(document) == document, "nothing was to be changed"
            found = document
        else:
            (event,) = events
            assert (event.operation, event.after, event.item_id) == ("UPDATE", document, sent.item_id)
            assert event.before is not None
            found = event.before
            rewritten = {"version": found["version"] + 1, "updated_at": document["updated_at"]}
            assert document == become(found) | rewritten
        assert sent.version in {None, found["version"]}

    def check_delete(self, sent: Sent, document: Any, events: list[Event]) -> None:
        (event,) = events
        assert (event.operation, event.item_id) == ("DELETE", sent.item_id)
        assert event.before is not None
        assert sent.version in {None, event.before["version"]}

    def check_restore(self, sent: Sent, document: Any, events: list[Event]) -> None:
        (event,) = events
        deletion = [one for one in self.log if one.item_id == sent.item_id and one.id < event.id][-1]
        assert (event.operation, event.after, deletion.operation) == ("INSERT", document, "DELETE")
        assert deletion.before is not None
        rewritten = {"version": deletion.before["version"] + 2, "updated_at": document["updated_at"]}
        assert document == deletion.before | rewritten

    def check_import(self, sent: Sent, document: Any, events: list[Event]) -> None:
        known = {row["id"]: row for row in sent.rows if row["id"]}
        created = [event.after for event in events if event.operation == "INSERT"]
        updated = [event for event in events if event.operation == "UPDATE"]
        assert document == {
            "created": len(created),
            "updated": len(updated),
            "unchanged": len(known) - len(updated),
        }
        new = [(row["name"], row["quantity"]) for row in sent.rows if not row["id"]]
        assert [(item["name"], item["quantity"]) for item in created if item] == new
        for event in updated:
            assert event.before is not None
            assert event.after is not None
            row = known.pop(event.item_id)
            assert (event.after["name"], event.after["quantity"]) == (row["name"], row["quantity"])
            assert row["version"] in {"", event.before["version"]}
        for item_id, row in known.items():
            assert any(
                found and all(row[name] in {"", found[name]} for name in COLUMNS) for found in self.documents(item_id)
            ), "nothing was to be changed"
        self._check_one_transaction(events)

    def check_bulk(self, sent: Sent, document: Any, events: list[Event]) -> None:
        assert len(events) == document
        for event in events:
            assert event.before is not None
            assert event.after is not None
            assert event.after["quantity"] == event.before["quantity"] + 1
        self._check_one_transaction(events)

    def _check_one_transaction(self, events: list[Event]) -> None:
        """Nothing of others is between them."""
        if events:
            first = self.events.index(events[0])
            assert self.events[first : first + len(events)] == events

    def check_refusal(self, sent: Sent, answer: Answer) -> None:
        """There was a moment, while it was under way, at which this was the right answer."""
        found = self.documents(sent.item_id)
        there = [document for document in found if document is not None]
        if answer.document and "current" in answer.document:
            assert answer.document["current"] in there
        match answer.status, sent.change.kind:
            case 404, "set" | "adjust" | "delete" | "restore":
                assert None in found
            case 412, "set" | "adjust" | "delete":
                assert any(document is None or document["version"] != sent.version for document in found)
            case 409, "adjust":
                quantities = [document["quantity"] + sent.change.adjust for document in there]
                assert any(not 0 <= quantity <= LARGEST_QUANTITY for quantity in quantities) or (
                    None in found and "same moment" in answer.document["detail"]
                )
            case 409, "restore":
                assert there
            case 422, "import":
                ids = [row["id"] for row in sent.rows if row["id"]]
                assert len(set(ids)) < len(ids) or any(self._may_be_refused(row) for row in sent.rows if row["id"])
            case status, kind:
                raise AssertionError(f"{kind} was answered {status}: {answer.document}")

    def _may_be_refused(self, row: dict[str, Any]) -> bool:
        return any(
            document is None or row["version"] not in {"", document["version"]}
            for document in self.documents(row["id"])
        )


class Inventory(RuleBasedStateMachine):
    """Batches of changes at once; after each of them, all that can be read is held against the log."""

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
        rows = tuple(Row(None, quantity, "any") for quantity in quantities)
        self.world.run(self._batch([Change("import", rows=rows)]))

    @rule(change=CHANGES)
    def one(self, change: Change) -> None:
        self.world.run(self._batch([change]))

    @rule(changes=st.lists(CHANGES, min_size=2, max_size=LARGEST_BATCH))
    def several_at_once(self, changes: list[Change]) -> None:
        self.world.run(self._batch(changes))

    @rule(changes=st.lists(st.one_of(SETS, ADJUSTMENTS, DELETIONS, RESTORES), min_size=3, max_size=LARGEST_BATCH))
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
                "version": "" if row.slot is None else self._version(self._id(row.slot), row.version) or "",
            }
            for number, row in enumerate(change.rows)
        ]
        return Sent(change, self.world.new_actor(), item_id, self._version(item_id, change.version), rows)

    def _id(self, slot: int) -> int:
        """One of the items that there are or were, or one that never was."""
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
        asyncpg.create_pool(stack.database_url, min_size=0, max_size=LARGEST_BATCH) as pool,
    ):
        yield api, pool


def test_random_changes_at_the_same_time_all_follow_from_the_log(shared_stack: Stack) -> None:
    with asyncio.Runner() as runner:
        connecting = connected(shared_stack)
        world = World(shared_stack, runner, *runner.run(connecting.__aenter__()))
        try:
            run_state_machine_as_test(
                functools.partial(Inventory, world),  # type: ignore[arg-type] # any that makes one does
                settings=settings(
                    max_examples=RUNS,
                    stateful_step_count=BATCHES_PER_RUN,
                    derandomize=True,
                    database=None,
                    deadline=None,
                    phases=[Phase.explicit, Phase.generate],  # what races can't be made smaller by doing it again
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(connecting.__aexit__(None, None, None))
