"""`as_of` returns the exact state at a position. Trends combine many such states."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.client import ITEMS, change, create, get, head, refused, walk
from tests.acceptance.log import Event, State, newest_first, parse_time, read_log, replay

if TYPE_CHECKING:
    import aiohttp

    from tests.stack import Stack

NAMES = ["Zürich", "zurich", "Bolt", "bölt", "100%", "x_y"]
CHANGES = 60
TRENDS = "/api/trends"
MICROSECOND = timedelta(microseconds=1)
BULK = [
    "UPDATE inventory SET quantity = quantity + 1",
    "DELETE FROM inventory WHERE id % 3 = 0",
    "BEGIN; INSERT INTO inventory (name, quantity) VALUES ('brief', 1); UPDATE inventory SET quantity = 3 "
    "WHERE name = 'brief'; DELETE FROM inventory WHERE name = 'brief'; COMMIT",
    "BEGIN; UPDATE inventory SET quantity = 0; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK",
]


def rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


async def write_history(api: aiohttp.ClientSession, stack: Stack, choose: random.Random) -> dict[int, list[Any]]:
    """Make changes of every kind through every interface. Returns lists read in between, by event id."""
    seen: dict[int, list[Any]] = {}
    living: set[int] = set()
    deleted: set[int] = set()
    for number in range(CHANGES):
        if number % 15 == 14:
            stack.sql(BULK[number // 15 % len(BULK)])
        living = {item["id"] for item in await get(api, ITEMS)}
        kind = choose.choice(["create", "set", "set", "adjust", "rename", "delete", "restore"])
        item_id = choose.choice(sorted(living) or [0])
        body: dict[str, Any] = {"quantity": choose.randint(0, 12)}
        if kind == "restore" and deleted - living:
            await change(api, "POST", f"{ITEMS}/{choose.choice(sorted(deleted - living))}/restore")
        elif kind == "create" or len(living) < 3:
            item_id = (await create(api, choose.choice(NAMES), body["quantity"]))["id"]
        elif kind == "delete":
            await change(api, "DELETE", f"{ITEMS}/{item_id}")
            deleted.add(item_id)
        elif kind == "adjust":
            await change(api, "PATCH", f"{ITEMS}/{item_id}", {"adjust": choose.randint(1, 9)})
        else:
            name = {"name": choose.choice(NAMES)} if kind == "rename" else {}
            await change(api, "PUT", f"{ITEMS}/{item_id}", body | name)
        async with api.get(ITEMS) as response:
            seen[int(response.headers["Last-Event-ID"].rpartition("-")[2])] = await response.json()
    return seen


def states(events: list[Event], start: int) -> dict[int, State]:
    """Return the state at each event id, including the gaps that rollbacks left."""
    by_id = {event.id: event for event in events}
    found: dict[int, State] = {start: {}}
    for event_id in range(start + 1, max(by_id) + 1):
        found[event_id] = replay([by_id[event_id]] if event_id in by_id else [], found[event_id - 1])
    return found


async def test_as_of_every_event_the_list_is_the_state_at_that_event(
    api: aiohttp.ClientSession, shared_stack: Stack
) -> None:
    choose = random.Random(4)
    start = await head(api)
    seen = await write_history(api, shared_stack, choose)
    events = read_log(shared_stack, start)
    expected = states(events, start)
    assert {event.operation for event in events} == {"INSERT", "UPDATE", "DELETE"}
    assert len(expected) > len(events) + 1, "a rollback must leave a gap in the event ids"
    for event_id, listed in seen.items():
        assert newest_first(expected[event_id]) == listed, "the model must equal the list that was read at that event"
    epoch = shared_stack.sql("SELECT log_epoch()")[0][0]
    for event_id, state in expected.items():
        async with api.get(ITEMS, params={"as_of": str(event_id)}) as response:
            assert await response.json() == newest_first(state), event_id
            position = response.headers["Last-Event-ID"]
            assert position == f"{epoch}-{event_id}"
            assert re.fullmatch(f'"{position}-[0-9a-f]{{6}}"', response.headers["ETag"])
        assert await get(api, ITEMS, as_of=position, sort="quantity") == sorted(
            state.values(), key=lambda item: (item["quantity"], item["id"])
        )
        found = await walk(api, ITEMS, as_of=event_id, q=choose.choice(["ZÜR", "bolt", "%", "_"]), limit=2)
        assert found == [item for item in newest_first(state) if item in found]
        for item in found:
            assert item["name"] in NAMES


async def test_as_of_a_time_includes_the_last_event_up_to_it(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    start = await head(api)
    await write_history(api, shared_stack, random.Random(5))
    events = read_log(shared_stack, start)
    expected = states(events, start)
    for event in events:
        for moment in (event.changed_at, event.changed_at - MICROSECOND):
            last = max((e.id for e in events if e.changed_at <= moment), default=start)
            async with api.get(ITEMS, params={"as_of": rfc3339(moment)}) as response:
                assert await response.json() == newest_first(expected[last]), moment
                assert response.headers["Last-Event-ID"].endswith(f"-{last}")


async def test_as_of_accepts_every_form_of_rfc_3339(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    await create(api)
    (event,) = read_log(shared_stack, await head(api) - 1)
    in_nepal = event.changed_at + timedelta(hours=5, minutes=45)
    text = rfc3339(event.changed_at).removesuffix("Z")
    for same in (f"{text}Z", f"{text}z", text.replace("T", "t") + "Z", f"{text}+00:00", f"{text}-00:00", f"{text}999Z"):
        assert len(await get(api, ITEMS, as_of=same)) == 1, same
    assert len(await get(api, ITEMS, as_of=rfc3339(in_nepal).removesuffix("Z") + "+05:45")) == 1
    async with api.get(f"{ITEMS}?as_of={text}+00:00") as response:  # the plus is not percent-encoded
        assert len(await response.json()) == 1
    for earlier in ("1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2000-02-29T23:59:59.5-12:00"):
        assert await get(api, ITEMS, as_of=earlier) == []
    assert await get(api, ITEMS, as_of="0") == []


@pytest.mark.parametrize(
    "as_of",
    [
        *("", "x", "-1", "+1", "1.0", "1e3", "0x1", "\u0661", "1 ", "null", "now", "yesterday", "9" * 19, "9" * 400),
        *("-5", "abc-", "ABC-5", "abc-5-5", "abc--5", "abc-x", "abc-99999999999999999999", "a" * 17 + "-5"),
        *("2026-11-25", "2026-11-25T12:00:00", "2026-11-25 12:00:00Z", "2026-02-30T00:00:00Z", "2026-11-25T25:00:00Z"),
        *("2026-11-25T12:00:60Z", "2026-11-25T12:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"),
        *("9999-12-31T23:59:59-14:00", "2026-11-25T12:00:00+24:00", "2026-11-25T12:00:00,5Z", "infinity", "a\0b"),
        *("zzzz-1", "999999999999999999", "2999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
async def test_an_as_of_outside_the_log_is_refused(api: aiohttp.ClientSession, as_of: str) -> None:
    for path in (ITEMS, f"{ITEMS}/export"):
        async with api.get(path, params={"as_of": as_of}) as response:
            await refused(response, "as_of")


async def test_as_of_the_next_event_is_refused_until_it_exists(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    position = shared_stack.sql("SELECT log_epoch() || '-' || log_head() + 1")[0][0]
    for ahead in (position, position.rpartition("-")[2]):
        async with api.get(ITEMS, params={"as_of": ahead}) as response:
            await refused(response, "as_of")
    await create(api)
    assert len(await get(api, ITEMS, as_of=position)) == 1


# Trends -------------------------------------------------------------------------------------------------------------


def spread_over_days(stack: Stack, start: int, days: int) -> datetime:
    """Spread the events after `start` evenly over the past days. Returns the first moment. Requires the owner."""
    stack.sql(
        "UPDATE inventory_history SET changed_at = now() - interval '1 day' * CASE"
        f" WHEN event_id <= {start} THEN {days} + 5"
        f" ELSE {days} * (1 - (event_id - {start})::float / (log_head() - {start} + 1)) END"
    )
    return datetime.now(UTC) - timedelta(days=days)


async def test_trends_are_the_quantities_at_each_moment(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    start = await head(api)
    await write_history(api, shared_stack, random.Random(6))
    began = spread_over_days(shared_stack, start, 10)
    events = read_log(shared_stack, start)
    ids = sorted({event.item_id for event in events})
    for since in (began - timedelta(days=1), began + timedelta(days=3), events[5].changed_at):
        trend = await get(api, TRENDS, since=rfc3339(since), steps=40, item=[*map(str, ids), "999999"])
        assert trend["from"] == rfc3339(since)
        step = (parse_time(trend["to"]) - since) / 40
        assert trend["step_seconds"] == step.total_seconds()
        for number in range(41):
            state = replay(event for event in events if event.changed_at <= since + number * step)
            assert trend["total"][number] == sum(item["quantity"] for item in state.values())
            for item_id in ids:
                quantity = state[item_id]["quantity"] if item_id in state else None
                assert trend["items"][str(item_id)][number] == quantity
        assert trend["items"]["999999"] == [None] * 41


async def test_trends_start_a_day_ago_and_end_with_the_current_state(api: aiohttp.ClientSession) -> None:
    item = await create(api, quantity=2_147_483_647)
    await create(api, quantity=2_147_483_647)
    trend = await get(api, TRENDS, item=[str(item["id"]), str(item["id"])])
    assert parse_time(trend["to"]) - parse_time(trend["from"]) == timedelta(days=1)
    assert len(trend["total"]) == 25
    assert trend["total"][-1] == 2 * 2_147_483_647
    assert trend["items"] == {str(item["id"]): [None] * 24 + [2_147_483_647]}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=2999-01-01T00:00:00Z", "since"),
        ("since=5", "since"),
        ("since=", "since"),
        ("steps=0", "steps"),
        ("steps=201", "steps"),
        ("steps=1.0", "steps"),
        ("steps=1&steps=1", "steps"),
        ("item=0", "item.0"),
        ("item=1&item=x", "item.1"),
        ("item=" + "9" * 30, "item.0"),
        ("&".join(f"item={number}" for number in range(1, 202)), "item"),
        ("items=1", "items"),
    ],
)
async def test_an_invalid_trend_query_is_refused(api: aiohttp.ClientSession, query: str, field: str) -> None:
    async with api.get(f"{TRENDS}?{query}") as response:
        await refused(response, field)
