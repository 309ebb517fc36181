"""What an import needs besides the writes: its lock, and a comparison of many items."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from api_service.store.items import changes_document
from shared.db.database import load_queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.db.database import Connection
    from shared.log.fields import ItemFields

queries = load_queries("imports")


class Compared(NamedTuple):
    """An item as it is, and whether its row would change it."""

    version: int
    is_changed: bool


async def begin_import(connection: Connection) -> bool:
    """Keep other imports out until the transaction ends; False if one is at work."""
    return bool(await queries.begin_import(connection))


async def compare_items(connection: Connection, changes: Mapping[int, ItemFields]) -> dict[int, Compared]:
    """The items that these changes name, by id, as far as there are such."""
    compared = queries.compare_items(connection, changes=changes_document(changes))
    return {row["id"]: Compared(row["version"], row["is_changed"]) async for row in compared}


async def defer_codes(connection: Connection) -> None:
    """Let rows exchange their codes: until the commit, two items may have the same."""
    await queries.defer_codes(connection)


async def select_items_with_codes(connection: Connection, codes: Sequence[str]) -> dict[str, int]:
    """The ids of the items that have these codes now, by code."""
    return {row["code"]: row["id"] async for row in queries.select_items_with_codes(connection, codes=codes)}


async def lock_items(connection: Connection, ids: Sequence[int]) -> None:
    """Keep these items as they are until the end of the transaction."""
    await queries.lock_items(connection, ids=ids)
