"""Steps that import CSV files, with every error that they must report."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.acceptance.client import CSV, ITEMS, as_csv
from tests.acceptance.rights.items import CODES, FIELDS, Change, check_events, fields_of, place_words
from tests.acceptance.rights.world import Sent
from tests.acceptance.rights.writes import default_location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.rights.model import Account
    from tests.acceptance.rights.world import World

PATH = f"{ITEMS}/import"
FIRST_LINE = 2


class Fault(NamedTuple):
    """An error in a line of the file."""

    line: int
    field: str
    message: str


class Row(NamedTuple):
    """A row of the file: of the item with this id, or of a new one. Empty texts are empty cells."""

    line: int
    item_id: int | None
    fields: dict[str, Any]
    place: str
    version: int | None

    def cells(self) -> dict[str, Any]:
        fields = {name: "" if value is None else value for name, value in self.fields.items()}
        return {"id": self.item_id or "", **fields, "location": self.place, "version": self.version or ""}


class Places:
    """The locations that an account may see, by their paths and by their names."""

    def __init__(self, world: World, account: Account) -> None:
        model = world.model
        self.visible = [location for location in model.tree.places if model.sees(account, location)]
        self.paths = {location: model.tree.path(location, model.visible(account)) for location in self.visible}
        self._by_path: defaultdict[str, set[int]] = defaultdict(set)
        self._by_name: defaultdict[str, set[int]] = defaultdict(set)
        for location, path in self.paths.items():
            self._by_path[path].add(location)
            self._by_name[model.tree.places[location].name].add(location)

    def find(self, text: str) -> set[int]:
        return self._by_path.get(text) or self._by_name.get(text) or set()


class Verdict(NamedTuple):
    """What must become of a file."""

    faults: list[Fault]
    changes: list[Change]
    unchanged: int


async def import_file(world: World) -> None:
    """Import a file, or only check it."""
    account = world.draw_writer()
    rows = _draw_rows(world, account)
    is_dry = world.chance(0.3)
    data = as_csv(*(row.cells() for row in rows))
    headers = dict(CSV)
    if not is_dry and world.chance(0.3):
        headers["Idempotency-Key"] = f"key-{world.rng.getrandbits(64):x}"
    path = f"{PATH}?dry_run=1" if is_dry else PATH
    refusal = world.model.gate(account, "editor")
    verdict = _judge(world, account, rows)
    for change in verdict.changes:
        place_words(world, change.fields, change.location)
    request: dict[str, Any] = {"data": data, "headers": headers}
    answer = await world.send(account, "POST", path, **request)
    events = await world.sync()
    if refusal is not None:
        assert (answer.status, answer.detail) == (403, refusal)
    elif verdict.faults:
        assert answer.status == 422, answer.text
        assert [Fault(each["line"], each["field"], each["message"]) for each in answer.json["errors"]] == verdict.faults
        assert answer.json["error_count"] == len(verdict.faults)
    else:
        created = sum(change.operation == "INSERT" for change in verdict.changes)
        counts = {"created": created, "updated": len(verdict.changes) - created, "unchanged": verdict.unchanged}
        assert (answer.status, answer.json) == (200, counts)
        world.counts["imported"] += not is_dry
        if "Idempotency-Key" in headers:
            world.sent.append(Sent(account, "POST", path, request, answer, None))
    is_made = answer.status == 200 and not is_dry
    check_events(account.name, events, verdict.changes if is_made else [])


def _judge(world: World, account: Account, rows: list[Row]) -> Verdict:
    """What must become of these rows. Of an item that is not visible, nothing may be said but that there is none."""
    model, places = world.model, Places(world, account)
    located, faults = _locate(world, account, rows, places)
    codes = _Codes(world, account)
    for row in rows:
        faults += codes.note(row, located.get(row.line))
    changes: list[Change] = []
    unchanged = 0
    seen: set[int] = set()
    for row in rows:
        if row.item_id is None:
            if row.line in located:
                changes.append(Change("INSERT", located[row.line], dict.fromkeys(FIELDS) | row.fields))
            continue
        fault = _update_fault(world, account, row, places, is_repeated=row.item_id in seen)
        seen.add(row.item_id)
        if fault is not None:
            faults.append(fault)
            continue
        item = model.state[row.item_id]
        fields = fields_of(item) | row.fields
        if fields == fields_of(item):
            unchanged += 1
        else:
            changes.append(Change("UPDATE", item["location"], fields, row.item_id))
    faults += codes.taken()
    return Verdict(faults, [] if faults else changes, unchanged)


def _locate(world: World, account: Account, rows: list[Row], places: Places) -> tuple[dict[int, int], list[Fault]]:
    """The location of each row's item, by line, as far as it is known; and the errors in those of new items."""
    model = world.model
    located: dict[int, int] = {}
    faults: list[Fault] = []
    for row in rows:
        if row.item_id is not None:
            if row.item_id in model.state and model.sees_item(account, row.item_id):
                located[row.line] = model.location_of[row.item_id]
            continue
        if not row.place:
            located[row.line] = default_location(world, account)
            continue
        found = places.find(row.place)
        if not found:
            faults.append(Fault(row.line, "location", f'"{row.place}" is not a location'))
        elif len(found) > 1:
            several = f'"{row.place}" is the name of several locations: write the whole path, as in "Main/Shelf 3"'
            faults.append(Fault(row.line, "location", several))
        elif not model.edits(account, min(found)):
            faults.append(Fault(row.line, "location", f'you may only read at "{row.place}"'))
        else:
            located[row.line] = min(found)
    return located, faults


