"""Locations: the tree in which the stock is. A document is JSON text, as PostgreSQL wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from shared.db.database import load_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.access.principals import Locations
    from shared.db.database import Connection

queries = load_queries("locations")


class LocationInUseError(Exception):
    """The location has items or other locations, so it was not deleted."""


class UnknownParentError(Exception):
    """There is no such parent. Nothing was changed."""


async def select_locations(connection: Connection, *, visible: Locations, editable: Locations) -> str:
    """The visible locations, as a JSON array."""
    return str(await queries.select_locations(connection, visible=visible, editable=editable))


async def select_location(
    connection: Connection, location_id: int, *, visible: Locations, editable: Locations
) -> str | None:
    """A location; None if it does not exist, or is not visible."""
    document: str | None = await queries.select_location(connection, id=location_id, visible=visible, editable=editable)
    return document


async def select_paths(connection: Connection, visible: Locations) -> dict[int, str]:
    """The paths of the visible locations, as in `Main/Shelf 3`. Two may be equal if their parents are not visible."""
    return {row["id"]: row["path"] async for row in queries.select_paths(connection, visible=visible)}


async def select_scope(connection: Connection, locations: Sequence[int], visible: Locations) -> tuple[int, ...]:
    """Those of these locations that are visible, with everything below them."""
    return tuple(await queries.select_scope(connection, locations=locations, visible=visible))


async def select_default_location(connection: Connection) -> int:
    """The location of items for which none is given."""
    return int(await queries.select_default_location(connection))


async def insert_location(connection: Connection, name: str, parent: int | None) -> int:
    """Create a location and return its id. Raises UnknownParentError and TreeError."""
    try:
        return int(await queries.insert_location(connection, name=name, parent=parent))
    except asyncpg.ForeignKeyViolationError:
        raise UnknownParentError from None
    except asyncpg.IntegrityConstraintViolationError as error:
        if error.constraint_name != "location_no_cycle":
            raise
        raise UnknownParentError from None  # the id of a parent that does not exist was drawn for the location itself


async def rename_location(connection: Connection, location_id: int, name: str) -> None:
    """Rename a location. Raises TreeError."""
    await queries.rename_location(connection, id=location_id, name=name)


async def move_location(connection: Connection, location_id: int, parent: int | None) -> None:
    """Move a location to another parent (None: to the top). Raises UnknownParentError and TreeError."""
    try:
        await queries.move_location(connection, id=location_id, parent=parent)
    except asyncpg.ForeignKeyViolationError:
        raise UnknownParentError from None


async def delete_location(connection: Connection, location_id: int) -> str | None:
    """Delete a location and return its name; None if there is none. Raises LocationInUseError and TreeError."""
    try:
        name: str | None = await queries.delete_location(connection, id=location_id)
    except (asyncpg.ForeignKeyViolationError, asyncpg.RestrictViolationError):
        raise LocationInUseError from None
    return name
