"""Steps that change items, each with the answer and the events that it must have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.acceptance.client import ITEMS
from tests.acceptance.rights.items import FIELDS, Change, check_events, draw_fields, fields_of, place_words
from tests.acceptance.rights.model import document
from tests.acceptance.rights.world import NEVER, Sent, same_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.acceptance.log import Item
    from tests.acceptance.rights.model import Account
    from tests.acceptance.rights.world import Answer, World

MAX_QUANTITY = 2_147_483_647


class Verdict(NamedTuple):
    """The answer that a change must get: its status, the item that it shows, its text if that is known, the events."""

    status: int
    current: Item | None = None
    detail: str | None = None
    changes: Sequence[Change] = ()


async def add(world: World) -> None:
    """Add an item at some location, or at none."""
    account = world.draw_writer()
    location = _draw_location(world, account)
    body = {**draw_fields(world, full=True), **({} if location is None else {"location": location})}
    verdict = _judge_addition(world, account, location, body)
    if verdict.changes:
        place_words(world, body, verdict.changes[0].location)
    request: dict[str, Any] = {"json": body, "headers": _draw_key(world)}
    answer = await world.send(account, "POST", ITEMS, **request)
    await conclude(world, account, "POST", ITEMS, request, answer, verdict)
    if location is not None and not world.model.sees(account, location):
        unknown = await world.send(account, "POST", ITEMS, json={**body, "location": NEVER})
        same_answers(answer, unknown, str(location))


def _judge_addition(world: World, account: Account, location: int | None, body: dict[str, Any]) -> Verdict:
    model = world.model
    if refusal := model.gate(account, "editor"):
        return Verdict(403, detail=refusal)
    at = default_location(world, account) if location is None else location
    if at not in model.tree.places or not model.sees(account, at):
        return Verdict(422, detail="location: there is no such location")
    if not model.edits(account, at):
        return Verdict(403, detail=f"You may only read at location {at}.")
    if owner := model.owner_of_code(body.get("code"), at):
        return Verdict(409, owner)
    return Verdict(201, changes=[Change("INSERT", at, dict.fromkeys(FIELDS) | fields_of(body))])


def default_location(world: World, account: Account) -> int:
    """Where an item is added if its location is not given."""
    return min(world.model.editable(account) or world.model.tree.places)


async def put(world: World) -> None:
    """Set fields of an item."""
    account = world.draw_writer()
    item_id = world.draw_item(account, to_change=True)
    body = draw_fields(world, full=False)
    headers, version = _draw_precondition(world, item_id)
    verdict = _judge_put(world, account, item_id, body, version)
    place_words(world, body, world.model.location_of.get(item_id))
    answer = await world.of_item(account, "PUT", item_id, json=body, headers=headers)
    await conclude(world, account, "PUT", "", {}, answer, verdict)


def _judge_put(world: World, account: Account, item_id: int, body: dict[str, Any], version: int | None) -> Verdict:
    if refusal := _refusal(world, account, item_id):
        return refusal
    item = world.model.state[item_id]
    if version not in {None, item["version"]}:
        return Verdict(412, item)
    if owner := world.model.owner_of_code(body.get("code"), item["location"], besides=item_id):
        return Verdict(409, owner)
    fields = fields_of(item) | body
    changes = [Change("UPDATE", item["location"], fields, item_id)] if fields != fields_of(item) else []
    return Verdict(200, changes=changes)


async def adjust(world: World) -> None:
    """Add to the quantity of an item."""
    account = world.draw_writer()
    item_id = world.draw_item(account, to_change=True)
    amount = world.rng.choice([-30, -3, 0, 1, 2, 50])
    headers, version = _draw_precondition(world, item_id)
    request: dict[str, Any] = {"json": {"adjust": amount}, "headers": headers | _draw_key(world)}
    verdict = _judge_adjustment(world, account, item_id, amount, version)
    answer = await world.of_item(account, "PATCH", item_id, **request)
    await conclude(world, account, "PATCH", f"{ITEMS}/{item_id}", request, answer, verdict)


def _judge_adjustment(world: World, account: Account, item_id: int, amount: int, version: int | None) -> Verdict:
    if refusal := _refusal(world, account, item_id):
        return refusal
    item = world.model.state[item_id]
    if version not in {None, item["version"]}:
        return Verdict(412, item)
    quantity = item["quantity"] + amount
    if not 0 <= quantity <= MAX_QUANTITY:
        return Verdict(409, item)
    fields = fields_of(item) | {"quantity": quantity}
    return Verdict(200, changes=[Change("UPDATE", item["location"], fields, item_id)] if amount else [])


async def delete(world: World) -> None:
    """Delete an item."""
    account = world.draw_writer()
    item_id = world.draw_item(account, to_change=True)
    headers, version = _draw_precondition(world, item_id)
    verdict = _refusal(world, account, item_id)
    if verdict is None:
        item = world.model.state[item_id]
        is_current = version in {None, item["version"]}
        deletion = Change("DELETE", item["location"], fields_of(item), item_id)
        verdict = Verdict(200, changes=[deletion]) if is_current else Verdict(412, item)
    answer = await world.of_item(account, "DELETE", item_id, headers=headers)
    await conclude(world, account, "DELETE", "", {}, answer, verdict)


async def restore(world: World) -> None:
    """Restore an item: most often one that is deleted."""
    account = world.draw_writer()
    deleted = [item_id for item_id in world.model.location_of if item_id not in world.model.state]
    item_id = world.rng.choice(deleted) if deleted and world.chance(0.8) else world.draw_item(account, to_change=True)
    request = {"headers": _draw_key(world)}
    verdict = _judge_restore(world, account, item_id)
    answer = await world.of_item(account, "POST", item_id, "/restore", **request)
    await conclude(world, account, "POST", f"{ITEMS}/{item_id}/restore", request, answer, verdict)


def _judge_restore(world: World, account: Account, item_id: int) -> Verdict:
    model = world.model
    if refusal := model.gate(account, "editor"):
        return Verdict(403, detail=refusal)
    if not model.sees_item(account, item_id):
        return Verdict(404, detail=f"There is no item {item_id}.")
    location = model.location_of[item_id]
    if not model.edits(account, location):
        return Verdict(403, detail=f"You may only read at the location of item {item_id}.")
    if item_id in model.state:
        return Verdict(409, model.state[item_id])
    if location not in model.tree.places:
        return Verdict(410, detail=f"Item {item_id} can't be restored: its location does not exist any more.")
    item = document(model.last_event[item_id])
    if owner := model.owner_of_code(item["code"], location):
        return Verdict(409, owner)
    return Verdict(201, changes=[Change("INSERT", location, fields_of(item), item_id)])


def _refusal(world: World, account: Account, item_id: int) -> Verdict | None:
    """The answer to a change of an item that the account may not see, or may only see."""
    model = world.model
    if refusal := model.gate(account, "editor"):
        return Verdict(403, detail=refusal)
    if item_id not in model.state or not model.sees_item(account, item_id):
        return Verdict(404, detail=f"There is no item {item_id}.")
    if not model.edits(account, model.location_of[item_id]):
        return Verdict(403, detail=f"You may only read at the location of item {item_id}.")
    return None


async def restock(world: World) -> None:
    """Change all items in one transaction, as somebody does with psql. So streams have much to catch up with."""
    model = world.model
    changes = [
        Change("UPDATE", item["location"], fields_of(item) | {"quantity": item["quantity"] + 1}, item["id"])
        for item in model.state.values()
    ]
    await world.database.connection.execute("UPDATE inventory SET quantity = quantity + 1")
    check_events("stockstream", await world.sync(), changes)


async def clear(world: World, location: int) -> None:
    """Delete all items at a location with psql."""
    items = [item for item in world.model.state.values() if item["location"] == location]
    await world.database.connection.execute("DELETE FROM inventory WHERE location = $1", location)
    deletions = [Change("DELETE", location, fields_of(item), item["id"]) for item in items]
    check_events("stockstream", await world.sync(), deletions)


async def repeat(world: World) -> None:
    """Send a request with its idempotency key again: its answer shows nothing that may not be seen any more."""
    if not world.sent:
        return
    model = world.model
    sent = world.rng.choice(world.sent[-30:])
    account = sent.account
    answer = await world.send(account, sent.method, sent.path, **sent.request)
    location = sent.request.get("json", {}).get("location")
    if refusal := model.gate(account, "editor"):
        verdict = Verdict(403, detail=refusal)
    elif location is not None and not model.edits(account, location):
        is_seen = location in model.tree.places and model.sees(account, location)
        detail = f"You may only read at location {location}." if is_seen else "location: there is no such location"
        verdict = Verdict(403 if is_seen else 422, detail=detail)
    elif sent.location is not None and not model.sees(account, sent.location):
        verdict = Verdict(404, detail=f"There is no item {sent.answer.json['id']}.")
    else:
        assert (answer.status, answer.text) == (sent.answer.status, sent.answer.text)
        assert answer.headers["Idempotent-Replayed"] == "true"
        assert await world.sync() == []
        world.counts["repeated"] += 1
        return
    await conclude(world, account, sent.method, "", {}, answer, verdict)


async def conclude(
    world: World,
    account: Account,
    method: str,
    path: str,
    request: dict[str, Any],
    answer: Answer,
    verdict: Verdict,
) -> None:
    """Check the answer to a change of one item, and the events that it has caused. Keep it, if it has a key."""
    events = await world.sync()
    assert answer.status == verdict.status, (answer.text, verdict)
    check_events(account.name, events, verdict.changes)
    if answer.status >= 300:
        assert verdict.detail in {None, answer.detail}
        assert answer.json.get("current") == verdict.current
    elif method != "DELETE":
        item = events[0].after if events else answer.json
        assert item is not None
        assert answer.json == item == world.model.state[item["id"]]
        assert re.fullmatch(rf'"{item["version"]}-[0-9a-f]{{6}}"', answer.headers["ETag"])
        if "Idempotency-Key" in request.get("headers", {}):
            world.sent.append(Sent(account, method, path, request, answer, item["location"]))


# Draws --------------------------------------------------------------------------------------------------------------


def _draw_location(world: World, account: Account) -> int | None:
    """A location for a new item: most often one where the account may add it."""
    allowed = [location for location in world.model.tree.places if world.model.edits(account, location)]
    number = world.rng.random()
    if number < 0.5 and allowed:
        return world.rng.choice(allowed)
    return None if number < 0.65 else world.draw_location()


def _draw_precondition(world: World, item_id: int) -> tuple[dict[str, str], int | None]:
    """A header that names a version, and this version."""
    if world.chance(0.75):
        return {}, None
    item = world.model.state.get(item_id)
    version = 1 if item is None else item["version"] + world.rng.choice([0, 0, 1])
    return {"If-Match": f'"{version}"'}, version


def _draw_key(world: World) -> dict[str, str]:
    """A header that makes a request safe to repeat."""
    return {"Idempotency-Key": f"key-{world.rng.getrandbits(64):x}"} if world.chance(0.3) else {}
