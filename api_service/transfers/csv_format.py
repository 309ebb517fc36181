"""Reads and writes the stock as CSV. A cell is data, even if a spreadsheet would take it for a formula."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
import string
from typing import IO, TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from api_service.transfers.csv_text import UnreadableError, read_lines, refuse_null_characters
from api_service.transfers.rows import ChangeRow, ImportRow
from api_service.validation import plain_message
from shared.log.fields import FIELDS, REQUIRED_FIELDS, TEXT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

COLUMNS = ("id", *FIELDS, "location", "version", "created_at", "updated_at")
HISTORY_COLUMNS = (
    *("event_id", "changed_at", "operation", "item_id", "name", "code", "location", "from", "to", "difference"),
    *("reason", "note", "movement", "actor", "on_behalf_of"),
)
LOW_COLUMNS = ("code", "name", "location", "quantity", "minimum", "missing", "unit", "id")
TEXT_COLUMNS = TEXT_FIELDS | {"location"}
IGNORED = ("created_at", "updated_at")  # which the database fills in
NOT_READ = (*IGNORED, "")  # a column without a name must be empty
DELIMITERS = ",;\t"  # which of them a spreadsheet uses depends on its language
BYTE_ORDER_MARK = "\ufeff"
MAX_TITLE_LINES = 5  # above the header
LOOK_AHEAD_LINES = 20  # searched for the header, after leading blank lines
SHOWN_CHARACTERS = 40  # of a value in an error message

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # except tabs and line breaks

# A first line that tells Excel the delimiter.
_SEPARATOR = re.compile(r"(?:sep=([^\"\r\n\0])|\"sep=([^\"\r\n\0])\")[ \t]*", re.IGNORECASE)

# Text that spreadsheets take for a formula, also in full width. An apostrophe before it marks it as text. Text that has
# apostrophes there already gets one more, so that an import restores the original.
_LOOKS_LIKE_A_FORMULA = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


class Fault(NamedTuple):
    """An error in a file. ``line`` and ``column`` are counted from 1 (None: the whole line)."""

    line: int
    column: int | None
    field: str | None
    message: str


class NumberedRow(NamedTuple):
    """A row, and the first line of the file that it is on."""

    line: int
    row: ImportRow


def write_rows(rows: Iterable[Mapping[str, object]], columns: Sequence[str] = COLUMNS) -> str:
    """Lines of CSV, one for each row."""
    return _lines([_write_cell(row.get(name)) for name in columns] for row in rows)


def write_header(columns: Sequence[str] = COLUMNS) -> str:
    return _lines([columns])


def _lines(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _write_cell(value: object) -> object:
    return escape_formula(value) if isinstance(value, str) else value


def escape_formula(cell: str) -> str:
    return f"'{cell}" if _LOOKS_LIKE_A_FORMULA.match(cell) else cell


def unescape_formula(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _LOOKS_LIKE_A_FORMULA.match(cell) else cell


class _Header(NamedTuple):
    """The names of the columns ("" if there is none), and the lines of the file that they are on."""

    line: int
    end: int
    names: list[str]
    delimiter: str


class _FileStart(NamedTuple):
    """The first lines of a file after leading blank lines, the number of the first line, and the delimiters to try."""

    line: int
    lines: list[str]
    delimiters: str


class _MalformedError(Exception):
    """The file is not valid CSV."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(line, None, None, message)


def read_rows(file: IO[bytes]) -> Iterator[NumberedRow | Fault]:
    """The rows of a CSV file with a header, and the errors. Ends at an error that makes the rest unreadable."""
    lines = read_lines(file)
    try:
        start = _read_start(lines)
        header = _find_header(start)
        fault = None
        for fault in _header_faults(header):
            yield fault
        if fault is None:
            rest = itertools.chain(start.lines[header.end - start.line + 1 :], lines)
            yield from _read_rows(header, rest)
    except UnreadableError as error:
        yield Fault(error.line, None, None, error.message)
    except _MalformedError as error:
        yield error.fault


def _read_start(lines: Iterator[str]) -> _FileStart:
    """Read the first lines: the header is among them."""
    first = next(lines, "").removeprefix(BYTE_ORDER_MARK)
    if separator := _SEPARATOR.fullmatch(first.rstrip("\r\n")):
        line, delimiters = 2, separator[1] or separator[2]
    else:
        line, delimiters, lines = 1, DELIMITERS, itertools.chain([first], lines)
    blank = string.whitespace + BYTE_ORDER_MARK + delimiters
    for text in lines:
        if text.strip(blank):
            ahead = [text, *itertools.islice(lines, LOOK_AHEAD_LINES - 1)]
            return _FileStart(line, ahead, delimiters)
        line += 1
    return _FileStart(1, [], delimiters)


def _find_header(start: _FileStart) -> _Header:
    """The header, with the delimiter that gives the required columns; else the line that comes closest."""
    headers, errors = [], []
    for delimiter in start.delimiters:
        try:
            headers.append(_first_row(start, delimiter))
        except _MalformedError as error:
            errors.append(error)
    header = max(headers, key=_header_score, default=None)
    if header is not None and not _missing_columns(header):
        refuse_null_characters(start.lines[: header.line - start.line], start.line)
        return header
    refuse_null_characters(start.lines, start.line)
    if header is None:
        raise errors[0]
    return header


def _missing_columns(header: _Header) -> list[str]:
    """The columns that are needed and missing. A file with ids may have changes only, of any fields."""
    return [] if "id" in header.names else [name for name in REQUIRED_FIELDS if name not in header.names]


