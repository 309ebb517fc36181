"""Queries of an import besides its writes: locks, and comparisons of many items."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from api_service.store.items import changes_document
from shared.db.database import load_queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.db.database import Connection
    from shared.log.fields import ItemFields

queries = load_queries("imports")


class Comparison(NamedTuple):
    """An item's version, and whether its row in the file would change it."""

    version: int
    is_changed: bool


async def begin_import(connection: Connection) -> bool:
    """Lock out other imports until the transaction ends; False if one is running."""
    return bool(await queries.begin_import(connection))


async def compare_items(connection: Connection, changes: Mapping[int, ItemFields]) -> dict[int, Comparison]:
    """Compare these changes, by item id, with the items that exist."""
    compared = queries.compare_items(connection, changes=changes_document(changes))
    return {row["id"]: Comparison(row["version"], row["is_changed"]) async for row in compared}


async def defer_codes(connection: Connection) -> None:
    """Check the uniqueness of codes only at the commit, so that rows can exchange codes."""
    await queries.defer_codes(connection)


async def select_items_with_codes(connection: Connection, codes: Sequence[str]) -> dict[str, int]:
    """The ids of the items that have these codes, by code."""
    return {row["code"]: row["id"] async for row in queries.select_items_with_codes(connection, codes=codes)}


async def lock_items(connection: Connection, ids: Sequence[int]) -> None:
    """Lock these items until the end of the transaction."""
    await queries.lock_items(connection, ids=ids)
