"""Steps that change rights: grants of accounts, and the tree of locations that these hang on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from tests.acceptance.rights.model import Place, ScopeChange
from tests.acceptance.rights.reads import PATH, location_document
from tests.acceptance.rights.streams import Client
from tests.acceptance.rights.writes import clear

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.acceptance.rights.model import Account
    from tests.acceptance.rights.world import World

    Grants = dict[int | None, str]

MOST_LOCATIONS, FEWEST_LOCATIONS = 11, 5


async def change_rights(world: World, kind: str, perform: Callable[[], Awaitable[None]]) -> None:
    """Change rights in the services and in the model, and let each client expect what it must be told."""
    for client in world.clients:
        await client.until_told()
    before = {client: client.rights for client in world.clients}
    visible = {account: world.model.visible(account) for account in world.accounts}
    for client in world.clients:
        client.watch.hold()
    await perform()
    for account in world.accounts:
        after = world.model.visible(account)
        if after != visible[account]:
            account.changes.append(ScopeChange(world.model.head, visible[account], after))
    for client, rights in before.items():
        client.watch.release(rights, client.rights, kind, is_open=client.is_open)


# Grants -------------------------------------------------------------------------------------------------------------


async def grant(world: World) -> None:
    """Give an account other roles, through the API or directly in the database."""
    account = world.draw_account()
    if world.chance(0.35):
        await change_rights(world, "grant in the database", lambda: _write_a_grant(world, account))
    else:
        await change_rights(world, "grant", lambda: set_grants(world, account, draw_grants(world)))


async def set_grants(world: World, account: Account, grants: Grants) -> None:
    """Replace the grants of an account through the API."""
    body = {"grants": [{"location": location, "role": role} for location, role in grants.items()]}
    answer = await world.send(world.root, "PATCH", f"/api/accounts/{account.id}", json=body)
    if all(location is None or location in world.model.tree.places for location in grants):
        assert answer.status == 200, answer.text
        account.grants, account.changed_at = grants, time.time()
    else:
        assert (answer.status, answer.detail) == (422, "grants: there is no such location")


async def _write_a_grant(world: World, account: Account) -> None:
    """Add, change or remove one grant, as somebody does with psql."""
    connection, rng = world.database.connection, world.rng
    location = rng.choice([None, _draw_place(world), *account.grants])
    role = rng.choice([None, "viewer", "editor"])
    world.note(f"psql: {account.name} gets {role} at {location}")
    if role is None:
        query = "DELETE FROM access_grant WHERE principal = $1 AND location IS NOT DISTINCT FROM $2"
        await connection.execute(query, account.id, location)
        account.grants.pop(location, None)
    else:
        query = (
            "INSERT INTO access_grant (principal, location, role) VALUES ($1, $2, $3::text::access_role)"
            " ON CONFLICT ON CONSTRAINT access_grant_unique DO UPDATE SET role = EXCLUDED.role"
        )
        await connection.execute(query, account.id, location, role)
        account.grants[location] = role
    account.changed_at = time.time()


def draw_grants(world: World) -> Grants:
    """Grants for an account: most often at one or two locations, and sometimes at one that does not exist."""
    rng = world.rng
    number = rng.random()
    if number < 0.12:
        return {}
    if number < 0.3:
        return {None: rng.choice(["viewer", "viewer", "editor", "admin"])}
    locations = [
        world.draw_location() if world.chance(0.2) else _draw_place(world) for _ in range(rng.choice([1, 1, 2, 3]))
    ]
    grants: Grants = {location: rng.choice(["viewer", "editor", "editor"]) for location in locations}
    return {None: "viewer", **grants} if world.chance(0.15) else grants


def _draw_place(world: World) -> int:
    return world.rng.choice(list(world.model.tree.places))


async def open_during_a_change(world: World) -> None:
    """Open a stream while the rights of its account change."""
    account = world.draw_account()
    client = Client(world, account)
    grants = draw_grants(world)
    delay = world.rng.random() * 0.03
    world.clients.append(client)

    async def perform() -> None:
        async def set_later() -> None:
            await asyncio.sleep(delay)
            await set_grants(world, account, grants)

        await asyncio.gather(client.open("snapshot", is_racing=True), set_later())

    await change_rights(world, "grant", perform)
    await client.settle()


# The tree -----------------------------------------------------------------------------------------------------------


async def change_tree(world: World) -> None:
    """Create, rename, move or delete a location, as an admin or as somebody who may not."""
    count = len(world.model.tree.places)
    steps = [rename, move, move]
    steps += [create] * (count < MOST_LOCATIONS) + [remove] * (count > FEWEST_LOCATIONS)
    step = world.rng.choice(steps)
    account = world.root if world.chance(0.8) else world.draw_account()
    if refusal := world.model.gate(account, "admin"):
        answer = await world.send(account, "DELETE", f"{PATH}/{world.draw_location()}")
        assert (answer.status, answer.detail) == (403, refusal)
        return
    await change_rights(world, f"{step.__name__} a location", lambda: step(world, account))


async def create(world: World, account: Account, parent: int | None = None) -> None:
    tree = world.model.tree
    name = world.rng.choice([world.words.new(), tree.places[_draw_place(world)].name])
    parent = parent or world.rng.choice([None, world.draw_location(), world.draw_location()])
    answer = await world.send(account, "POST", PATH, json={"name": name, "parent": parent})
    if parent is not None and parent not in tree.places:
        assert (answer.status, answer.detail) == (422, f"parent: there is no location {parent}")
    elif tree.has_name(name, parent):
        assert answer.status == 409, answer.text
    else:
        assert answer.status == 201, answer.text
        _take(world, answer.json["id"], Place(name, parent))
        assert answer.json == location_document(world, account, answer.json["id"])


async def rename(world: World, account: Account) -> None:
    location = world.draw_location()
    name = world.rng.choice([world.words.new(), world.words.new(), world.model.tree.places[_draw_place(world)].name])
    await _change(world, account, location, {"name": name})


async def move(world: World, account: Account) -> None:
    location = world.draw_location()
    parent = world.rng.choice([None, world.draw_location(), world.draw_location()])
    body: dict[str, Any] = {"parent": parent}
    if world.chance(0.2):
        body["name"] = world.words.new()
    await _change(world, account, location, body)


async def _change(world: World, account: Account, location: int, body: dict[str, Any]) -> None:
    tree = world.model.tree
    answer = await world.send(account, "PATCH", f"{PATH}/{location}", json=body)
    if location not in tree.places:
        assert (answer.status, answer.detail) == (404, f"There is no location {location}.")
        return
    place = tree.places[location]._replace(**body)
    if place.parent is not None and place.parent not in tree.places:
        assert (answer.status, answer.detail) == (422, f"parent: there is no location {place.parent}")
    elif tree.has_name(place.name, place.parent, besides=location):
        assert answer.status == 409, answer.text
    elif place.parent is not None and location in tree.above(place.parent):
        assert (answer.status, answer.detail) == (409, "A location can't lie in itself. Nothing was changed.")
    else:
        assert answer.status == 200, answer.text
        _take(world, location, place)
        assert answer.json == location_document(world, account, location)


def _take(world: World, location: int, place: Place) -> None:
    """Put a location into the model."""
    world.model.tree.places[location] = place
    world.model.tree_changed_at = time.time()
    world.words.place(place.name, location)


async def remove(world: World, account: Account) -> None:
    """Delete a location: most often one at the bottom of the tree, perhaps after its items."""
    model, tree = world.model, world.model.tree
    parents = {place.parent for place in tree.places.values()}
    bottom = [each for each in tree.places if each not in parents]
    location = world.rng.choice(bottom) if world.chance(0.7) else world.draw_location()
    if location in bottom and world.chance(0.5):
        await clear(world, location)
    answer = await world.send(account, "DELETE", f"{PATH}/{location}")
    is_used = any(item["location"] == location for item in model.state.values()) or any(
        place.parent == location for place in tree.places.values()
    )
    if location not in tree.places:
        assert (answer.status, answer.detail) == (404, f"There is no location {location}.")
    elif is_used:
        assert answer.status == 409, answer.text
    else:
        assert answer.status == 204, answer.text
        del tree.places[location]
        model.tree_changed_at = time.time()
        for each in world.accounts:
            if each.grants.pop(location, None) is not None:
                each.changed_at = time.time()
        world.counts["locations deleted"] += 1
