"""Books movements: quantities that change together, all or none. Runs in the caller's transaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from api_service.store import items, movements
from shared.access.principals import contains
from shared.log.fields import MAX_QUANTITY, ItemFields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from api_service.store.items import Actor, StoredItem
    from api_service.store.movements import LockedItem, LoggedLine
    from shared.access.principals import Locations
    from shared.db.database import Connection


MAX_LINES_TO_UNDO = 10_000  # they are all in memory
COUNTED = "counted"  # a count is recorded even if it matches
VERSIONS_OF_A_RESTORE = 2  # a deletion and a restore give an item one version each


class Line(NamedTuple):
    """A change of one quantity: by an amount, or to one. With a version, the item must still have that."""

    item_id: int
    adjust: int | None = None
    set_to: int | None = None
    version: int | None = None

    def result(self, quantity: int) -> int:
        """The quantity after the change."""
        return quantity + (self.adjust or 0) if self.set_to is None else self.set_to


class Refusal(NamedTuple):
    """Why a line can't be booked, and the item as it is (None: there is none). ``line`` is the index of the line."""

    line: int
    field: str
    message: str
    current: dict[str, Any] | None


class RefusedLinesError(Exception):
    """Some lines can't be booked, so nothing was changed."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(f"{len(refusals)} lines")
        self.refusals = refusals


class UndoError(Exception):
    """A movement can't be undone. Nothing was changed. The text says why."""


class NotAllowedError(Exception):
    """The actor may not change the items at one of the locations. Nothing was changed."""


class BookedLine(NamedTuple):
    """A line of a movement: the quantity before it, and the quantity and the version after it.

    These are None if the item did not exist.
    """

    item: int
    name: str
    location: int
    before: int | None
    after: int | None
    version: int | None


class Booked(NamedTuple):
    """What was booked. Without a movement, no quantity has changed."""

    movement: int | None
    lines: list[BookedLine]


async def book(connection: Connection, lines: Sequence[Line], *, actor: Actor, visible: Locations) -> Booked:
    """Book these lines, each of another item, as a movement. Raises RefusedLinesError."""
    found = await movements.select_items_for_update(connection, (line.item_id for line in lines), visible)
    refusals = [
        refusal
        for index, line in enumerate(lines)
        if (refusal := _refusal(index, line, found.get(line.item_id), actor.editable)) is not None
    ]
    if refusals:
        raise RefusedLinesError(refusals)
    quantities = {line.item_id: line.result(found[line.item_id].quantity) for line in lines}
    changed = {
        item_id: quantity
        for item_id, quantity in quantities.items()
        if quantity != found[item_id].quantity or actor.reason == COUNTED
    }
    movement = await movements.begin_movement(connection, actor) if changed else None
    versions = await movements.set_quantities(connection, changed) if changed else {}
    return Booked(movement, [_line(found[item_id], quantity, versions) for item_id, quantity in quantities.items()])


def _refusal(index: int, line: Line, item: LockedItem | None, editable: Locations) -> Refusal | None:
    """Why a line can't be booked; None if it can."""
    if item is None:
        return Refusal(index, "item", f"there is no item {line.item_id}", None)
    if not contains(editable, item.location):
        return _about(index, "item", f"you may only read at the location of item {item.id}", item)
    if line.version not in {None, item.version}:
        return _about(index, "version", f"item {item.id} has been changed: it is at version {item.version}", item)
    if line.result(item.quantity) < 0:
        return _about(index, "adjust", f"would take item {item.id} below 0: there are {item.quantity}", item)
    if line.result(item.quantity) > MAX_QUANTITY:
        return _about(index, "adjust", f"would take item {item.id} above {MAX_QUANTITY}", item)
    return None


def _about(index: int, field: str, message: str, item: LockedItem) -> Refusal:
    return Refusal(index, field, message, json.loads(item.document))


