"""Tables of any columns, as CSV files and workbooks have them, and files that are made to do harm."""

from __future__ import annotations

import codecs
import datetime
import io
import tempfile
import zipfile

import openpyxl
import pytest

from api_service.transfers import table_process, workbook
from api_service.transfers.table import MAX_CELL_CHARACTERS, MAX_COLUMNS, Table, TableError
from api_service.transfers.table_process import parse_table, read_table

MAX_ROWS = 1_000
TEXT = "Bezeichnung;Menge\r\nÖse 3½ €;1.234,5\r\n"
READ = Table(["Bezeichnung", "Menge"], [["Öse 3½ €", "1.234,5"]], 2)


def parse(data: bytes | str) -> Table:
    return parse_table(io.BytesIO(data.encode() if isinstance(data, str) else data), MAX_ROWS)


def refusal(data: bytes | str) -> TableError:
    with pytest.raises(TableError) as refused:
        parse(data)
    return refused.value


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def book_of(*rows: list[object], number_format: str = "General") -> bytes:
    book = openpyxl.Workbook()
    for number, row in enumerate(rows, start=1):
        book.active.append(row)
        for cell in book.active[number]:
            cell.number_format = number_format if isinstance(cell.value, int) else cell.number_format
    return saved(book)


def changed(data: bytes, **parts: str) -> bytes:
    """A workbook with other contents in some of its parts, which are named by the last part of their paths."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            stem = name.rpartition("/")[2].partition(".")[0]
            new.writestr(name, parts.get(stem, old.read(name)))
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("cp1252"),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        ("sep=;\r\n" + TEXT).encode("cp1252"),
        TEXT.replace(";", "\t").encode(),
        TEXT.replace(";", ",").replace("1.234,5", '"1.234,5"').encode(),
        TEXT.replace("\r\n", "\r").encode(),
        TEXT.encode() + b"\x1a",
    ],
    ids=[
        *("utf-8", "utf-8 with a mark", "windows-1252", "utf-16-le", "utf-16-be", "unmarked le", "unmarked be"),
        *("sep", "tab", "comma", "cr", "end of file"),
    ],
)
def test_a_csv_file_is_read_in_the_encoding_and_with_the_delimiter_that_it_has(data: bytes) -> None:
    assert parse(data) == READ


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("name,qty\nbolt,1\n\nnut,2\n\n\n", Table(["name", "qty"], [["bolt", "1"], [], ["nut", "2"]], 2)),
        ("Stock\n\nname,qty\nbolt,1\n", Table(["name", "qty"], [["bolt", "1"]], 4)),
        ("Stock,2026,,\na,b,c,d\n1,2,3,4\n", Table(["a", "b", "c", "d"], [["1", "2", "3", "4"]], 3)),
        ("Stock, north\nname;qty\nbolt;1,5\nnut;2\n", Table(["name", "qty"], [["bolt", "1,5"], ["nut", "2"]], 3)),
        ("name;qty\nA, b;1,5\nC, d;2,5\n", Table(["name", "qty"], [["A, b", "1,5"], ["C, d", "2,5"]], 2)),
        ("name\nbolt\nnut\n", Table(["name"], [["bolt"], ["nut"]], 2)),
        ('name,qty\n"two\nlines",1\nnut,2\n', Table(["name", "qty"], [["two\nlines", "1"], ["nut", "2"]], 2)),
        (" name ,qty,\nbolt,1,,\n", Table(["name", "qty"], [["bolt", "1"]], 2)),
        ("name,qty\n", Table(["name", "qty"], [], 2)),
        ("name,,qty\nbolt,,1\nnut\n", Table(["name", "", "qty"], [["bolt", "", "1"], ["nut"]], 2)),
    ],
)
def test_the_header_is_found_and_rows_keep_their_numbers(text: str, table: Table) -> None:
    assert parse(text) == table


def test_a_workbook_is_read_as_the_spreadsheet_shows_it() -> None:
    day = datetime.datetime(2026, 11, 26)
    table = parse(
        book_of(
            ["Article", "Qty", "Day", "Moment", "Yes"],
            ["Öse", 12.0, day, day.replace(hour=9, minute=30), True],
            ["0017", 0.1 + 0.2, day.date(), None, False],
            [4006381333931, 1e15, None, None, None],
        )
    )
    assert table == Table(
        ["Article", "Qty", "Day", "Moment", "Yes"],
        [
            ["Öse", "12", "2026-11-26", "2026-11-26 09:30:00", "TRUE"],
            ["0017", "0.3", "2026-11-26", "", "FALSE"],
            ["4006381333931", "1000000000000000"],
        ],
        2,
        ".",
    )


def test_a_number_that_is_shown_with_leading_zeros_keeps_them() -> None:
    assert parse(book_of(["code"], [17], number_format="00000")).rows == [["00017"]]


def test_a_formula_gives_its_result() -> None:
    """openpyxl writes no results, as a spreadsheet does, so this writes one."""
    sheet = zipfile.ZipFile(io.BytesIO(book_of(["qty", "x"], ["=1+1", "y"]))).read("xl/worksheets/sheet1.xml").decode()
    assert "<v /></c>" in sheet or "<v></v>" in sheet or "<v/>" in sheet
    for empty in ("<v />", "<v></v>", "<v/>"):
        sheet = sheet.replace(empty, "<v>2</v>")
    assert parse(changed(book_of(["qty", "x"], ["=1+1", "y"]), sheet1=sheet)).rows == [["2", "y"]]


def test_the_first_visible_sheet_with_cells_is_read() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "hidden"
    book.active.sheet_state = "hidden"
    book.create_sheet("empty")
    book.create_sheet("stock").append(["name", "qty"])
    book.create_sheet("other").append(["x"])
    assert parse(saved(book)) == Table(["name", "qty"], [], 2, ".")


@pytest.mark.parametrize(
    ("data", "kind", "part"),
    [
        (b"", "unreadable", "empty"),
        (b"\n\n,,\n", "unreadable", "empty"),
        (b"%PDF-1.7\n\x00\x01\x02", "unsupported", "neither"),
        (b"\x89PNG\r\n\x1a\n\x01\x02", "unsupported", "neither"),
        (b"name\x00,qty\n", "unsupported", "neither"),
        (b'name,qty\n"bolt,1\n', "unreadable", "Row 2 has a quote that is never closed"),
        (b'name,qty\n"b"olt,1\n', "unreadable", "Row 2 has text after a closing quote"),
        (workbook.COMPOUND + b"\0" * 600, "unsupported", "old .xls"),
        (workbook.COMPOUND + "EncryptedPackage".encode("utf-16-le"), "unreadable", "password"),
        (b"PK\x03\x04" + bytes(range(256)), "unreadable", "damaged"),
        (("x," * (MAX_COLUMNS + 1) + "\n").replace(",\n", "\n").encode(), "too_large", "100 columns"),
        (b"name,qty\n" + b"x" * (MAX_CELL_CHARACTERS + 1) + b",1\n", "too_large", "32,767 characters"),
        (b"name,qty\n" + b"x,1\n" * (MAX_ROWS + 20), "too_large", "more than 1,000 rows"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(data: bytes, kind: str, part: str) -> None:
    error = refusal(data)
    assert error.kind == kind
    assert part in error.message


@pytest.mark.parametrize(
    ("name", "part"),
    [("xl/workbook.bin", ".xlsb"), ("content.xml", "OpenDocument"), ("word/document.xml", "no workbook")],
)
def test_other_documents_are_named(name: str, part: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "x")
    error = refusal(file.getvalue())
    assert error.kind == "unsupported"
    assert part in error.message


ENTITIES = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
EXTERNAL = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)
CELL = '<row r="1"><c r="{}" t="inlineStr"><is><t>{}</t></is></c></row>'


@pytest.mark.parametrize(
    ("sheet", "kind"),
    [
        (ENTITIES + SHEET.format(CELL.format("A1", "&b;")), "unreadable"),
        (EXTERNAL + SHEET.format(CELL.format("A1", "&a;")), "unreadable"),
        (SHEET.format("<row"), "unreadable"),
        (SHEET.format(CELL.format("ZZZZ1", "x")), "unreadable"),
        (SHEET.format('<row r="1"><c r="A1" t="s"><v>99</v></c></row>'), "unreadable"),
        (SHEET.format(CELL.format("XFD1", "x")), "too_large"),
        (
            SHEET.format(CELL.format("A1", "a") + CELL.format("A1048576", "x").replace('r="1"', 'r="1048576"')),
            "too_large",
        ),
    ],
    ids=["entities", "external entity", "broken", "column", "string", "far column", "far row"],
)
def test_a_hostile_sheet_is_refused(sheet: str, kind: str) -> None:
    assert refusal(changed(book_of(["name"]), sheet1=sheet)).kind == kind


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_read() -> None:
    bomb = "<!--" + " " * (workbook.MAX_UNPACKED_BYTES + 1) + "-->"
    data = changed(book_of(["name"]), sheet1=bomb)
    assert len(data) < 1_000_000
    assert refusal(data).message == workbook.TOO_LARGE


def test_a_directory_that_lies_about_sizes_does_not_make_a_part_larger() -> None:
    data = bytearray(changed(book_of(["name"]), sheet1="<!--" + " " * 10_000_000 + "-->"))
    size = (10_000_007).to_bytes(4, "little")
    assert data.count(size) == 2
    data = data.replace(size, (1_000).to_bytes(4, "little"))
    assert refusal(bytes(data)).kind == "unreadable"


def test_a_workbook_of_too_many_parts_is_refused() -> None:
    file = io.BytesIO(book_of(["name"]))
    with zipfile.ZipFile(file, "a") as archive:
        for number in range(workbook.MAX_PARTS):
            archive.writestr(f"xl/part{number}", "")
    assert refusal(file.getvalue()).message == workbook.TOO_LARGE


async def read_in_process(data: bytes) -> bytes:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        return await read_table(file, MAX_ROWS)


async def test_a_process_reads_the_table_and_says_why_it_cannot() -> None:
    assert await read_in_process(b"name,qty\nbolt,1\n") == (
        b'{"columns": ["name", "qty"], "rows": [["bolt", "1"]], "first_line": 2, "decimal": null}'
    )
    with pytest.raises(TableError, match="empty"):
        await read_in_process(b"")


async def test_a_file_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_process, "MAX_SECONDS", 0)
    with pytest.raises(TableError, match="too long"):
        await read_in_process(b"name,qty\nbolt,1\n")


async def test_a_file_that_takes_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `<c>` of a row is an object while the row is read."""
    monkeypatch.setattr(table_process, "MAX_MEMORY_BYTES", 150 * 2**20)
    row = '<row r="1">' + "<c/>" * 1_500_000 + "</row>"
    with pytest.raises(TableError) as refused:
        await read_in_process(changed(book_of(["name"]), sheet1=SHEET.format(row)))
    assert refused.value.kind == "too_large"
