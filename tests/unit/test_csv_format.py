"""Parsing of CSV as people and spreadsheets write it."""

from __future__ import annotations

import codecs
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_service.transfers.csv_format import (
    Fault,
    NumberedRow,
    escape_formula,
    read_rows,
    unescape_formula,
    write_header,
    write_rows,
)
from api_service.transfers.rows import ChangeRow

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20).filter(
    lambda name: name == name.strip()
)

SAVE_AS = ': save the file as "CSV UTF-8" and import that'
FIRST_LINE = "is missing: the first line must name the columns, as in name,quantity"
TEXT_AFTER_A_QUOTE = "has text after a closing quote; a quote in a quoted cell is written twice"


def read(text: str | bytes) -> list[tuple[int, dict[str, object]] | Fault]:
    file = io.BytesIO(text.encode() if isinstance(text, str) else text)
    return [
        (entry.line, entry.row.model_dump(exclude_none=True)) if isinstance(entry, NumberedRow) else entry
        for entry in read_rows(file)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "name,quantity\nM4 bolt,5\nnut,0\n",
        "name,quantity\r\nM4 bolt,5\r\nnut,0",
        "\ufeffname,quantity\nM4 bolt,5\nnut,0\n",
        "name;quantity\nM4 bolt;5\nnut;0\n",
        "name\tquantity\nM4 bolt\t5\nnut\t0\n",
        " Name , QUANTITY \n M4 bolt , 5 \n nut , 0 ,,\n",
        '"name","quantity"\n"M4 bolt","5"\n"nut","0"\n',
        "quantity,name,id,version,created_at,updated_at\n5,M4 bolt,,,x,y\n0,nut,,,x,y\n",
    ],
)
def test_equivalent_files_are_read_the_same(text: str) -> None:
    assert read(text) == [(2, {"name": "M4 bolt", "quantity": 5}), (3, {"name": "nut", "quantity": 0})]


def test_a_quoted_cell_may_contain_separators() -> None:
    assert read('name,quantity\n"a, ""b"" c",1\n5" pipe,2\n') == [
        (2, {"name": 'a, "b" c', "quantity": 1}),
        (3, {"name": '5" pipe', "quantity": 2}),
    ]


def test_a_row_is_numbered_by_its_first_line() -> None:
    faults = read('name,quantity\n\n"two\nlines",1\n,2\nx,y\n')
    assert [(fault.line, fault.column, fault.field) for fault in faults if isinstance(fault, Fault)] == [
        (3, 1, "name"),
        (5, 1, "name"),
        (6, 2, "quantity"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "field"),
    [
        ("", 1, None, "name"),
        ("name\nx\n", 1, None, "quantity"),
        ("name,quantity,colour\nx,1,red\n", 1, 3, "colour"),
        ("name,quantity,name\nx,1,y\n", 1, 3, "name"),
        ("name,quantity\nx\n", 2, 2, "quantity"),
        ("name,quantity\nx,1,2\n", 2, 3, None),
        ('name,quantity\n"x"y,1\n', 2, None, None),
        ('name,quantity\n"x,1\n', 2, None, None),
        ("name,quantity\n" + "x" * 200_000 + ",1\n", 2, None, None),
        (b"name,quantity\nx,1\n\xff,1\n", 3, None, None),
        ("name,quantity\nx,\u0661\n", 2, 2, "quantity"),
    ],
)
def test_a_fault_is_reported_with_its_place(
    text: str | bytes, line: int, column: int | None, field: str | None
) -> None:
    faults = [fault for fault in read(text) if isinstance(fault, Fault)]
    assert (faults[0].line, faults[0].column, faults[0].field) == (line, column, field)


@pytest.mark.parametrize("cell", ["", "-1", "1.0", "+1", "1e3", "1,000", "2147483648", "9" * 5000, "NaN", "\u0000"])
def test_an_invalid_quantity_is_a_fault(cell: str) -> None:
    (fault,) = read(f'name,quantity\nx,"{cell}"\n')
    assert isinstance(fault, Fault)
    assert (fault.line, fault.column, fault.field) == (2, 2, "quantity")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\uff1dx", "'=x", "''-x"])
def test_a_name_that_looks_like_a_formula_is_escaped(name: str) -> None:
    assert escape_formula(name) == f"'{name}"
    assert unescape_formula(escape_formula(name)) == name


