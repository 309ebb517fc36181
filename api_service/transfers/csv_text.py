"""Decodes CSV files.

``read_lines`` is strict, for files that are imported as they are: UTF-8 with or without a byte order mark, or UTF-16
with one. ``decode`` also guesses UTF-16 without a mark and Windows-1252, for files that a person checks before.
"""

from __future__ import annotations

import codecs
import io
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
WORKBOOKS = {b"PK\x03\x04": ".xlsx or .ods", b"\xd0\xcf\x11\xe0": ".xls"}
MAX_LINE_LENGTH = 1_000_000  # characters; real rows are much shorter, and a row of 16 MB would take much memory
END_OF_FILE = "\x1a"  # Ctrl-Z, which some programs still write at the end

# Invalid bytes are decoded as surrogates, which valid text never has, so that their line can be reported.
_ERRORS = {"utf-8": "surrogateescape", "utf-16-le": "surrogatepass", "utf-16-be": "surrogatepass"}

MAX_ODD_SHARE = 0.2  # of the high bytes of UTF-16 that may be other than NUL: a file with delimiters has fewer
TEXT_CONTROLS = "\t\n\x0b\x0c\r\x1a"

NOT_A_TABLE = (
    "This is neither a CSV file nor an Excel workbook. Save the table as .xlsx or as CSV, and choose that file."
)
_WHAT_TO_DO = 'save the file as "CSV UTF-8" and import that'


class UnreadableError(Exception):
    """The file can't be read beyond this line. The message says why and what to do."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def read_lines(file: IO[bytes]) -> Iterator[str]:
    """Lines with their ends: LF, CRLF or CR. Raises UnreadableError."""
    encoding = _read_mark(file)
    text = io.TextIOWrapper(file, encoding, _ERRORS[encoding], newline="")
    before = 0
    try:
        for line in text:
            if not line.isascii():
                line.encode()
            if len(line) > MAX_LINE_LENGTH:
                raise UnreadableError(before + 1, f"has more than {MAX_LINE_LENGTH} characters")
            yield line.rstrip(END_OF_FILE) if line.endswith(END_OF_FILE) else line
            before += 1
    except UnicodeError:  # a surrogate, or half a character at the end of UTF-16
        raise UnreadableError(before + 1, _wrong_encoding(encoding)) from None
    finally:
        if not file.closed:
            text.detach()  # otherwise this would close the file


def refuse_null_characters(lines: list[str], first: int) -> None:
    """Raise UnreadableError for NUL characters, which UTF-16 and UTF-32 without a byte order mark contain."""
    for number, line in enumerate(lines, start=first):
        if "\0" in line:
            raise UnreadableError(number, f"has NUL characters, so the file is not UTF-8: {_WHAT_TO_DO}")


def _read_mark(file: IO[bytes]) -> str:
    """Detect the encoding, and skip a byte order mark. Raises UnreadableError for a workbook."""
    begin = file.tell()
    head = file.read(4)
    if kind := WORKBOOKS.get(head):
        raise UnreadableError(1, f"is not CSV but the beginning of a workbook ({kind}): {_WHAT_TO_DO}")
    mark = next((mark for mark in MARKS if head.startswith(mark)), b"")
    file.seek(begin + len(mark))
    return MARKS.get(mark, "utf-8")


def _wrong_encoding(encoding: str) -> str:
    return f"is not valid {'UTF-8' if encoding == 'utf-8' else 'UTF-16'}: {_WHAT_TO_DO}"


def decode(data: bytes) -> str:
    """The text of a file: UTF-8, UTF-16 or Windows-1252, without a byte order mark. Raises UnreadableError."""
    mark = next((mark for mark in MARKS if data.startswith(mark)), b"")
    encodings = [MARKS[mark]] if mark else ["utf-8", "cp1252"]
    if not mark and (unmarked := _unmarked_utf_16(data)):
        encodings = [unmarked]
    for encoding in encodings:
        try:
            text = data[len(mark) :].decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and (encoding != "cp1252" or _is_text(text)):
            return text
    raise UnreadableError(1, NOT_A_TABLE)


def _unmarked_utf_16(data: bytes) -> str | None:
    """The byte order of UTF-16 without a mark, in which every other byte is mostly NUL."""
    sample = data[:4_000]
    for encoding, high in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        other = sample[::2] if encoding == "utf-16-le" else sample[1::2]
        if high and len(data) % 2 == 0 and 0 not in other and 1 - high.count(0) / len(high) <= MAX_ODD_SHARE:
            return encoding
    return None


def _is_text(text: str) -> bool:
    """Whether a text that Windows-1252 gives has no control characters, as other kinds of files have."""
    return all(character >= " " or character in TEXT_CONTROLS for character in text)