def _header_score(header: _Header) -> tuple[int, int, int]:
    """A sort key that is largest for the best header: required columns count most, then an early line."""
    return (
        sum(name in header.names for name in REQUIRED_FIELDS),
        -header.line,
        sum(name in COLUMNS for name in header.names),
    )


def _first_row(start: _FileStart, delimiter: str) -> _Header:
    """The first line after the titles; the first title if there is none."""
    lines = [line.removeprefix(BYTE_ORDER_MARK) for line in start.lines]
    titles: list[_Header] = []
    for line, end, cells in _records(iter(lines), delimiter, start.line):
        row = _Header(line, end, [cell.strip().lower() for cell in cells], delimiter)
        filled = sum(map(bool, row.names))
        if filled > 1:
            return row
        if filled:
            titles.append(row)
            if len(titles) > MAX_TITLE_LINES or _may_be_data(lines[line - start.line : end - start.line + 1]):
                break
    return titles[0] if titles else _Header(1, 1, [], delimiter)


def _may_be_data(lines: list[str]) -> bool:
    """Whether the lines could be a row with a quantity, which must not be skipped as a title."""
    for delimiter in DELIMITERS:
        with contextlib.suppress(_MalformedError):
            for _, _, row in _records(iter(lines), delimiter, 1):
                cells = [cell.strip() for cell in row if cell.strip()]
                if len(cells) > 1 and any(cell.isdecimal() for cell in cells):
                    return True
    return False


def _header_faults(header: _Header) -> Iterator[Fault]:
    seen: set[str] = set()
    is_header = any(name in COLUMNS for name in header.names)  # otherwise it is a row of data, or a title
    for column, name in enumerate(header.names, start=1):
        if name in seen:
            yield Fault(header.line, column, name, "appears twice")
        elif name in COLUMNS:
            seen.add(name)
        elif name and is_header:
            message = f"is not a column of the stock. Its columns are {', '.join(COLUMNS)}"
            yield Fault(header.line, column, _for_display(name), message)
    for name in _missing_columns(header):
        example = _for_display(header.delimiter.join(REQUIRED_FIELDS))
        message = f"is missing: the first line must name the columns, as in {example}"
        yield Fault(header.line, None, name, message)


def _records(lines: Iterator[str], delimiter: str, first: int) -> Iterator[tuple[int, int, list[str]]]:
    """The cells of each row, with its first and last line. Raises _MalformedError."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begin, before = first, first - 1
    try:
        for cells in reader:
            end = before + reader.line_num
            yield begin, end, cells
            begin = end + 1
    except csv.Error as error:
        raise _malformed(error, begin, before + reader.line_num) from None


def _malformed(error: csv.Error, begin: int, end: int) -> _MalformedError:
    """The error with a clearer message. csv.Error has no code, so its text identifies it."""
    match str(error):
        case text if "expected after" in text:
            return _MalformedError(end, "has text after a closing quote; a quote in a quoted cell is written twice")
        case "unexpected end of data":
            return _MalformedError(begin, "has a quote that is never closed")
        case text if "field limit" in text:
            limit = csv.field_size_limit()
            return _MalformedError(
                begin, f"has a cell of more than {limit} characters, or a quote that is never closed"
            )
    return _MalformedError(end, "can't be read as CSV")


def _read_rows(header: _Header, lines: Iterator[str]) -> Iterator[NumberedRow | Fault]:
    names, width = header.names, 0 if "" in header.names else len(header.names)
    for line, _, cells in _records(lines, header.delimiter, header.end + 1):
        text = "".join(cells)
        if not text or text.isspace():
            continue
        has_more = len(cells) > width or not text.isprintable()
        if has_more and (fault := _fault_outside_fields(names, cells, line)):
            yield fault
        else:
            yield from _read_row(names, cells, line)


def _fault_outside_fields(names: list[str], cells: list[str], line: int) -> Fault | None:
    """The first error in the cells of columns that are not fields."""
    for column, (name, cell) in enumerate(itertools.zip_longest(names, cells, fillvalue=""), start=1):
        if not name and cell.strip():
            return Fault(line, column, None, _with_value("has a value in a column without a name", cell))
        if name in IGNORED and _CONTROL.search(cell):
            return Fault(line, column, name, _with_value("must not contain control characters", cell))
    return None


def _read_row(names: list[str], cells: list[str], line: int) -> Iterator[NumberedRow | Fault]:
    """The row, or its errors. Cells at its end may be missing."""
    given = {
        name: text
        for name, cell in zip(names, cells, strict=False)
        if name not in NOT_READ and ((text := cell.strip()) or name in FIELDS)
    }
    for name in TEXT_COLUMNS & given.keys():
        given[name] = unescape_formula(given[name])
    if "id" in given:
        given |= {name: "" for name in REQUIRED_FIELDS if name in names and name not in given}  # a row that is cut off
    try:
        row = (ChangeRow if "id" in given else ImportRow).model_validate(given)
        yield NumberedRow(line, row)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            field = str(fault["loc"][0])
            column = names.index(field) + 1 if field in names else None
            yield Fault(line, column, field, _with_value(plain_message(fault), given.get(field)))


def _with_value(message: str, value: str | None) -> str:
    if value is None:
        return message
    if not value:
        return "is empty"
    return (
        f'{message}, not "{_for_display(value)}"'
        if message.startswith("must be")
        else f'{message}: "{_for_display(value)}"'
    )


def _for_display(value: str) -> str:
    """The value for a message: shortened, and with invisible characters escaped."""
    short = value if len(value) <= SHOWN_CHARACTERS else f"{value[: SHOWN_CHARACTERS - 1]}…"
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in short)
