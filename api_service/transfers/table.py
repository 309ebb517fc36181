"""A table of any columns, as a CSV file or a workbook has it: its header, and its rows as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_COLUMNS = 100
MAX_CELL_CHARACTERS = 32_767  # as in a spreadsheet
MAX_TITLE_ROWS = 10  # above the header
SAMPLE_ROWS = 30  # that are looked at to find the header
HEADER_SHARE = 0.6  # of the cells of the fullest row of the sample: a title has fewer

EMPTY = "The file is empty. Choose a file with a row of column names, and rows below it."

Kind = Literal["unsupported", "too_large", "unreadable"]


class TableError(Exception):
    """The file can't be read as a table. The message says why, and what to do."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message


class Table(NamedTuple):
    """A header and its rows; ``first_line`` is the number of the first row, as a spreadsheet counts them.

    An empty row is an empty list, so that rows keep their numbers. Cells at the end of a row may be missing.
    ``decimal`` is the decimal separator of numbers, if it is known.
    """

    columns: list[str]
    rows: list[list[str]]
    first_line: int
    decimal: Literal["."] | None = None


def build_table(found: Iterable[list[str]], max_rows: int, decimal: Literal["."] | None = None) -> Table:
    """The table in these rows, which may have titles above it. Raises TableError."""
    rows = _bounded(found, max_rows)
    header = find_header(rows)
    if header is None:
        raise TableError("unreadable", EMPTY)
    columns = [cell.strip() for cell in rows[header]]
    return Table(columns, rows[header + 1 :], header + 2, decimal)


def find_header(rows: Sequence[Sequence[str]]) -> int | None:
    """The index of the row with the names of the columns: the first that has about as many cells as the fullest."""
    counts = [sum(1 for cell in row if cell.strip()) for row in rows[: MAX_TITLE_ROWS + SAMPLE_ROWS]]
    fullest = max(counts, default=0)
    if fullest == 0:
        return next((number for number, row in enumerate(rows) if row), None)
    titles = 0
    for number, count in enumerate(counts):
        if count and (count >= fullest * HEADER_SHARE or titles == MAX_TITLE_ROWS):
            return number
        titles += count > 0
    return None


def _bounded(found: Iterable[list[str]], max_rows: int) -> list[list[str]]:
    """The rows, without empty cells and rows at their ends. Raises TableError if there are too many."""
    rows: list[list[str]] = []
    empty = 0
    for cells in found:
        while cells and not cells[-1].strip():
            cells.pop()
        if not cells:
            empty += 1
            continue
        if len(rows) + empty > max_rows + MAX_TITLE_ROWS:
            raise TableError("too_large", f"The file has more than {max_rows:,} rows. Split it, and import the parts.")
        _check_size(cells, len(rows) + empty + 1)
        rows.extend([] for _ in range(empty))
        rows.append(cells)
        empty = 0
    return rows


def _check_size(cells: list[str], line: int) -> None:
    if len(cells) > MAX_COLUMNS:
        raise TableError(
            "too_large", f"Row {line} has more than {MAX_COLUMNS} columns. Delete the columns that are not needed."
        )
    if any(len(cell) > MAX_CELL_CHARACTERS for cell in cells):
        raise TableError(
            "too_large", f"Row {line} has a cell of more than {MAX_CELL_CHARACTERS:,} characters. Shorten it."
        )
