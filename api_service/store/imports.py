"""Queries of an import besides its writes: locks, and comparisons of many items."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from api_service.store.items import changes_document
from shared.db.database import load_queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.access.principals import Locations
    from shared.db.database import Connection
    from shared.log.fields import ItemFields

queries = load_queries("imports")


class Comparison(NamedTuple):
    """An item's version and location, and whether its row in the file would change it."""

    version: int
    location: int
    is_changed: bool


class CodeAt(NamedTuple):
    """A code at a location, which only one item has."""

    location: int
    code: str


async def begin_import(connection: Connection) -> bool:
    """Lock out other imports until the transaction ends; False if one is running."""
    return bool(await queries.begin_import(connection))


async def compare_items(
    connection: Connection, changes: Mapping[int, ItemFields], locations: Locations
) -> dict[int, Comparison]:
    """Compare these changes, by item id, with the items that exist at these locations."""
    compared = queries.compare_items(connection, changes=changes_document(changes), locations=locations)
    return {row["id"]: Comparison(row["version"], row["location"], row["is_changed"]) async for row in compared}


async def defer_codes(connection: Connection) -> None:
    """Check the uniqueness of codes only at the commit, so that rows can exchange codes."""
    await queries.defer_codes(connection)


async def select_items_with_codes(
    connection: Connection, codes: Sequence[str], locations: Locations
) -> dict[CodeAt, int]:
    """The ids of the items at these locations that have these codes."""
    rows = queries.select_items_with_codes(connection, codes=codes, locations=locations)
    return {CodeAt(row["location"], row["code"]): row["id"] async for row in rows}
