"""Reads and writes movements. A document is JSON text, as PostgreSQL wrote it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from shared.db.database import load_queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from api_service.store.items import Actor
    from shared.access.principals import Locations
    from shared.db.database import Connection

queries = load_queries("movements")


class AlreadyUndoneError(Exception):
    """Another movement undoes this one already. Nothing was changed."""


class LockedItem(NamedTuple):
    """An item that no other transaction can change until the end of this one."""

    id: int
    name: str
    quantity: int
    version: int
    location: int
    document: str


class BegunMovement(NamedTuple):
    """A movement of the current transaction, whose lines are logged at the commit."""

    actor: str | None
    on_behalf_of: str | None
    at: str | None
    undoes: int | None


NOTHING_BEGUN = BegunMovement(None, None, None, None)


class PrunedError(Exception):
    """The movement is no longer in the log."""


class LoggedLine(NamedTuple):
    """An item as it was before a movement, and after it. None if it did not exist.

    ``version`` is the last one that the movement gave to the item, before a deletion if it ends with one.
    """

    item_id: int
    location: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    version: int


class LowItem(NamedTuple):
    id: int
    document: str


async def select_items_for_update(
    connection: Connection, ids: Iterable[int], locations: Locations
) -> dict[int, LockedItem]:
    """Lock these items until the end of the transaction. Those that are not at these locations are left out."""
    rows = queries.select_items_for_update(connection, ids=list(ids), locations=locations)
    return {row["id"]: LockedItem(*row) async for row in rows}


async def begin_movement(connection: Connection, actor: Actor, *, undoes: int | None = None) -> int:
    """Begin a movement, to which the changes of this transaction belong, and return its id.

    Raises AlreadyUndoneError and, if the movement to undo is not there, PrunedError.
    """
    try:
        return int(await queries.begin_movement(connection, undoes=undoes, **actor.signature))
    except asyncpg.UniqueViolationError:
        raise AlreadyUndoneError from None
    except asyncpg.ForeignKeyViolationError:
        raise PrunedError from None


async def set_quantities(connection: Connection, quantities: Mapping[int, int]) -> dict[int, int]:
    """Set the quantities of locked items, by id. Returns their new versions."""
    rows = queries.set_quantities(connection, ids=list(quantities), quantities=list(quantities.values()))
    return {row["id"]: row["version"] async for row in rows}


async def select_movement(connection: Connection, movement_id: int, locations: Locations) -> str | None:
    """A movement with its lines at these locations; None without one."""
    document: str | None = await queries.select_movement(connection, id=movement_id, locations=locations)
    return document


async def select_begun_movement(connection: Connection, movement_id: int) -> BegunMovement:
    return BegunMovement(*await queries.select_begun_movement(connection, id=movement_id))


async def select_lines(connection: Connection, movement_id: int, most: int) -> list[LoggedLine]:
    """All lines of a movement, up to ``most``, in the order of their items."""
    return [
        LoggedLine(row["item_id"], row["location"], _parsed(row["before"]), _parsed(row["after"]), row["version"])
        async for row in queries.select_lines(connection, id=movement_id, most=most)
    ]


async def select_is_complete(connection: Connection, movement_id: int) -> bool:
    """Whether the log still has all lines of a movement."""
    return bool(await queries.select_is_complete(connection, id=movement_id))


async def select_undone_by(connection: Connection, movement_id: int) -> int | None:
    """The movement that undoes this one; None if there is none."""
    found: int | None = await queries.select_undone_by(connection, id=movement_id)
    return found


async def select_twin(connection: Connection, item_id: int, location: int) -> int | None:
    """The same article at another location: by its code, else by its name. None if there is none."""
    found: int | None = await queries.select_twin(connection, item=item_id, location=location)
    return found


async def select_twins(connection: Connection, item_id: int, locations: Locations) -> list[int]:
    """The same article at all other of these locations: by its code, or without one by its name."""
    return [row["id"] async for row in queries.select_twins(connection, item=item_id, locations=locations)]


async def lock_new_items(connection: Connection, location: int) -> None:
    """Let one transaction at a time add missing items at a location, until its end."""
    await queries.lock_new_items(connection, location=location)


async def copy_item(connection: Connection, item_id: int, location: int, quantity: int) -> LockedItem:
    """Add the same article at another location."""
    return LockedItem(*await queries.copy_item(connection, item=item_id, location=location, quantity=quantity))


async def select_low(connection: Connection, locations: Locations, *, after: int, page: int) -> Sequence[LowItem]:
    """A page of the items below their minimum, with what is missing to it, after the item with this id."""
    rows = queries.select_low(connection, locations=locations, after=after, page=page)
    return [LowItem(*row) async for row in rows]


def _parsed(document: str | None) -> dict[str, Any] | None:
    return None if document is None else json.loads(document)
