"""An import: every row of a CSV file, or none of them."""

from __future__ import annotations

import asyncio
import itertools
from typing import IO, TYPE_CHECKING

from api_service.csv_format import Fault, Numbered, read_rows
from api_service.models import ImportResult
from api_service.store import imports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.database import Connection

BATCH_ROWS = 1_000
FAULTS_TOLD = 100


class RefusedImportError(Exception):
    """The file has faults and nothing was changed: the first of them, and how many there are."""

    def __init__(self, faults: list[Fault], count: int) -> None:
        super().__init__(f"{count} faults")
        self.faults = faults
        self.count = count


class TooManyRowsError(Exception):
    """The file has more rows than one transaction should have."""


class Import:
    """One run over a file, in a transaction of the caller's, which is to be rolled back if this raises."""

    def __init__(self, connection: Connection, most_rows: int) -> None:
        self._connection = connection
        self._most_rows = most_rows
        self._faults: list[Fault] = []
        self._fault_count = 0
        self._seen: set[int] = set()
        self._created = self._updated = self._unchanged = 0

    async def run(self, file: IO[bytes], *, actor: str | None) -> ImportResult:
        """Write every row. Raises RefusedImportError, TooManyRowsError."""
        await imports.begin_import(self._connection, actor=actor)
        rows, count = read_rows(file), 0
        while batch := await asyncio.to_thread(_next_batch, rows):
            count += len(batch)
            if count > self._most_rows:
                raise TooManyRowsError
            for entry in batch:
                if isinstance(entry, Fault):
                    self._complain(entry)
            await self._write([entry for entry in batch if isinstance(entry, Numbered)])
        if self._fault_count:
            raise RefusedImportError(self._faults, self._fault_count)
        return ImportResult(created=self._created, updated=self._updated, unchanged=self._unchanged)

    async def _write(self, entries: list[Numbered]) -> None:
        new = [entry.row for entry in entries if entry.row.id is None]
        known = await self._checked([entry for entry in entries if entry.row.id is not None])
        if self._fault_count:
            return  # it will come to nothing, so only the rest of the faults is of interest
        await imports.insert_items(self._connection, new)
        after = await imports.update_items(self._connection, [entry.row for entry, _ in known])
        changed = sum(after[entry.row.id or 0] != before for entry, before in known)
        self._created += len(new)
        self._updated += changed
        self._unchanged += len(known) - changed

    async def _checked(self, entries: list[Numbered]) -> list[tuple[Numbered, int]]:
        """Rows that mean an item, each with its version now; what does not fit is a fault."""
        versions = await imports.lock_items(self._connection, [entry.row.id or 0 for entry in entries])
        fitting = []
        for entry in entries:
            item_id, version = entry.row.id or 0, versions.get(entry.row.id or 0)
            if item_id in self._seen:
                self._complain(Fault(entry.line, None, "id", f"item {item_id} is in the file twice"))
            elif version is None:
                self._complain(Fault(entry.line, None, "id", f"there is no item {item_id}"))
            elif entry.row.version not in {None, version}:
                self._complain(Fault(entry.line, None, "version", f"item {item_id} is at version {version} now"))
            else:
                fitting.append((entry, version))
            self._seen.add(item_id)
        return fitting

    def _complain(self, fault: Fault) -> None:
        self._fault_count += 1
        if len(self._faults) < FAULTS_TOLD:
            self._faults.append(fault)


def _next_batch(rows: Iterator[Numbered | Fault]) -> list[Numbered | Fault]:
    return list(itertools.islice(rows, BATCH_ROWS))
