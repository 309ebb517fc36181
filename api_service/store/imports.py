"""Many items, written in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.database import load_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api_service.models import ImportRow
    from shared.database import Connection

queries = load_queries("imports")


async def begin_import(connection: Connection, *, actor: str | None) -> None:
    """Wait until no other import is at work. In a transaction, which the actor is then noted for."""
    await queries.begin_import(connection, actor=actor)


async def insert_items(connection: Connection, rows: Sequence[ImportRow]) -> None:
    await queries.insert_items(connection, names=[row.name for row in rows], quantities=[row.quantity for row in rows])


async def lock_items(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """The versions of these items, as far as there are such; they stay so until the end of the transaction."""
    return {row["id"]: row["version"] async for row in queries.lock_items(connection, ids=ids)}


async def update_items(connection: Connection, rows: Sequence[ImportRow]) -> dict[int, int]:
    """Set names and quantities of items that are locked; returns their versions afterwards."""
    updated = queries.update_items(
        connection,
        ids=[row.id for row in rows],
        names=[row.name for row in rows],
        quantities=[row.quantity for row in rows],
    )
    return {row["id"]: row["version"] async for row in updated}
