"""Imports a CSV file: every row, or none."""

from __future__ import annotations

import asyncio
import itertools
from typing import IO, TYPE_CHECKING

from api_service.store import imports, items
from api_service.store.imports import CodeAt
from api_service.store.items import Addition
from api_service.transfers.csv_format import Fault, NumberedRow, read_rows
from api_service.transfers.places import PlaceError, read_places
from api_service.transfers.rows import ImportResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from api_service.store.imports import Comparison
    from api_service.store.items import Actor
    from api_service.transfers.places import Places
    from api_service.transfers.rows import ImportRow
    from shared.access.principals import Locations
    from shared.db.database import Connection

BATCH_ROWS = 1_000
MAX_FAULTS = 100


class RefusedImportError(Exception):
    """The file has errors, so nothing was changed. Has the first ``MAX_FAULTS`` of them, and their number."""

    def __init__(self, faults: list[Fault], count: int) -> None:
        super().__init__(f"{count} faults")
        self.faults = faults
        self.count = count


class TooManyRowsError(Exception):
    """The file has more rows than allowed for one transaction."""


class ImportUnderWayError(Exception):
    """Another import is running. Only one runs at a time."""


class Import:
    """One import, in the caller's transaction. The caller rolls it back if this raises."""

    def __init__(self, connection: Connection, max_rows: int, *, actor: Actor, visible: Locations) -> None:
        self._connection = connection
        self._actor = actor
        self._visible = visible
        self._places: Places
        self._max_rows = max_rows
        self._faults: list[Fault] = []
        self._fault_count = 0
        self._seen: set[int] = set()
        self._codes = _Codes()
        self._created = self._updated = self._unchanged = 0

    async def run(self, file: IO[bytes]) -> ImportResult:
        """Write every row. Raises RefusedImportError, TooManyRowsError, ImportUnderWayError."""
        if not await imports.begin_import(self._connection):
            raise ImportUnderWayError
        await imports.defer_codes(self._connection)
        return await self._process(file, self._write)

    async def check(self, file: IO[bytes]) -> ImportResult:
        """The result that run() would have. Writes and locks nothing. Raises RefusedImportError, TooManyRowsError."""
        return await self._process(file, self._compare)

    async def _process(self, file: IO[bytes], take: Callable[[list[NumberedRow]], Awaitable[None]]) -> ImportResult:
        self._places = await read_places(self._connection, self._visible, self._actor.editable)
        rows, count = read_rows(file), 0
        while batch := await asyncio.to_thread(_next_batch, rows):
            count += len(batch)
            if count > self._max_rows:
                raise TooManyRowsError
            for entry in batch:
                if isinstance(entry, Fault):
                    self._add_fault(entry)
            await take([entry for entry in batch if isinstance(entry, NumberedRow)])
        for fault in self._codes.taken():
            self._add_fault(fault)
        if self._fault_count:
            raise RefusedImportError(self._faults, self._fault_count)
        return ImportResult(created=self._created, updated=self._updated, unchanged=self._unchanged)

    async def _write(self, entries: list[NumberedRow]) -> None:
        ids = [entry.row.id for entry in entries if entry.row.id is not None]
        await items.lock_items(self._connection, ids, self._actor.editable)
        new, changed = await self._classify(entries)
        if not self._fault_count:  # otherwise the import will be rolled back, and only looks for more errors
            await items.insert_items(self._connection, new, actor=self._actor)
            await items.update_items(self._connection, changed, actor=self._actor)

    async def _compare(self, entries: list[NumberedRow]) -> None:
        await self._classify(entries)

    async def _classify(self, entries: list[NumberedRow]) -> tuple[list[Addition], dict[int, ImportRow]]:
        """The items to add, and the rows that change an item, by its id. Counts both, and notes errors."""
        known = [(entry.row.id, entry) for entry in entries if entry.row.id is not None]
        changes = {item_id: entry.row for item_id, entry in known}
        compared = await imports.compare_items(self._connection, changes, self._visible)
        located = [(entry, self._location(entry, compared)) for entry in entries]
        await self._note_codes([(entry, location) for entry, location in located if location is not None])
        new = [Addition(entry.row, location) for entry, location in located if entry.row.id is None]
        fitting = {item_id: entry.row for item_id, entry in known if self._may_update(entry, compared.get(item_id))}
        changed = {item_id: row for item_id, row in fitting.items() if compared[item_id].is_changed}
        self._created += len(new)
        self._updated += len(changed)
        self._unchanged += len(fitting) - len(changed)
        return new, changed

    def _location(self, entry: NumberedRow, compared: Mapping[int, Comparison]) -> int | None:
        """The location of a row's item. None if it is unknown: of a new item, after noting the error."""
        if entry.row.id is not None:
            item = compared.get(entry.row.id)
            return None if item is None else item.location
        try:
            return self._places.of_new_item(entry.row.location)
        except PlaceError as error:
            self._add_fault(Fault(entry.line, None, "location", str(error)))
            return None

    async def _note_codes(self, located: list[tuple[NumberedRow, int]]) -> None:
        codes = [entry.row.code for entry, _ in located if entry.row.code is not None]
        owners = await imports.select_items_with_codes(self._connection, codes, self._visible) if codes else {}
        for entry, location in located:
            if fault := self._codes.note(entry, location, owners):
                self._add_fault(fault)

    def _may_update(self, entry: NumberedRow, item: Comparison | None) -> bool:
        """Whether a row may change the item with its id. If not, notes the error."""
        item_id = entry.row.id or 0
        is_repeated = item_id in self._seen
        self._seen.add(item_id)
        if is_repeated:
            self._add_fault(Fault(entry.line, None, "id", f"item {item_id} is in the file twice"))
        elif item is None:
            self._add_fault(Fault(entry.line, None, "id", f"there is no item {item_id}"))
        elif entry.row.version not in {None, item.version}:
            self._add_fault(Fault(entry.line, None, "version", f"item {item_id} is at version {item.version} now"))
        elif refusal := self._places.refusal(item_id, item.location, entry.row.location):
            self._add_fault(Fault(entry.line, None, *refusal))
        else:
            return True
        return False

    def _add_fault(self, fault: Fault) -> None:
        self._fault_count += 1
        if len(self._faults) < MAX_FAULTS:
            self._faults.append(fault)


