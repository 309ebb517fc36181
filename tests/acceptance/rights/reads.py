"""Steps that read the stock: lists, single items, exports, locations."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from tests.acceptance.client import ITEMS
from tests.acceptance.rights.items import CODES
from tests.acceptance.rights.model import contains
from tests.acceptance.rights.world import NEVER, Seen, same_answers, time_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.acceptance.log import Item
    from tests.acceptance.rights.model import Account, Scope
    from tests.acceptance.rights.world import World

SORTS = ("-updated_at", "updated_at", "name", "-name", "quantity", "-quantity")
COLUMNS = (
    "id",
    "name",
    "quantity",
    "code",
    "unit",
    "minimum",
    "note",
    "location",
    "version",
    "created_at",
    "updated_at",
)
PATH = "/api/locations"


async def checked_list(world: World, account: Account, locations: Sequence[int] = ()) -> list[Item]:
    """The list as a page loads it, which must be what the account may see."""
    answer = await world.send(account, "GET", ITEMS, [("location", str(each)) for each in locations])
    assert answer.status == 200, answer.text
    assert answer.headers["Last-Event-ID"] == world.position()
    items: list[Item] = answer.json
    assert items == _sorted(_selected(world.model.state.values(), world.model.scope(account, locations), {}))
    return items


async def read_list(world: World) -> None:
    """Read the list, or a part of it, now or in the past, page by page or whole, perhaps only if it has changed."""
    account = world.draw_account()
    query, as_of = _draw_query(world), _draw_as_of(world)
    locations = _draw_locations(world)
    sort = world.rng.choice(SORTS) if world.chance(0.5) else None
    limit = world.rng.choice([1, 3, 10]) if world.chance(0.4) else None
    params = [*query.items(), *(("location", str(each)) for each in locations)]
    params += [("sort", sort)] if sort else []
    params += [("as_of", as_of[0])] if as_of else []
    if refusal := world.model.gate(account, "viewer"):
        answer = await world.send(account, "GET", ITEMS, params)
        assert (answer.status, answer.detail) == (403, refusal)
        return
    event_id = world.model.head if as_of is None else as_of[1]
    items = world.model.state_at(event_id).values()
    rows = _sorted(_selected(items, world.model.scope(account, locations), query), sort)
    if limit is not None:
        most = limit * 4
        found = await world.walk(account, ITEMS, [*params, ("limit", str(limit))], most)
        assert found == rows[: len(found)]
        assert len(found) == len(rows) or len(found) >= most
        return
    await _read_whole_list(world, account, params, rows, world.position(event_id))
    for location in locations:
        if not world.model.sees(account, location):
            await _compare_locations(world, account, ITEMS, location)


async def _read_whole_list(
    world: World, account: Account, params: list[tuple[str, str]], rows: list[Item], position: str
) -> None:
    """Read a list without pages, perhaps with the ETag that somebody got for it before."""
    address = str(params)
    seen = world.seen.get(address)
    headers = {"If-None-Match": seen.tag} if seen is not None and world.chance(0.7) else {}
    answer = await world.send(account, "GET", ITEMS, params, headers=headers)
    assert answer.headers["Last-Event-ID"] == position
    if answer.status == 304:
        assert seen is not None
        assert seen.items == rows
        return
    assert answer.status == 200, answer.text
    assert answer.json == rows
    world.seen[address] = Seen(answer.headers["ETag"], rows)


async def _compare_locations(world: World, account: Account, path: str, location: int) -> None:
    """Check that a location that is not visible selects the same as one that does not exist."""
    answer = await world.send(account, "GET", path, [("location", str(location))])
    unknown = await world.send(account, "GET", path, [("location", str(NEVER))])
    same_answers(answer, unknown, str(location))


async def read_item(world: World) -> None:
    """Read one item."""
    account = world.draw_account()
    item_id = world.draw_item(account)
    item = world.model.state.get(item_id)
    answer = await world.of_item(account, "GET", item_id)
    if refusal := world.model.gate(account, "viewer"):
        assert (answer.status, answer.detail) == (403, refusal)
    elif item is None or not world.model.sees(account, item["location"]):
        assert (answer.status, answer.detail) == (404, f"There is no item {item_id}.")
    else:
        assert (answer.status, answer.json) == (200, item)
        other = world.draw_account()
        again = await world.of_item(other, "GET", item_id, headers={"If-None-Match": answer.headers["ETag"]})
        if world.model.sees_item(other, item_id):
            assert again.status == 304
        else:
            assert again.status == (403 if world.model.gate(other, "viewer") else 404)


async def read_export(world: World) -> None:
    """Export the stock, or a part of it, now or in the past."""
    account = world.draw_account()
    query, as_of = _draw_query(world), _draw_as_of(world)
    locations = _draw_locations(world)
    params = [*query.items(), *(("location", str(each)) for each in locations)]
    params += [("as_of", as_of[0])] if as_of else []
    answer = await world.send(account, "GET", f"{ITEMS}/export", params)
    if refusal := world.model.gate(account, "viewer"):
        assert (answer.status, answer.detail) == (403, refusal)
        return
    assert answer.status == 200, answer.text
    event_id = world.model.head if as_of is None else as_of[1]
    assert answer.headers["Last-Event-ID"] == world.position(event_id)
    items = _selected(world.model.state_at(event_id).values(), world.model.scope(account, locations), query)
    rows = [_exported(world, account, item) for item in sorted(items, key=lambda item: int(item["id"]))]
    assert list(csv.DictReader(io.StringIO(answer.text, newline=""))) == rows


def _exported(world: World, account: Account, item: Item) -> dict[str, str]:
    tree = world.model.tree
    is_there = item["location"] in tree.places
    shown = {**item, "location": tree.path(item["location"], world.model.visible(account)) if is_there else None}
    return {name: "" if shown[name] is None else str(shown[name]) for name in COLUMNS}


async def read_locations(world: World) -> None:
    """Read the locations, or one of them."""
    account, model = world.draw_account(), world.model
    refusal = model.gate(account, "viewer")
    if world.chance(0.5):
        answer = await world.send(account, "GET", PATH)
        if refusal:
            assert (answer.status, answer.detail) == (403, refusal)
            return
        documents = [location_document(world, account, each) for each in model.tree.places if model.sees(account, each)]
        assert answer.json == sorted(documents, key=lambda each: (each["path"].lower(), each["id"]))
        return
    location = world.draw_location()
    answer = await world.send(account, "GET", f"{PATH}/{location}")
    if refusal:
        assert (answer.status, answer.detail) == (403, refusal)
    elif location in model.tree.places and model.sees(account, location):
        assert (answer.status, answer.json) == (200, location_document(world, account, location))
    else:
        unknown = await world.send(account, "GET", f"{PATH}/{NEVER}")
        assert answer.status == 404
        same_answers(answer, unknown, str(location))


def location_document(world: World, account: Account, location: int) -> dict[str, Any]:
    """A location as an account must see it."""
    model = world.model
    place, visible = model.tree.places[location], model.visible(account)
    is_parent_seen = place.parent is not None and contains(visible, place.parent)
    return {
        "id": location,
        "name": place.name,
        "parent": place.parent if is_parent_seen else None,
        "path": model.tree.path(location, visible),
        "editable": model.edits(account, location),
    }


# Draws --------------------------------------------------------------------------------------------------------------


def _draw_query(world: World) -> dict[str, str]:
    """Conditions for items: perhaps a text that only an item has that may not be seen."""
    number = world.rng.random()
    if number < 0.15:
        word = world.words.draw()
        return {"q": word if world.chance(0.5) else word[3:7]}
    if number < 0.2:
        return {"q": world.rng.choice(["bolt", "nut", "zq", "c-"])}
    if number < 0.3:
        return {"code": world.rng.choice([*CODES, world.words.draw()])}
    return {"low": "1"} if number < 0.4 else {}


def _draw_locations(world: World) -> list[int]:
    return [world.draw_location() for _ in range(world.rng.choice([0, 0, 0, 1, 1, 2]))]


def _draw_as_of(world: World) -> tuple[str, int] | None:
    """A point in the log: as a parameter, and its event."""
    model = world.model
    if not model.log or world.chance(0.75):
        return None
    event = world.rng.choice(model.log)
    match world.rng.randrange(3):
        case 0:
            return str(event.id), event.id
        case 1:
            return world.position(event.id), event.id
        case _:
            return time_text(event.changed_at), model.event_at(event.changed_at)


def _selected(items: Iterable[Item], scope: Scope, query: dict[str, str]) -> list[Item]:
    return [item for item in items if contains(scope, item["location"]) and _matches(item, query)]


def _matches(item: Item, query: dict[str, str]) -> bool:
    match query:
        case {"q": text}:
            return text in item["name"] or text in (item["code"] or "")
        case {"code": code}:
            return bool(item["code"] == code)
        case {"low": _}:
            return item["minimum"] is not None and item["quantity"] < item["minimum"]
    return True


def _sorted(items: Iterable[Item], sort: str | None = None) -> list[Item]:
    order = sort or "-updated_at"
    field = order.removeprefix("-")
    return sorted(items, key=lambda item: (_key(item, field), item["id"]), reverse=order.startswith("-"))


def _key(item: Item, field: str) -> Any:
    """What items are sorted by. Those with the same name are sorted by code."""
    return "\n".join([item["name"], item["code"] or ""]).rstrip("\n") if field == "name" else item[field]
