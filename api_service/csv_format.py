"""The stock as CSV, read and written. Pure functions: a cell holds data, whatever a spreadsheet would make of it."""

from __future__ import annotations

import csv
import io
import itertools
import re
from typing import IO, TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from api_service.models import ImportRow, plain_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

COLUMNS = ("id", "name", "quantity", "version", "created_at", "updated_at")
REQUIRED = ("name", "quantity")
IGNORED = ("created_at", "updated_at")  # what the database fills in
DELIMITERS = ",;\t"  # a spreadsheet takes the one of its language
BYTE_ORDER_MARK = "\ufeff"

# What makes a spreadsheet take a cell for a formula, full width and all. An apostrophe before it says that it is text;
# one that stands there already gets another, so that what is exported can be imported again as it was.
_LOOKS_LIKE_A_FORMULA = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


class Fault(NamedTuple):
    """What is wrong, and where: ``line`` and ``column`` count from 1 (None: the whole line)."""

    line: int
    column: int | None
    field: str | None
    message: str


class Numbered(NamedTuple):
    """A row, and the line of the file that it begins on."""

    line: int
    row: ImportRow


def write_rows(items: Iterable[Mapping[str, object]]) -> str:
    """Lines of CSV, one for each item."""
    return _lines([item["id"], guard(str(item["name"])), *(item[name] for name in COLUMNS[2:])] for item in items)


def write_header() -> str:
    return _lines([COLUMNS])


def _lines(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def guard(cell: str) -> str:
    return f"'{cell}" if _LOOKS_LIKE_A_FORMULA.match(cell) else cell


def unguard(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _LOOKS_LIKE_A_FORMULA.match(cell) else cell


def read_rows(file: IO[bytes]) -> Iterator[Numbered | Fault]:
    """Each row of a CSV file with a header, or what is wrong with it; nothing follows what can't be read past."""
    lines = _decoded(file)
    try:
        first = next(lines, "").removeprefix(BYTE_ORDER_MARK)
        reader = csv.reader(itertools.chain([first], lines), delimiter=_delimiter(first), strict=True)
        header = [cell.strip().lower() for cell in next(reader, [])]
        if faults := list(_header_faults(header)):
            yield from faults
            return
        begin = reader.line_num + 1
        for cells in reader:
            if any(cells):
                yield from _read_row(header, cells, begin)
            begin = reader.line_num + 1
    except UnreadableError as error:
        yield Fault(error.line, None, None, "is not UTF-8")
    except csv.Error as error:
        yield Fault(reader.line_num, None, None, f"is not CSV: {error}")


class UnreadableError(Exception):
    """A line is not UTF-8."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def _decoded(file: IO[bytes]) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            raise UnreadableError(number) from None


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _header_faults(header: list[str]) -> Iterator[Fault]:
    for column, name in enumerate(header, start=1):
        if name not in COLUMNS:
            yield Fault(1, column, name or None, f"is no column of the stock: these are {', '.join(COLUMNS)}")
        elif name in header[: column - 1]:
            yield Fault(1, column, name, "is there twice")
    for name in REQUIRED:
        if name not in header:
            yield Fault(1, None, name, "is missing: the first line must name the columns, as in name,quantity")


def _read_row(header: list[str], cells: list[str], line: int) -> Iterator[Numbered | Fault]:
    if len(cells) < len(header) or any(cells[len(header) :]):
        yield Fault(line, None, None, f"has {len(cells)} cells where the header has {len(header)}")
        return
    given = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if name not in IGNORED}
    given["name"] = unguard(given["name"])
    optional = {name: cell for name, cell in given.items() if cell or name in REQUIRED}
    try:
        yield Numbered(line, ImportRow.model_validate(optional))
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            field = str(fault["loc"][0])
            yield Fault(line, header.index(field) + 1, field, plain_message(fault))
