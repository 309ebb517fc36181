"""Reads a table from an Excel workbook (.xlsx): the first visible sheet that has cells, as the spreadsheet shows it."""

from __future__ import annotations

import datetime
import re
import zipfile
from typing import IO, TYPE_CHECKING, Any

import openpyxl
from openpyxl.xml import DEFUSEDXML

from api_service.transfers.table import MAX_COLUMNS, TableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

ZIP = b"PK\x03\x04"
COMPOUND = b"\xd0\xcf\x11\xe0"  # of old Office files, and of workbooks with a password
MAX_UNPACKED_BYTES = 128 * 2**20
MAX_PARTS = 2_000
EXCEL_DIGITS = 15  # that a spreadsheet shows of a number

_PASSWORD_STREAM = "EncryptedPackage".encode("utf-16-le")
_ENCRYPTED = 0x1  # a flag of a part of a zip file
_WORKBOOK = "xl/workbook.xml"
_LEADING_ZEROS = re.compile(r"0{2,20}")  # a number format that shows a number with at least so many digits

UNREADABLE = (
    "The workbook is damaged. Open it in the spreadsheet program, save it again as .xlsx, and choose that file."
)
HAS_PASSWORD = "The workbook has a password. Save it without one, and choose that file."  # noqa: S105
OTHER_KINDS = {
    "xl/workbook.bin": "This is an .xlsb workbook. Save it as .xlsx or as CSV, and choose that file.",
    "content.xml": "This is an OpenDocument file. Save it as .xlsx or as CSV, and choose that file.",
    "Index/Document.iwa": "This is a Numbers document. Export it as Excel or CSV, and choose that file.",
}
NO_WORKBOOK = "This file has no workbook in it. Save the table as .xlsx or as CSV, and choose that file."
OLD_WORKBOOK = "This is an old .xls workbook. Save it as .xlsx or as CSV, and choose that file."
TOO_LARGE = "The workbook is too large when unpacked. Save the sheet as CSV, and choose that file."

assert DEFUSEDXML, "openpyxl must find defusedxml, which refuses entities"  # noqa: S101 - before any file is read


def is_workbook(head: bytes) -> bool:
    """Whether a file that begins so is a workbook, of any kind."""
    return head.startswith((ZIP, COMPOUND))


def read_workbook_rows(file: IO[bytes]) -> Iterator[list[str]]:
    """The rows of a workbook. Raises TableError."""
    _check_kind(file)
    try:
        yield from _first_rows(openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False))
    except (TableError, MemoryError):
        raise
    except Exception:  # a damaged file makes the library raise anything
        raise TableError("unreadable", UNREADABLE) from None


def _check_kind(file: IO[bytes]) -> None:
    """Refuse what is no .xlsx, and what unpacks to too much. Nothing is unpacked yet. Raises TableError."""
    data = file.read()
    file.seek(0)
    if data.startswith(COMPOUND):
        has_password = _PASSWORD_STREAM in data
        raise TableError(*(("unreadable", HAS_PASSWORD) if has_password else ("unsupported", OLD_WORKBOOK)))
    try:
        parts = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise TableError("unreadable", UNREADABLE) from None
    names = {part.filename for part in parts}
    if _WORKBOOK not in names:
        raise TableError("unsupported", next((OTHER_KINDS[name] for name in OTHER_KINDS if name in names), NO_WORKBOOK))
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise TableError("unreadable", HAS_PASSWORD)
    # A part is never read beyond the size that the directory gives.
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise TableError("too_large", TOO_LARGE)
    file.seek(0)


def _first_rows(workbook: Any) -> Iterator[list[str]]:
    """The rows of the first visible sheet that has cells, with empty ones."""
    for sheet in workbook.worksheets:
        if sheet.sheet_state != "visible":
            continue
        rows = _read_sheet(sheet)
        for row in rows:
            yield row
            if any(row):
                yield from rows
                return


def _read_sheet(sheet: ReadOnlyWorksheet) -> Iterator[list[str]]:
    sheet.reset_dimensions()  # otherwise each row is as wide as the file says
    for cells in sheet.iter_rows():
        yield [_shown(cell) for cell in _without_end(cells)]


def _without_end(cells: Iterable[Any]) -> list[Any]:
    """The cells up to the last with a value. A row that is too long is cut, but not so far that it is accepted."""
    found = list(cells)
    while found and found[-1].value is None:
        found.pop()
    return found if len(found) <= MAX_COLUMNS else [*found[:MAX_COLUMNS], found[-1]]


def _shown(cell: Any) -> str:
    """The text of a cell: numbers with as many digits as a spreadsheet shows, dates as ISO 8601."""
    match cell.value:
        case None:
            return ""
        case bool() as value:
            return str(value).upper()
        case int() | float() as value:
            return _number(value, cell.number_format)
        case datetime.datetime() as value:
            return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(sep=" ")
        case datetime.date() | datetime.time() as value:
            return value.isoformat()
        case value:
            return str(value)


def _number(value: float, number_format: str) -> str:
    is_whole = isinstance(value, int) or value.is_integer()
    if is_whole:
        digits = str(int(value))
        return digits.zfill(len(number_format)) if _LEADING_ZEROS.fullmatch(number_format) else digits
    return format(value, f".{EXCEL_DIGITS}g")