@pytest.mark.parametrize("name", ["bolt", "'quoted'", "5-7", "a=b", "'"])
def test_a_name_that_is_not_a_formula_is_not_escaped(name: str) -> None:
    assert escape_formula(name) == unescape_formula(name) == name


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",1", "is empty"),
        ("x,", "is empty"),
        ("x,2147483648", 'must be less than or equal to 2147483647, not "2147483648"'),
        ("x,12.5", 'must be a whole number, written in digits, not "12.5"'),
        ("x,1\xa0000", r'must be a whole number, written in digits, not "1\xa0000"'),
        ("x," + "9" * 41, f'must be a whole number, written in digits, not "{"9" * 39}…"'),
        ("x", "is required"),
        ("a\0b,1", r'must not contain control characters: "a\x00b"'),
        ("a\u2066\x1bb,1", r'must not contain control characters: "a\u2066\x1bb"'),
        ("n" * 201 + ",1", f'must have at most 200 characters: "{"n" * 39}…"'),
        ("x,1,red", 'has a value in a column without a name: "red"'),
        ('"x"y,1', TEXT_AFTER_A_QUOTE),
        ('x,"1', "has a quote that is never closed"),
        ("x" * 131_073 + ",1", "has a cell of more than 131072 characters, or a quote that is never closed"),
    ],
)
def test_the_message_of_a_fault_continues_the_name_of_its_field(row: str, message: str) -> None:
    (fault,) = read(f"name,quantity\n{row}\n")
    assert isinstance(fault, Fault)
    assert fault.message == message