def _update_fault(world: World, account: Account, row: Row, places: Places, *, is_repeated: bool) -> Fault | None:
    """Why a row can't change the item with its id."""
    model, item_id = world.model, row.item_id or 0
    item = model.state.get(item_id)
    if is_repeated:
        return Fault(row.line, "id", f"item {item_id} is in the file twice")
    if item is None or not model.sees_item(account, item_id):
        return Fault(row.line, "id", f"there is no item {item_id}")
    if row.version not in {None, item["version"]}:
        return Fault(row.line, "version", f"item {item_id} is at version {item['version']} now")
    if not model.edits(account, item["location"]):
        return Fault(row.line, "id", f"you may only read at the location of item {item_id}")
    if row.place and item["location"] not in places.find(row.place):
        stays = f'item {item_id} stays at "{places.paths[item["location"]]}": an import can\'t move it'
        return Fault(row.line, "location", stays)
    return None


class _Codes:
    """The codes in a file: each may belong to only one item at its location."""

    def __init__(self, world: World, account: Account) -> None:
        self._model = world.model
        self._account = account
        self._seen: set[tuple[int, str]] = set()
        self._given: dict[int, str | None] = {}
        self._claims: list[tuple[int, str, int]] = []

    def note(self, row: Row, location: int | None) -> Iterator[Fault]:
        """Note the code of a row, and tell if the file has it twice."""
        if location is None:
            return
        code = row.fields["code"]
        if row.item_id is not None:
            self._given[row.item_id] = code
        if code is None:
            return
        if (location, code) in self._seen:
            yield Fault(row.line, "code", f'"{code}" is in the file twice')
            return
        self._seen.add((location, code))
        owner = self._model.owner_of_code(code, location)
        if owner is not None and owner["id"] != row.item_id:
            self._claims.append((row.line, code, owner["id"]))

    def taken(self) -> Iterator[Fault]:
        """Tell which codes still belong to other items after the import."""
        for line, code, owner in self._claims:
            if self._given.get(owner, code) == code:
                yield Fault(line, "code", f'"{code}" is the code of item {owner} already')


def _draw_rows(world: World, account: Account) -> list[Row]:
    return [_draw_row(world, account, FIRST_LINE + number) for number in range(world.rng.choice([1, 1, 1, 2, 3]))]


def _draw_row(world: World, account: Account, line: int) -> Row:
    rng, model = world.rng, world.model
    item_id = world.draw_item(account, to_change=True) if world.chance(0.5) else None
    fields = {
        "name": f"{world.words.new()} bolt",
        "quantity": rng.randrange(100),
        "code": rng.choice([None, f"c-{world.words.new()}", *CODES]),
        "unit": rng.choice([None, world.words.new()]),
    }
    item = None if item_id is None else model.state.get(item_id)
    if item is not None and model.sees_item(account, item["id"]) and world.chance(0.3):
        fields = {name: item[name] for name in fields}  # a row that changes nothing
    version = None
    if item_id is not None and world.chance(0.3):
        version = 1 if item is None else item["version"] + rng.choice([0, 0, 1])
    return Row(line, item_id, fields, _draw_place(world, account, item_id), version)


def _draw_place(world: World, account: Account, item_id: int | None) -> str:
    """The path or the name of a location, perhaps of one that the account may not see; an unknown one; or nothing."""
    model, tree, rng = world.model, world.model.tree, world.rng
    if world.chance(0.3):
        return ""
    allowed = [each for each in tree.places if model.edits(account, each)]
    location = rng.choice(allowed if allowed and world.chance(0.7) else list(tree.places))
    if item_id is not None and world.chance(0.8):
        location = model.location_of.get(item_id, location)
    if location not in tree.places or world.chance(0.1):
        return world.words.new()
    path = tree.path(location, model.visible(account))
    return rng.choice([path, path, tree.path(location, None), tree.places[location].name])
