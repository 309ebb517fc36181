"""Reads a table from a CSV file, as Excel, LibreOffice and others write it."""

from __future__ import annotations

import csv
import io
import itertools
from typing import TYPE_CHECKING

from api_service.transfers.csv_text import UnreadableError, decode
from api_service.transfers.table import SAMPLE_ROWS, TableError, find_header

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIMITERS = ",;\t"
SEPARATOR_LINE = "sep="  # begins a first line that tells Excel the delimiter
END_OF_FILE = "\x1a"


def read_csv_rows(data: bytes) -> Iterator[list[str]]:
    """The rows of a CSV file. Raises TableError."""
    try:
        text = decode(data).rstrip(END_OF_FILE)
    except UnreadableError as error:
        raise TableError("unsupported", error.message) from None
    delimiter, text = _take_separator(text)
    yield from _records(text, delimiter or _guess_delimiter(text))


def _take_separator(text: str) -> tuple[str | None, str]:
    """The delimiter that a first line like `sep=;` names, and the text without this line."""
    line = text[:20].splitlines()[0] if text else ""
    named = line.strip('" ')
    if named[: len(SEPARATOR_LINE)].lower() == SEPARATOR_LINE and len(named) == len(SEPARATOR_LINE) + 1:
        return named[-1], text[len(line) :].lstrip("\r\n")
    return None, text


def _guess_delimiter(text: str) -> str:
    """The delimiter that gives the most rows as wide as their header; of two such ones, the wider rows."""
    return max(DELIMITERS, key=lambda delimiter: _evenness(text, delimiter))


def _evenness(text: str, delimiter: str) -> tuple[int, int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [row for row in itertools.islice(reader, SAMPLE_ROWS) if any(row)]
    except csv.Error:
        return 0, 0
    header = find_header(rows)
    width = 0 if header is None else len(rows[header])
    return (sum(len(row) == width for row in rows), width) if width > 1 else (0, 0)


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    """The cells of each row. Raises TableError with the number of the row that can't be read."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for cells in reader:
            number += 1
            yield cells
    except csv.Error as error:
        raise TableError("unreadable", f"Row {number + 1} {_reason(error)}") from None


def _reason(error: csv.Error) -> str:
    """Why a row can't be read. csv.Error has no code, so its text identifies it."""
    match str(error):
        case text if "expected after" in text:
            return "has text after a closing quote. Write a quote in a quoted cell twice."
        case "unexpected end of data":
            return "has a quote that is never closed. Close it, or delete it."
        case text if "field limit" in text:
            return "has a very long cell, or a quote that is never closed. Close it, or delete it."
    return "can't be read as CSV. Save the file again, as CSV UTF-8 or as .xlsx."