BOLT_AND_NUT = [{"name": "bolt", "quantity": 5}, {"name": "nut", "quantity": 7}]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        # A `sep=` line, which tells spreadsheets the delimiter.
        ("sep=;\nname;quantity\nbolt;5\nnut;7\n", [3, 4]),
        ("\ufeffsep=;\nname;quantity\nbolt;5\nnut;7\n", [3, 4]),
        ("sep=;\n\ufeffname;quantity\nbolt;5\nnut;7\n", [3, 4]),
        ('"sep=;"\r\n"name";"quantity"\r\nbolt;5\r\nnut;7\r\n', [3, 4]),
        ("SEP=,\nname,quantity\nbolt,5\nnut,7\n", [3, 4]),
        ("Sep=|\rname|quantity\rbolt|5\rnut|7", [3, 4]),
        ("sep=\t\nname\tquantity\nbolt\t5\nnut\t7\n", [3, 4]),
        ("sep= \nname quantity\nbolt 5\nnut 7\n", [3, 4]),
        ("sep=¦ \nname¦quantity\nbolt¦5\nnut¦7\n", [3, 4]),
        ("sep=;\n\n;\nStock;\nname;quantity\nbolt;5\nnut;7\n", [6, 7]),
        # A `sep=` line without a valid delimiter is a title.
        ("sep=\nname;quantity\nbolt;5\nnut;7\n", [3, 4]),
        ("sep=ab\nname;quantity\nbolt;5\nnut;7\n", [3, 4]),
        ('sep="\nname;quantity\nbolt;5\nnut;7\n', [3, 4]),
        ("sep=;,\nname,quantity\nbolt,5\nnut,7\n", [3, 4]),
        # Empty columns without a name, and missing cells at the end of a row.
        ("name,quantity,,\nbolt,5,,\nnut,7\n", [2, 3]),
        (",name,,quantity, \n,bolt,,5,\n ,nut, ,7\n", [2, 3]),
        ("name;quantity;\nbolt;5;\nnut;7;;;\n", [2, 3]),
        ("name,quantity,id,version,created_at\nbolt,5\nnut,7,,\n", [2, 3]),
        # Empty lines.
        ("\n\nname,quantity\n  \nbolt,5\n,\n , \n\xa0\nnut,7\n\n", [5, 9]),
        (",,,\n \t\n;;\nname,quantity\nbolt,5\nnut,7\n", [5, 6]),
        ('"",""\nname,quantity\n"",""\nbolt,5\n"\n",\nnut,7\n', [4, 7]),
        ("\n" * 1_000 + "name,quantity\nbolt,5\nnut,7\n", [1_002, 1_003]),
        # Line ends.
        ("name,quantity\rbolt,5\rnut,7\r", [2, 3]),
        ("name,quantity\rbolt,5\r\nnut,7\n", [2, 3]),
        ("name,quantity\r\n\rbolt,5\n\rnut,7", [3, 5]),
        ('name,quantity,updated_at\r"bolt",5\r"nut","7"', [2, 3]),
        # The end-of-file mark of DOS.
        ("name,quantity\nbolt,5\nnut,7\n\x1a", [2, 3]),
        ("name,quantity\nbolt,5\nnut,7\x1a\x1a", [2, 3]),
        # Title lines.
        ("Stock\nname,quantity\nbolt,5\nnut,7\n", [3, 4]),
        ("Stock,,\n,\n,as of,\nname,quantity,\nbolt,5,\nnut,7,\n", [5, 6]),
        ("Stock, north;\nname;quantity\nbolt;5\nnut;7\n", [3, 4]),
        ('"Stock, 2026",\n25/11/2026,\nname,quantity\nbolt,5\nnut,7\n', [4, 5]),
        ('"Stock\nof\rall",\nName,Quantity\nbolt,5\nnut,7\n', [5, 6]),
        ("a\nb\nc\nd\ne\nname,quantity\nbolt,5\nnut,7\n", [7, 8]),
        # Column names.
        ('" NAME ",quantity\nbolt,5\nnut,7\n', [2, 3]),
        ("\xa0Name\xa0;QUANTITY\nbolt;5\nnut;7\n", [2, 3]),
        ('\ufeff"name"\t"quantity"\nbolt\t5\nnut\t7\n', [2, 3]),
        ("quantity;name;id\n5;bolt\n7;nut\n", [2, 3]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
def test_a_file_is_read_as_a_spreadsheet_writes_it(text: str, lines: list[int], encoding: str) -> None:
    assert read(encode(text, encoding)) == list(zip(lines, BOLT_AND_NUT, strict=True))


def encode(text: str, encoding: str) -> bytes:
    mark = "" if encoding.startswith("utf-8") else "\ufeff"
    return (mark + text).encode(encoding)


@pytest.mark.parametrize(
    "text", ["name,quantity\n", "sep=;\nname;quantity", "Stock\nname,quantity\n", "\nname,quantity\n,\n\x1a"]
)
def test_a_file_may_have_no_rows(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        ("name,quantity\nbolt,5\nMüller,1\n".encode("windows-1252"), 3, "is not valid UTF-8" + SAVE_AS),
        ("Größe\nname,quantity\nbolt,5\n".encode("latin-1"), 1, "is not valid UTF-8" + SAVE_AS),
        (b"name,quantity\n" + b"bolt,5\n" * 5_000 + b"\x80,1\n", 5_002, "is not valid UTF-8" + SAVE_AS),
        (b"name,quantity\rbolt,5\rnut\xe2\x82", 3, "is not valid UTF-8" + SAVE_AS),
        (b"name,quantity\n\xed\xa0\x80,5\n", 2, "is not valid UTF-8" + SAVE_AS),
        ("name,quantity\n".encode("utf-16-le"), 1, "has NUL characters, so the file is not UTF-8" + SAVE_AS),
        ("name,quantity\n".encode("utf-16-be"), 1, "has NUL characters, so the file is not UTF-8" + SAVE_AS),
        ("name,quantity\n".encode("utf-32"), 1, "has NUL characters, so the file is not UTF-8" + SAVE_AS),
        ("\ufeffname,quantity\n".encode("utf-32-be"), 1, "is not valid UTF-8" + SAVE_AS),
        (b"\0" * 1_000, 1, "has NUL characters, so the file is not UTF-8" + SAVE_AS),
        (b"St\0ck\nname,quantity\nbolt,5\n", 1, "has NUL characters, so the file is not UTF-8" + SAVE_AS),
        (encode("name,quantity\nbolt,5\n", "utf-16-le") + b"x", 3, "is not valid UTF-16" + SAVE_AS),
        (encode("name,quantity\nbolt,5", "utf-16-be") + b"\0", 2, "is not valid UTF-16" + SAVE_AS),
        (encode("name,quantity\n?", "utf-16-le")[:-2] + b"\x3d\xd8,\0", 2, "is not valid UTF-16" + SAVE_AS),
        (b"PK\x03\x04\x14\0\x06\0", 1, "is not CSV but the beginning of a workbook (.xlsx or .ods)" + SAVE_AS),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 1, "is not CSV but the beginning of a workbook (.xls)" + SAVE_AS),
        (b"name," * 200_001, 1, "has more than 1000000 characters"),
        (b"name,quantity\n" + b"," * 1_000_000 + b"\n", 2, "has more than 1000000 characters"),
        (codecs.BOM_UTF8, 1, FIRST_LINE),
        (codecs.BOM_UTF16_LE, 1, FIRST_LINE),
        (b"\n\n,,\n", 1, FIRST_LINE),
        (b"\x1a", 1, FIRST_LINE),
        (b"sep=;\n", 1, FIRST_LINE.replace(",q", ";q")),
        (b"Stock of 2026\n", 1, FIRST_LINE),
        (b"\nbolt,5\nnut,7\n", 2, FIRST_LINE),
        (b"product,amount\nbolt,5\n", 1, FIRST_LINE),
        (b"Stock,North\nname,quantity\nbolt,5\n", 1, FIRST_LINE),
        (b"a\nb\nc\nd\ne\nf\nname,quantity\nbolt,5\n", 1, FIRST_LINE),
        (b"sep=;\nname,quantity\nbolt,5\n", 2, FIRST_LINE.replace(",q", ";q")),
        (b'"name,quantity\nbolt,5\n', 1, "has a quote that is never closed"),
        (b'name,quantity\nbolt,5\n"nut,7\nx,1\n', 3, "has a quote that is never closed"),
        (b'name,quantity,created_at\nbolt,5,"x\ny"z\n', 3, TEXT_AFTER_A_QUOTE),
    ],
)  # fmt: skip
def test_an_unreadable_file_is_reported_with_what_to_do(data: bytes, line: int, message: str) -> None:
    fault = read(data)[-1 if data.startswith(b"name,quantity") else 0]
    assert isinstance(fault, Fault)
    assert (fault.line, fault.message) == (line, message)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name,quantity,\nbolt,5,red\n", (2, 3, None)),
        (",name,quantity\nred,bolt,5\n", (2, 1, None)),
        ("name,quantity\nname,quantity\n", (2, 2, "quantity")),
        ("name;quantity\nbolt;5\nname,quantity\nnut,7\n", (3, 2, "quantity")),
        ("name,quantity\nbo\x1alt,5\n", (2, 1, "name")),
        ("name,quantity\n\x1a\nbolt,5\n", (2, 1, "name")),
        ('name,quantity\n"bo\rlt",5\n', (2, 1, "name")),
        ('name,quantity\n"bo\r\nlt",5\n', (2, 1, "name")),
        ('name,quantity,created_at\rbolt,5,"\r"\r,7\r', (4, 1, "name")),
        ("name,quantity,created_at\nbolt,5,\0\n", (2, 3, "created_at")),
        ("name,quantity,Colour\n", (1, 3, "colour")),
        ("Stock\nname,quantity,name\n", (2, 3, "name")),
        ("name,quantity," + "x" * 200 + "\n", (1, 3, "x" * 39 + "…")),
        ("bolt;5\nname,quantity\nnut,7\n", (1, None, "name")),
        ("bolt,5\nname;quantity\nnut;7\n", (1, None, "name")),
        ("quantity,version\n5\n", (1, None, "name")),
    ],
)
def test_no_value_is_ignored(text: str, place: tuple[int, int | None, str | None]) -> None:
    fault = next(entry for entry in read(text) if isinstance(entry, Fault))
    assert (fault.line, fault.column, fault.field) == place