class _Codes:
    """The codes in a file. After the import, each must belong to only one item at its location."""

    def __init__(self) -> None:
        self._seen: set[CodeAt] = set()
        self._given: dict[int, str | None] = {}  # by item
        # Line, code, and the id of the item that has the code before the import.
        self._claims: list[tuple[int, str, int]] = []

    def note(self, entry: NumberedRow, location: int, owners: Mapping[CodeAt, int]) -> Fault | None:
        """Note the code of a row. Returns an error for a duplicate. ``owners`` are the ids of current items by code."""
        item_id, code = entry.row.id, entry.row.code
        if item_id is not None and "code" in entry.row.model_fields_set:
            self._given[item_id] = code
        if code is None:
            return None
        key = CodeAt(location, code)
        if key in self._seen:
            return Fault(entry.line, None, "code", f'"{code}" is in the file twice')
        self._seen.add(key)
        if owners.get(key, item_id) != item_id:
            self._claims.append((entry.line, code, owners[key]))
        return None

    def taken(self) -> Iterator[Fault]:
        """Errors for codes that still belong to other items. Call it after the last row."""
        for line, code, owner in self._claims:
            if self._given.get(owner, code) == code:
                yield Fault(line, None, "code", f'"{code}" is the code of item {owner} already')


def _next_batch(rows: Iterator[NumberedRow | Fault]) -> list[NumberedRow | Fault]:
    return list(itertools.islice(rows, BATCH_ROWS))
