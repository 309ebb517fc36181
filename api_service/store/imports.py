"""Many items, compared and written in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.database import load_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api_service.models import ImportRow
    from shared.database import Connection

queries = load_queries("imports")


class Compared(NamedTuple):
    """An item as it is, and whether its row would change it."""

    version: int
    is_changed: bool


async def begin_import(connection: Connection, *, actor: str | None) -> bool:
    """Note the actor for this transaction and keep other imports out until it ends; False if one is at work."""
    return bool(await queries.begin_import(connection, actor=actor))


async def insert_items(connection: Connection, rows: Sequence[ImportRow]) -> None:
    await queries.insert_items(connection, names=[row.name for row in rows], quantities=[row.quantity for row in rows])


async def compare_items(connection: Connection, rows: Sequence[ImportRow]) -> dict[int, Compared]:
    """The items that these rows name, by id, as far as there are such."""
    compared = queries.compare_items(connection, **_columns(rows))
    return {row["id"]: Compared(row["version"], row["is_changed"]) async for row in compared}


async def lock_items(connection: Connection, ids: Sequence[int]) -> None:
    """Keep these items as they are until the end of the transaction."""
    await queries.lock_items(connection, ids=ids)


async def update_items(connection: Connection, rows: Sequence[ImportRow]) -> None:
    """Set names and quantities of items that are locked."""
    await queries.update_items(connection, **_columns(rows))


def _columns(rows: Sequence[ImportRow]) -> dict[str, list[object]]:
    return {
        "ids": [row.id for row in rows],
        "names": [row.name for row in rows],
        "quantities": [row.quantity for row in rows],
    }
