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
    changed = {item_id: quantity for item_id, quantity in quantities.items() if quantity != found[item_id].quantity}
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
    to: int
    quantity: int
    is_closing: bool = False
    version: int | None = None


class TransferError(Exception):
    """A transfer can't be made. Nothing was changed. The text says why, and ``current`` is the item left behind."""

    def __init__(self, field: str, message: str, current: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.current = current


async def transfer(connection: Connection, wanted: Transfer, *, actor: Actor) -> Booked:
    """Move a quantity to the same article at another location, which is added there if it is missing.

    The caller has checked that the actor may change both locations. Raises TransferError.
    """
    twin_id = await movements.select_twin(connection, wanted.item_id, wanted.to)
    if twin_id is None:
        await movements.lock_new_items(connection, wanted.to)
        twin_id = await movements.select_twin(connection, wanted.item_id, wanted.to)
    ids = [wanted.item_id] if twin_id is None else [wanted.item_id, twin_id]
    found = await movements.select_items_for_update(connection, ids, None)
    source, twin = found.get(wanted.item_id), found.get(twin_id or 0)
    if twin_id != await movements.select_twin(connection, wanted.item_id, wanted.to):
        raise TransferError("item", "was changed at the same moment: try again")
    _check_transfer(wanted, source, twin, is_new=twin_id is None)
    assert source is not None  # noqa: S101 - it was checked
    movement = await movements.begin_movement(connection, actor)
    quantities = {source.id: source.quantity - wanted.quantity}
    if twin is None:
        twin = await movements.copy_item(connection, source.id, wanted.to, wanted.quantity)
        arrived = BookedLine(twin.id, twin.name, twin.location, None, twin.quantity, twin.version)
        versions = await movements.set_quantities(connection, quantities)
    else:
        quantities[twin.id] = twin.quantity + wanted.quantity
        versions = await movements.set_quantities(connection, quantities)
        arrived = _line(twin, quantities[twin.id], versions)
    left = _line(source, quantities[source.id], versions)
    if wanted.is_closing:
        await items.delete_item(connection, source.id, versions=None, actor=actor)
        left = left._replace(after=None, version=None)
    return Booked(movement, [left, arrived])


def _check_transfer(wanted: Transfer, source: LockedItem | None, twin: LockedItem | None, *, is_new: bool) -> None:
    """Raise TransferError if these items, which are locked, do not allow the transfer."""
    if source is None or (twin is None and not is_new):
        raise TransferError("item", "was deleted at the same moment: try again")
    current = json.loads(source.document)
    if wanted.version not in {None, source.version}:
        raise TransferError("version", f"item {source.id} has been changed: it is at version {source.version}", current)
    if source.quantity < wanted.quantity:
        raise TransferError("quantity", f"there are only {source.quantity} of item {source.id}", current)
    if wanted.is_closing and source.quantity > wanted.quantity:
        left = source.quantity - wanted.quantity
        raise TransferError("close", f"{left} of item {source.id} would be left behind: move all of it", current)
    if twin is not None and twin.quantity + wanted.quantity > MAX_QUANTITY:
        raise TransferError("quantity", f"would take item {twin.id} above {MAX_QUANTITY}", json.loads(twin.document))


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