def _line(item: LockedItem, quantity: int, versions: Mapping[int, int]) -> BookedLine:
    return BookedLine(item.id, item.name, item.location, item.quantity, quantity, versions.get(item.id, item.version))


# Transfers ----------------------------------------------------------------------------------------------------------


class Transfer(NamedTuple):
    """A quantity to move to another location. ``is_closing``: delete what is left behind, which must be nothing."""

    item_id: int
    quantity: int
    is_closing: bool = False
    version: int | None = None


async def transfer(
    connection: Connection, lines: Sequence[Transfer], to: int, *, actor: Actor, visible: Locations
) -> Booked:
    """Move quantities, each of another item, to the same articles at this location, as one movement.

    An article that is missing there is added. The caller has checked that the actor may change this location. Raises
    RefusedLinesError.
    """
    twins = await _find_twins(connection, lines, to)
    if None in twins:
        await movements.lock_new_items(connection, to)
        twins = await _find_twins(connection, lines, to)
    ids = {line.item_id for line in lines} | {twin for twin in twins if twin is not None}
    found = await movements.select_items_for_update(connection, sorted(ids), None)
    still = await _find_twins(connection, lines, to)  # they can't change any more
    moves = _Moves(found, to)
    for index, line in enumerate(lines):
        moves.check(index, line, twins[index], is_same=twins[index] == still[index], actor=actor, visible=visible)
    if moves.refusals:
        raise RefusedLinesError(moves.refusals)
    movement = await movements.begin_movement(connection, actor)
    return Booked(movement, await _move(connection, lines, to, found, actor))


async def _find_twins(connection: Connection, lines: Sequence[Transfer], to: int) -> list[int | None]:
    """The same article at this location, for each line."""
    return [await movements.select_twin(connection, line.item_id, to) for line in lines]


class _Moves:
    """Checks the lines of a transfer, whose items are locked, and collects why some can't be moved."""

    def __init__(self, found: Mapping[int, LockedItem], to: int) -> None:
        self.refusals: list[Refusal] = []
        self._found = found
        self._to = to
        self._arriving: dict[int, int] = {}  # id → what arrives at an item, of several lines

    def check(
        self, index: int, line: Transfer, twin_id: int | None, *, is_same: bool, actor: Actor, visible: Locations
    ) -> None:
        source = self._found.get(line.item_id)
        if source is None or not contains(visible, source.location):
            return self._refuse(index, "item", f"there is no item {line.item_id}", None)
        if not contains(actor.editable, source.location):
            return self._refuse(index, "item", f"you may only read at the location of item {source.id}", source)
        if source.location == self._to:
            return self._refuse(index, "to", "is the location of the item itself", source)
        twin = None if twin_id is None else self._found.get(twin_id)
        if not is_same or (twin_id is not None and twin is None):
            return self._refuse(index, "item", "was changed at the same moment: try again", source)
        if line.version not in {None, source.version}:
            changed = f"item {source.id} has been changed: it is at version {source.version}"
            return self._refuse(index, "version", changed, source)
        if source.quantity < line.quantity:
            return self._refuse(index, "quantity", f"there are only {source.quantity} of item {source.id}", source)
        if line.is_closing and source.quantity > line.quantity:
            left = source.quantity - line.quantity
            return self._refuse(
                index, "close", f"{left} of item {source.id} would be left behind: move all of it", source
            )
        if twin is not None:
            self._arriving[twin.id] = self._arriving.get(twin.id, 0) + line.quantity
            if twin.quantity + self._arriving[twin.id] > MAX_QUANTITY:
                self._refuse(index, "quantity", f"would take item {twin.id} above {MAX_QUANTITY}", twin)
        return None

    def _refuse(self, index: int, field: str, message: str, item: LockedItem | None) -> None:
        current = None if item is None else json.loads(item.document)
        self.refusals.append(Refusal(index, field, message, current))


