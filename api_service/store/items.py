"""Items, read and written. A document is the item's JSON, as text, just as PostgreSQL wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.database import acquire, load_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.database import Pool

queries = load_queries("items")


class StoredItem(NamedTuple):
    document: str
    version: int


class Snapshot(NamedTuple):
    """All items as a JSON array, and the position of the log that they stand at."""

    items: str
    position: str


async def select_items(pool: Pool) -> Snapshot:
    async with acquire(pool) as connection:
        row = await queries.select_items(connection)
    return Snapshot(row["items"], row["position"])


async def select_position(pool: Pool) -> str:
    async with acquire(pool) as connection:
        return str(await queries.select_position(connection))


async def select_item(pool: Pool, item_id: int) -> StoredItem | None:
    async with acquire(pool) as connection:
        row = await queries.select_item(connection, id=item_id)
    return row and StoredItem(row["document"], row["version"])


async def insert_item(pool: Pool, name: str, quantity: int, *, actor: str | None) -> tuple[int, StoredItem]:
    """Add an item and return its id and itself."""
    async with acquire(pool) as connection:
        row = await queries.insert_item(connection, name=name, quantity=quantity, actor=actor)
    return row["id"], StoredItem(row["document"], row["version"])


async def update_item(
    pool: Pool,
    item_id: int,
    *,
    quantity: int,
    name: str | None,
    versions: Sequence[int] | None,
    actor: str | None,
) -> StoredItem | None:
    """Set what is given, and return the item; None if there is none with one of these versions."""
    async with acquire(pool) as connection:
        row = await queries.update_item(
            connection, id=item_id, quantity=quantity, name=name, versions=versions, actor=actor
        )
    return row and StoredItem(row["document"], row["version"])


async def adjust_item(
    pool: Pool, item_id: int, adjust: int, *, versions: Sequence[int] | None, actor: str | None
) -> StoredItem | None:
    """Add to the quantity, and return the item; None if there is none, or it would leave its range."""
    async with acquire(pool) as connection:
        row = await queries.adjust_item(connection, id=item_id, adjust=adjust, versions=versions, actor=actor)
    return row and StoredItem(row["document"], row["version"])


async def delete_item(
    pool: Pool, item_id: int, *, versions: Sequence[int] | None, actor: str | None
) -> StoredItem | None:
    """Delete, and return what the item was; None if there is none with one of these versions."""
    async with acquire(pool) as connection:
        row = await queries.delete_item(connection, id=item_id, versions=versions, actor=actor)
    return row and StoredItem(row["document"], row["version"])