def test_the_file_is_left_open() -> None:
    file = io.BytesIO(b"name,quantity\nbolt,5\n")
    rows = read_rows(file)
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert not file.closed


HOSTILE = st.sampled_from([*"\"',;\t=+-@|\u2028\ufeff\uff1d\xa0 5é\N{PACKAGE}", "'=", "sep=;", "name,quantity", '""'])
HOSTILE_NAMES = st.one_of(
    NAMES, st.lists(HOSTILE, min_size=1, max_size=8).map("".join).map(lambda name: name.replace("\t", "").strip())
).filter(bool)
ITEMS = st.lists(st.tuples(HOSTILE_NAMES, st.integers(0, 2_147_483_647), st.integers(1, 2**63 - 1)), max_size=8)
QUOTING = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL]


@given(ITEMS, st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(QUOTING), st.booleans())
def test_an_export_can_be_imported_unchanged(
    rows: list[tuple[str, int, int]], delimiter: str, line_end: str, quoting: int, with_separator: bool
) -> None:
    """A spreadsheet may save an export with another encoding, delimiter, line end or quoting."""
    exported = export(rows)
    saved = io.StringIO()
    writer = csv.writer(saved, delimiter=delimiter, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows(csv.reader(io.StringIO(exported, newline="")))
    text = f"sep={delimiter}{line_end}" * with_separator + saved.getvalue()
    for encoding in ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"):
        entries = list(read_rows(io.BytesIO(encode(text, encoding))))
        imported = [entry.row for entry in entries if isinstance(entry, NumberedRow)]
        assert imported == [
            ChangeRow(id=item_id, name=name, quantity=count, version=1) for name, count, item_id in rows
        ]
        assert export([(row.name, row.quantity, row.id or 0) for row in imported]) == exported


def export(rows: list[tuple[str, int, int]]) -> str:
    return write_header() + write_rows(
        {"id": item_id, "name": name, "quantity": quantity, "version": 1, "created_at": "x", "updated_at": "y"}
        for name, quantity, item_id in rows
    )