async def _move(
    connection: Connection, lines: Sequence[Transfer], to: int, found: Mapping[int, LockedItem], actor: Actor
) -> list[BookedLine]:
    """Move what was checked. Several lines may arrive at one item, also at one that the first of them adds."""
    items_after = dict(found)
    added: set[int] = set()
    quantities: dict[int, int] = {}
    for line in lines:
        quantities[line.item_id] = found[line.item_id].quantity - line.quantity
        twin_id = await movements.select_twin(connection, line.item_id, to)
        if twin_id is None:
            twin = await movements.copy_item(connection, line.item_id, to, line.quantity)
            items_after[twin.id] = twin
            added.add(twin.id)
        else:
            quantities[twin_id] = quantities.get(twin_id, items_after[twin_id].quantity) + line.quantity
    versions = await movements.set_quantities(connection, quantities)
    booked = {item_id: _line(items_after[item_id], quantity, versions) for item_id, quantity in quantities.items()}
    for item_id in added:
        line_after = booked.get(item_id) or _line(items_after[item_id], items_after[item_id].quantity, versions)
        booked[item_id] = line_after._replace(before=None)
    for line in lines:
        if line.is_closing:
            await items.delete_item(connection, line.item_id, versions=None, actor=actor)
            booked[line.item_id] = booked[line.item_id]._replace(after=None, version=None)
    return list(booked.values())


# Undo ---------------------------------------------------------------------------------------------------------------


async def undo(connection: Connection, movement_id: int, *, actor: Actor) -> Booked:
    """Book the opposite of a movement: quantities, other fields that it changed, and items that it deleted.

    An item that it has added stays, with what was added since. Raises NotAllowedError, UndoError and RefusedLinesError.
    """
    undone_by = await movements.select_undone_by(connection, movement_id)
    if undone_by is not None:
        raise UndoError(f"Movement {movement_id} was undone by movement {undone_by}")
    lines = await _lines_to_undo(connection, movement_id, actor.editable)
    try:
        undoing = await movements.begin_movement(connection, actor, undoes=movement_id)
    except movements.AlreadyUndoneError:
        raise UndoError(f"Movement {movement_id} was undone at the same moment") from None
    except movements.PrunedError:
        raise _incomplete(movement_id) from None
    kept = [line.item_id for line in lines if line.after is not None]
    found = await movements.select_items_for_update(connection, kept, None)
    restored = await _restore(connection, [line for line in lines if line.after is None], actor)
    found |= await movements.select_items_for_update(connection, restored, None)
    opposites, refusals = _opposites(lines, found)
    if refusals:
        raise RefusedLinesError(refusals)
    if not opposites and not restored:
        raise UndoError(f"There is nothing to undo in movement {movement_id}")
    changed = {item.id: item.version for item in await items.update_items(connection, opposites, actor=actor)}
    return Booked(undoing, [_undone(line, found[line.item_id], opposites, changed) for line in lines])


async def _lines_to_undo(connection: Connection, movement_id: int, editable: Locations) -> list[LoggedLine]:
    """The lines of a movement. Raises NotAllowedError and, if it can't be undone as a whole, UndoError."""
    lines = await movements.select_lines(connection, movement_id, MAX_LINES_TO_UNDO + 1)
    if not all(contains(editable, location) for location in {line.location for line in lines}):
        raise NotAllowedError
    if len(lines) > MAX_LINES_TO_UNDO:
        raise UndoError(f"Movement {movement_id} has more than {MAX_LINES_TO_UNDO} lines")
    if not await movements.select_is_complete(connection, movement_id):
        raise _incomplete(movement_id)
    return lines


def _incomplete(movement_id: int) -> UndoError:
    return UndoError(f"The log no longer has all lines of movement {movement_id}")


