"""Items, read and written. A document is the item's JSON, as text, just as PostgreSQL wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shared.database import load_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.database import Connection

queries = load_queries("items")


class StoredItem(NamedTuple):
    document: str
    version: int


class Snapshot(NamedTuple):
    """All items as a JSON array, and the position of the log that they stand at."""

    items: bytes
    position: str


class Row(NamedTuple):
    """An item in an order; ``key`` is what it is ordered by, as text."""

    id: int
    key: str
    document: str


class Page(NamedTuple):
    """Rows in an order, and the position of the log that they stand at."""

    rows: list[Row]
    position: str


class Place(NamedTuple):
    """Where a page begins: after the item with this key and id."""

    key: str
    id: int


async def select_items(connection: Connection) -> Snapshot:
    row = await queries.select_items(connection)
    return Snapshot(row["items"].encode(), row["position"])


class Selection(NamedTuple):
    """Items in an order (a field; with a minus: descending), those with this text in their names, a page of them."""

    sort: str
    text: str | None = None
    after: Place | None = None
    limit: int | None = None

    @property
    def field(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")


async def select_position(connection: Connection) -> str:
    return str(await queries.select_position(connection))


async def select_page(connection: Connection, selection: Selection) -> Page:
    """These items of the stock, and the position of the log in the same snapshot."""
    rows = await _select_rows(connection, selection)
    if rows:
        return Page([Row(*row[:3]) for row in rows], rows[0]["position"])
    async with connection.transaction(isolation="repeatable_read", readonly=True):  # there is no row with a position
        position = await select_position(connection)
        return Page([Row(*row[:3]) for row in await _select_rows(connection, selection)], position)


async def _select_rows(connection: Connection, selection: Selection) -> list[Any]:
    query = getattr(queries, f"select_items_by_{selection.field}" + "_descending" * selection.descending)
    key, item_id = selection.after or (None, None)
    rows = query(connection, text=selection.text, after_key=key, after_id=item_id, page=selection.limit)
    return [row async for row in rows]


async def select_past_page(connection: Connection, moment: int, selection: Selection) -> list[Row]:
    """These items of the stock as it was at this event."""
    key, item_id = selection.after or (None, None)
    rows = queries.select_past_items(
        connection,
        moment=moment,
        text=selection.text,
        sort=selection.field,
        descending=selection.descending,
        after_key=key,
        after_id=item_id,
        page=selection.limit,
    )
    return [Row(*row) async for row in rows]


async def select_page_of_past_items(
    connection: Connection, moment: int, *, text: str | None, after: int, limit: int
) -> list[tuple[int, str | None]]:
    """The stock as it was at this event by id, in pages until one is empty; None for an id that has nothing to show."""
    rows = queries.select_page_of_past_items(connection, moment=moment, text=text, after_id=after, page=limit)
    return [(row["id"], row["document"]) async for row in rows]


async def select_item(connection: Connection, item_id: int) -> StoredItem | None:
    return _stored(await queries.select_item(connection, id=item_id))


async def insert_item(connection: Connection, name: str, quantity: int, *, actor: str | None) -> tuple[int, StoredItem]:
    """Add an item and return its id and itself."""
    row = await queries.insert_item(connection, name=name, quantity=quantity, actor=actor)
    return row["id"], StoredItem(row["document"], row["version"])


async def update_item(
    connection: Connection,
    item_id: int,
    *,
    quantity: int,
    name: str | None,
    versions: Sequence[int] | None,
    actor: str | None,
) -> StoredItem | None:
    """Set what is given, and return the item; None if there is none with one of these versions."""
    return _stored(
        await queries.update_item(connection, id=item_id, quantity=quantity, name=name, versions=versions, actor=actor)
    )


async def adjust_item(
    connection: Connection, item_id: int, adjust: int, *, versions: Sequence[int] | None, actor: str | None
) -> StoredItem | None:
    """Add to the quantity, and return the item; None if there is none, or it would leave its range."""
    return _stored(await queries.adjust_item(connection, id=item_id, adjust=adjust, versions=versions, actor=actor))


async def delete_item(
    connection: Connection, item_id: int, *, versions: Sequence[int] | None, actor: str | None
) -> StoredItem | None:
    """Delete, and return what the item was; None if there is none with one of these versions."""
    return _stored(await queries.delete_item(connection, id=item_id, versions=versions, actor=actor))


async def restore_item(connection: Connection, item_id: int, *, actor: str | None) -> StoredItem | None:
    """Bring back what was deleted, and return it; None if it is not deleted, or the log no longer has it."""
    return _stored(await queries.restore_item(connection, id=item_id, actor=actor))


def _stored(row: tuple[int, str] | None) -> StoredItem | None:
    return None if row is None else StoredItem(version=row[0], document=row[1])
