"""Reads and writes items. A document is the JSON text of an item, as PostgreSQL wrote it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from shared.db.database import load_queries
from shared.log.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from shared.access.principals import Locations
    from shared.db.database import Connection
    from shared.log.fields import ItemFields

queries = load_queries("items")


class Actor(NamedTuple):
    """Who makes a change, where they may, and why. Without a name, the log shows the role of the database session."""

    name: str | None = None
    on_behalf_of: str | None = None
    editable: Locations = None
    reason: str | None = None
    note: str | None = None

    @property
    def signature(self) -> dict[str, str | None]:
        """What the log says of them, as parameters of a query."""
        return {
            "actor": self.name,
            "on_behalf_of": self.on_behalf_of,
            "reason": self.reason,
            "note": self.note,
        }


class StoredItem(NamedTuple):
    """``tag`` is the ETag of the document. It changes with the version and with the fields that documents have."""

    id: int
    version: int
    tag: str
    document: str


class LocationGoneError(Exception):
    """The location of a deleted item does not exist any more, so the item was not restored."""


class Addition(NamedTuple):
    """An item to add. Without a location, it is added at the oldest one."""

    fields: ItemFields
    location: int | None = None


class LabelText(NamedTuple):
    """What the label of an item says."""

    id: int
    name: str
    code: str | None
    location: int


class State(NamedTuple):
    """A state of the stock: the position in the log, and the shape of documents (which fields they have)."""

    position: str
    shape: str

    def tag(self, locations: Locations) -> str:
        """The ETag of a list with the items at these locations."""
        if locations is None:
            return f"{self.position}-{self.shape}"
        scope = hashlib.sha256(repr(sorted(locations)).encode()).hexdigest()[:12]
        return f"{self.position}-{self.shape}-{scope}"


class Snapshot(NamedTuple):
    """All items as a JSON array, and their state."""

    items: bytes
    state: State


class Row(NamedTuple):
    """An item of a sorted list. ``key`` is its sort key, as text."""

    id: int
    key: str
    document: str


class Page(NamedTuple):
    """Rows of a sorted list, and the state of the stock."""

    rows: list[Row]
    state: State


class Place(NamedTuple):
    """The start of a page: after the item with this sort key and id."""

    key: str
    id: int


async def select_items(connection: Connection) -> Snapshot:
    row = await queries.select_items(connection)
    return Snapshot(row["items"].encode(), State(row["position"], row["shape"]))


class Criteria(NamedTuple):
    """Conditions that an item must meet. None means no condition."""

    text: str | None = None
    code: str | None = None
    low: bool = False  # only items below their minimum
    locations: Locations = None


class Selection(NamedTuple):
    """A page of the items that meet the criteria, sorted by a field (`-` before it: in descending order)."""

    sort: str
    criteria: Criteria = Criteria()
    after: Place | None = None
    limit: int | None = None

    @property
    def field(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")


async def select_state(connection: Connection) -> State:
    """The current state of the stock."""
    return State(*await queries.select_state(connection))


async def select_page(connection: Connection, selection: Selection) -> Page:
    """The selected items, and the state of the stock."""
    rows = await _select_rows(connection, selection)
    if rows:
        return Page([Row(*row[:3]) for row in rows], State(rows[0]["position"], rows[0]["shape"]))
    async with connection.transaction(isolation="repeatable_read", readonly=True):  # without rows, the state is unknown
        state = await select_state(connection)
        return Page([Row(*row[:3]) for row in await _select_rows(connection, selection)], state)


async def _select_rows(connection: Connection, selection: Selection) -> list[Any]:
    query = getattr(queries, f"select_items_by_{selection.field}" + "_descending" * selection.descending)
    key, item_id = selection.after or (None, None)
    rows = query(connection, **selection.criteria._asdict(), after_key=key, after_id=item_id, page=selection.limit)
    return [row async for row in rows]


async def select_past_page(connection: Connection, moment: int, selection: Selection) -> list[Row]:
    """The selected items as they were after this event."""
    key, item_id = selection.after or (None, None)
    rows = queries.select_past_items(
        connection,
        moment=moment,
        **selection.criteria._asdict(),
        sort=selection.field,
        descending=selection.descending,
        after_key=key,
        after_id=item_id,
        page=selection.limit,
    )
    return [Row(*row) async for row in rows]


async def select_page_of_past_items(
    connection: Connection, moment: int, *, criteria: Criteria, after: int, limit: int
) -> list[tuple[int, str | None]]:
    """A page of the items after this event, by id. None for an id whose item did not exist or does not match."""
    rows = queries.select_page_of_past_items(
        connection, moment=moment, **criteria._asdict(), after_id=after, page=limit
    )
    return [(row["id"], row["document"]) async for row in rows]


async def select_item(connection: Connection, item_id: int, locations: Locations) -> StoredItem | None:
    """An item; None if there is none at these locations."""
    return _one(await queries.select_item(connection, id=item_id, locations=locations))


async def select_item_with_code(
    connection: Connection, code: str, location: int, locations: Locations
) -> StoredItem | None:
    """The item that has this code at a location; None if there is none, or the location is not among these."""
    return _one(await queries.select_item_with_code(connection, code=code, location=location, locations=locations))


async def lock_items(connection: Connection, ids: Sequence[int], locations: Locations) -> None:
    """Lock these items, if they are at these locations, until the end of the transaction."""
    await queries.lock_items(connection, ids=ids, locations=locations)


async def select_label_texts(connection: Connection, ids: Sequence[int], locations: Locations) -> dict[int, LabelText]:
    """What the labels of these items say, by id, as far as the items are at these locations."""
    rows = queries.select_label_texts(connection, ids=ids, locations=locations)
    return {row["id"]: LabelText(*row) async for row in rows}


async def insert_items(connection: Connection, items: Sequence[Addition], *, actor: Actor) -> list[StoredItem]:
    """Insert items, in this order. The caller has checked that the actor may change their locations."""
    fields = set(FIELDS)
    documents = json.dumps(
        [{**item.fields.model_dump(include=fields, exclude_unset=True), "location": item.location} for item in items]
    )
    return await _stored(queries.insert_items(connection, items=documents, **actor.signature))


async def update_items(
    connection: Connection,
    changes: Mapping[int, ItemFields],
    *,
    versions: Sequence[int] | None = None,
    actor: Actor,
) -> list[StoredItem]:
    """Change items, each by its id and with the fields that its change has. Returns the items that exist.

    With ``versions``, items with other versions are skipped.
    """
    documents = changes_document(changes)
    return await _stored(
        queries.update_items(
            connection, changes=documents, versions=versions, locations=actor.editable, **actor.signature
        )
    )


def changes_document(changes: Mapping[int, ItemFields]) -> str:
    """A JSON array with an object for each change: the item's id, and the fields to set."""
    fields = set(FIELDS)
    return json.dumps(
        [
            {"id": item_id, **change.model_dump(include=fields, exclude_unset=True)}
            for item_id, change in changes.items()
        ]
    )