async def _restore(connection: Connection, lines: Iterable[LoggedLine], actor: Actor) -> list[int]:
    """Restore the items that these lines have deleted. Returns those that were not restored since."""
    restored = []
    for line in lines:
        try:
            item = await items.restore_item(connection, line.item_id, actor=actor)
        except items.LocationGoneError:
            raise UndoError(f"The location of item {line.item_id} does not exist any more") from None
        if item is not None and item.version == line.version + VERSIONS_OF_A_RESTORE:
            restored.append(line.item_id)
    return restored


def _opposites(
    lines: Sequence[LoggedLine], found: Mapping[int, LockedItem]
) -> tuple[dict[int, ItemFields], list[Refusal]]:
    """The change of each item that undoes its line, and why some lines can't be undone."""
    opposites: dict[int, ItemFields] = {}
    refusals: list[Refusal] = []
    for index, line in enumerate(lines):
        item = found.get(line.item_id)
        if item is None:
            gone = "has been restored since" if line.after is None else "does not exist any more"
            refusals.append(Refusal(index, "item", f"item {line.item_id} {gone}", None))
            continue
        current = json.loads(item.document)
        change = _opposite(line, current)
        if isinstance(change, str):
            refusals.append(Refusal(index, change, f"of item {item.id} has been changed since", current))
        elif not 0 <= change.get("quantity", 0) <= MAX_QUANTITY:
            limit = "below 0" if change["quantity"] < 0 else f"above {MAX_QUANTITY}"
            refusals.append(Refusal(index, "quantity", f"would take item {item.id} {limit}", current))
        elif change:
            opposites[item.id] = _change(**change)
    return opposites, refusals


def _change(**fields: Any) -> ItemFields:
    """A change of these fields, whose values have been checked before."""
    model: Any = ItemFields
    change: ItemFields = model.model_construct(_fields_set=set(fields), **fields)
    return change


def _opposite(line: LoggedLine, current: Mapping[str, Any]) -> dict[str, Any] | str:
    """The fields that undo a line; or the name of one that was changed since."""
    before, after = line.before or {}, line.after or {}
    moved = after.get("quantity", 0) - before.get("quantity", 0)
    if line.after is None:  # it was deleted, and is restored as it was then
        return {"quantity": before["quantity"]}
    change: dict[str, Any] = {"quantity": current["quantity"] - moved} if moved else {}
    if line.before is None:
        return change
    for field in ItemFields.model_fields:
        if field != "quantity" and before.get(field) != after.get(field):
            if current[field] != after[field]:
                return field
            change[field] = before[field]
    return change


def _undone(
    line: LoggedLine, item: LockedItem, opposites: Mapping[int, ItemFields], changed: Mapping[int, int]
) -> BookedLine:
    opposite = opposites.get(item.id)
    after = opposite.quantity if opposite is not None and "quantity" in opposite.model_fields_set else item.quantity
    before = None if line.after is None else item.quantity
    return BookedLine(item.id, item.name, item.location, before, after, changed.get(item.id, item.version))


# Other fields of several items --------------------------------------------------------------------------------------


async def rename_twins(connection: Connection, item_id: int, name: str, *, actor: Actor) -> None:
    """Give the same article at the actor's other locations this name. Locks them and the item, in the order of ids."""
    twins = await movements.select_twins(connection, item_id, actor.editable)
    await items.lock_items(connection, [item_id, *twins], actor.editable)
    still = await movements.select_twins(connection, item_id, actor.editable)  # they can't change any more
    change = _change(name=name)
    await items.update_items(connection, {twin: change for twin in twins if twin in still}, actor=actor)


async def set_minimums(
    connection: Connection, ids: Sequence[int], minimum: int | None, *, actor: Actor
) -> dict[int, StoredItem]:
    """Set the minimum of these items, by id. Returns those that exist, and that the actor may change."""
    await items.lock_items(connection, ids, actor.editable)
    changed = await items.update_items(connection, dict.fromkeys(ids, _change(minimum=minimum)), actor=actor)
    return {item.id: item for item in changed}
