"""Files that a person checks before an import: the API reads them as tables, and changes nothing."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import aiohttp
import openpyxl
import pytest

from tests.acceptance.client import ITEMS, get, problem
from tests.acceptance.imports import MAX_BYTES, MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.stack import Stack


TABLE = f"{ITEMS}/import/table"
FILE = {"Content-Type": "application/octet-stream"}


@pytest.fixture
async def api(import_stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(import_stack.api_url) as session:
        yield session


async def read(api: aiohttp.ClientSession, data: bytes) -> dict[str, Any]:
    async with api.post(TABLE, data=data, headers=FILE) as response:
        assert response.status == 200, await response.text()
        table: dict[str, Any] = await response.json()
        return table


def book(*rows: list[object]) -> bytes:
    made, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        made.active.append(row)
    made.save(file)
    return file.getvalue()


TABLE_OF_BOLTS = {"columns": ["Bezeichnung", "Menge"], "rows": [["Öse", "12"]], "first_line": 2, "decimal": None}


@pytest.mark.parametrize(
    "data",
    ["Bezeichnung;Menge\r\nÖse;12\r\n".encode("cp1252"), book(["Bezeichnung", "Menge"], ["Öse", 12.0])],
    ids=["csv", "xlsx"],
)
async def test_a_table_is_read_and_nothing_is_changed(
    api: aiohttp.ClientSession, import_stack: Stack, data: bytes
) -> None:
    before = import_stack.sql("SELECT log_head()")
    decimal = "." if data.startswith(b"PK") else None
    assert await read(api, data) == {**TABLE_OF_BOLTS, "decimal": decimal}
    assert await get(api, ITEMS) == []
    assert import_stack.sql("SELECT log_head()") == before


async def test_many_tables_at_once_are_read_one_after_the_other(api: aiohttp.ClientSession) -> None:
    data = "Bezeichnung;Menge\nÖse;12\n".encode()
    assert await asyncio.gather(*(read(api, data) for _ in range(5))) == [TABLE_OF_BOLTS] * 5


@pytest.mark.parametrize(
    ("data", "status", "part"),
    [
        (b"", 422, "empty"),
        (b'name,qty\n"bolt,1\n', 422, "never closed"),
        (b"PK\x03\x04" + bytes(range(256)), 422, "damaged"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), 422, "password"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 500, 415, ".xls"),
        (b"%PDF-1.7\n\x00", 415, "neither"),
        (b"name,qty\n" + b"x,1\n" * (MAX_ROWS + 20), 413, "3,000 rows"),
        (b"x" * (MAX_BYTES + 1), 413, "too large"),
    ],
    ids=["empty", "quote", "damaged", "password", "xls", "pdf", "rows", "bytes"],
)
async def test_a_file_that_is_no_table_is_refused_with_what_to_do(
    api: aiohttp.ClientSession, data: bytes, status: int, part: str
) -> None:
    async with api.post(TABLE, data=data, headers=FILE) as response:
        assert part in (await problem(response, status))["detail"]


async def test_a_body_of_another_type_and_parameters_are_refused(api: aiohttp.ClientSession) -> None:
    async with api.post(TABLE, json={}) as response:
        await problem(response, 415)
    async with api.post(f"{TABLE}?dry_run=1", data=b"a,b\n", headers=FILE) as response:
        await problem(response, 422)