async def adjust_item(
    connection: Connection, item_id: int, adjust: int, *, versions: Sequence[int] | None, actor: Actor
) -> StoredItem | None:
    """Add to the quantity and return the item; None if there is none, or the quantity would be out of range."""
    return _one(
        await queries.adjust_item(
            connection, id=item_id, adjust=adjust, versions=versions, locations=actor.editable, **actor.signature
        )
    )


async def delete_item(
    connection: Connection, item_id: int, *, versions: Sequence[int] | None, actor: Actor
) -> StoredItem | None:
    """Delete an item and return it; None if there is none with one of these versions."""
    return _one(
        await queries.delete_item(
            connection, id=item_id, versions=versions, locations=actor.editable, **actor.signature
        )
    )


async def restore_item(connection: Connection, item_id: int, *, actor: Actor) -> StoredItem | None:
    """Restore a deleted item and return it; None if it is not deleted, or no longer in the log.

    Raises LocationGoneError.
    """
    try:
        return _one(await queries.restore_item(connection, id=item_id, locations=actor.editable, **actor.signature))
    except asyncpg.ForeignKeyViolationError:
        raise LocationGoneError from None


def _one(row: Sequence[Any] | None) -> StoredItem | None:
    return None if row is None else StoredItem(*row)


async def _stored(rows: AsyncIterator[Sequence[Any]]) -> list[StoredItem]:
    return [StoredItem(*row) async for row in rows]
