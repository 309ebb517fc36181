"""CSV, as people and spreadsheets write it."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_service.csv_format import Fault, Numbered, guard, read_rows, unguard, write_header, write_rows
from api_service.models import ImportRow

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20).filter(
    lambda name: name == name.strip()
)


def read(text: str | bytes) -> list[tuple[int, dict[str, object]] | Fault]:
    file = io.BytesIO(text.encode() if isinstance(text, str) else text)
    return [
        (entry.line, entry.row.model_dump(exclude_none=True)) if isinstance(entry, Numbered) else entry
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
def test_every_way_to_write_the_same_is_read_the_same(text: str) -> None:
    assert read(text) == [(2, {"name": "M4 bolt", "quantity": 5}), (3, {"name": "nut", "quantity": 0})]


def test_a_cell_may_hold_what_separates_cells() -> None:
    assert read('name,quantity\n"a, ""b"" c",1\n5" pipe,2\n') == [
        (2, {"name": 'a, "b" c', "quantity": 1}),
        (3, {"name": '5" pipe', "quantity": 2}),
    ]


def test_a_row_is_told_by_the_line_that_it_begins_on() -> None:
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
        ("name,quantity\nx\n", 2, None, None),
        ("name,quantity\nx,1,2\n", 2, None, None),
        ('name,quantity\n"x"y,1\n', 2, None, None),
        ('name,quantity\n"x,1\n', 2, None, None),
        ("name,quantity\n" + "x" * 200_000 + ",1\n", 2, None, None),
        (b"name,quantity\nx,1\n\xff,1\n", 3, None, None),
        ("name,quantity\nx,1\n".encode("utf-16"), 1, None, None),
        ("name,quantity\nx,\u0661\n", 2, 2, "quantity"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    text: str | bytes, line: int, column: int | None, field: str | None
) -> None:
    faults = [fault for fault in read(text) if isinstance(fault, Fault)]
    assert (faults[0].line, faults[0].column, faults[0].field) == (line, column, field)


@pytest.mark.parametrize("cell", ["", "-1", "1.0", "+1", "1e3", "1,000", "2147483648", "9" * 5000, "NaN", "\u0000"])
def test_a_quantity_that_is_none_is_a_fault(cell: str) -> None:
    (fault,) = read(f'name,quantity\nx,"{cell}"\n')
    assert isinstance(fault, Fault)
    assert (fault.line, fault.column, fault.field) == (2, 2, "quantity")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\uff1dx", "'=x", "''-x"])
def test_what_a_spreadsheet_would_take_for_a_formula_is_text(name: str) -> None:
    assert guard(name) == f"'{name}"
    assert unguard(guard(name)) == name


@pytest.mark.parametrize("name", ["bolt", "'quoted'", "5-7", "a=b", "'"])
def test_what_is_no_formula_stays_as_it_is(name: str) -> None:
    assert guard(name) == unguard(name) == name


@given(st.lists(st.tuples(NAMES, st.integers(0, 2_147_483_647), st.integers(1, 2**63 - 1)), max_size=8))
def test_what_is_exported_can_be_imported_as_it_was(rows: list[tuple[str, int, int]]) -> None:
    items = [
        {"id": item_id, "name": name, "quantity": quantity, "version": 1, "created_at": "x", "updated_at": "y"}
        for name, quantity, item_id in rows
    ]
    text = write_header() + write_rows(items)
    assert [entry.row for entry in read_rows(io.BytesIO(text.encode())) if isinstance(entry, Numbered)] == [
        ImportRow(id=item_id, name=name, quantity=quantity, version=1) for name, quantity, item_id in rows
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",1", "must have at least 1 character"),
        ("x,", "must be a whole number, written in digits"),
        ("x,2147483648", "must be less than or equal to 2147483647"),
    ],
)
def test_what_is_wrong_is_told_in_words_that_follow_the_fields_name(row: str, message: str) -> None:
    (fault,) = read(f"name,quantity\n{row}\n")
    assert isinstance(fault, Fault)
    assert fault.message == message
