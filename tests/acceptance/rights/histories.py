"""Steps that read the past: histories, the audit trail, deleted items, trends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.acceptance.client import ITEMS
from tests.acceptance.log import entry, parse_time
from tests.acceptance.rights.model import contains, document
from tests.acceptance.rights.world import NEVER, time_text

if TYPE_CHECKING:
    from tests.acceptance.log import Event
    from tests.acceptance.rights.model import Account, Scope
    from tests.acceptance.rights.world import Parameters, World

LIMITS = (2, 20, 1000)


async def read_item_history(world: World) -> None:
    """Read the history of one item."""
    account = world.draw_account()
    item_id = world.draw_item(account)
    if refusal := world.model.gate(account, "viewer"):
        answer = await world.of_item(account, "GET", item_id, "/history")
        assert (answer.status, answer.detail) == (403, refusal)
    elif not world.model.sees_item(account, item_id):
        answer = await world.of_item(account, "GET", item_id, "/history")
        assert (answer.status, answer.detail) == (404, f"There is no item {item_id}.")
    else:
        events = [event for event in world.model.log if event.item_id == item_id]
        await _check_walk(world, account, f"{ITEMS}/{item_id}/history", [], events)


async def read_audit_trail(world: World) -> None:
    """Read the changes of all items, or some of them."""
    account, model = world.draw_account(), world.model
    params: list[tuple[str, str]] = []
    events = model.log
    locations = [world.draw_location() for _ in range(world.rng.choice([0, 0, 1, 2]))]
    params += [("location", str(each)) for each in locations]
    if world.chance(0.3):
        actor = world.rng.choice([world.root, *world.accounts]).name
        params.append(("actor", actor))
        events = [event for event in events if event.actor == actor]
    if world.chance(0.3):
        item_id = world.draw_item(account)
        params.append(("item", str(item_id)))
        events = [event for event in events if event.item_id == item_id]
    if world.chance(0.2):
        operation = world.rng.choice(["INSERT", "UPDATE", "DELETE"])
        params.append(("operation", operation))
        events = [event for event in events if event.operation == operation]
    if model.log and world.chance(0.3):
        first, last = sorted(world.rng.choices(model.log, k=2), key=lambda event: event.id)
        params += [("since", time_text(first.changed_at)), ("until", time_text(last.changed_at))]
        events = [event for event in events if first.changed_at < event.changed_at <= last.changed_at]
    if refusal := model.gate(account, "viewer"):
        answer = await world.send(account, "GET", "/api/history", params)
        assert (answer.status, answer.detail) == (403, refusal)
        return
    scope = model.scope(account, locations)
    await _check_walk(world, account, "/api/history", params, [event for event in events if _is_in(scope, event)])


async def read_deleted(world: World) -> None:
    """Read the deleted items."""
    account, model = world.draw_account(), world.model
    locations = [world.draw_location() for _ in range(world.rng.choice([0, 0, 1, 2]))]
    params = [("location", str(each)) for each in locations]
    if refusal := model.gate(account, "viewer"):
        answer = await world.send(account, "GET", f"{ITEMS}/deleted", params)
        assert (answer.status, answer.detail) == (403, refusal)
        return
    scope = model.scope(account, locations)
    last = sorted(model.last_event.values(), key=lambda event: event.id)
    deletions = [event for event in last if event.operation == "DELETE" and _is_in(scope, event)]
    await _check_walk(world, account, f"{ITEMS}/deleted", params, deletions)


async def _check_walk(world: World, account: Account, path: str, params: Parameters, events: list[Event]) -> None:
    """Read a list of events, which must be these with the newest first, or its first pages."""
    limit = world.rng.choice(LIMITS)
    rows = await world.walk(account, path, [*params, ("limit", str(limit))], most=2 * limit)
    expected = [entry(event) for event in reversed(events[-len(rows) - 1 :])]
    assert rows == expected[: len(rows)]
    assert len(rows) == len(events) or len(rows) >= 2 * limit


async def read_trends(world: World) -> None:
    """Read the trends of the total and of some items."""
    account, model = world.draw_account(), world.model
    locations = [world.draw_location() for _ in range(world.rng.choice([0, 0, 1, 2]))]
    item_ids = [world.draw_item(account) for _ in range(world.rng.choice([0, 2, 4]))]
    steps = world.rng.choice([1, 4])
    params = [("location", str(each)) for each in locations]
    params += [("item", str(each)) for each in item_ids] + [("steps", str(steps))]
    if model.log and world.chance(0.8):
        params.append(("since", time_text(world.rng.choice(model.log).changed_at)))
    answer = await world.send(account, "GET", "/api/trends", params)
    if refusal := model.gate(account, "viewer"):
        assert (answer.status, answer.detail) == (403, refusal)
        return
    assert answer.status == 200, answer.text
    trends = answer.json
    since, step = parse_time(trends["from"]), timedelta(seconds=trends["step_seconds"])
    assert since + step * steps == parse_time(trends["to"])
    scope = model.scope(account, locations)
    quantities = [_quantities_at(world, since + step * number, scope) for number in range(steps + 1)]
    assert trends["total"] == [sum(each.values()) for each in quantities]
    assert trends["items"] == {str(item_id): [each.get(item_id) for each in quantities] for item_id in item_ids}
    if NEVER in item_ids:
        assert trends["items"][str(NEVER)] == [None] * (steps + 1)


def _quantities_at(world: World, moment: datetime, scope: Scope) -> dict[int, int]:
    """The quantities of the items in this scope at this time."""
    state = world.model.state_at(world.model.event_at(moment))
    return {item["id"]: item["quantity"] for item in state.values() if contains(scope, item["location"])}


def _is_in(scope: Scope, event: Event) -> bool:
    return contains(scope, document(event)["location"])
