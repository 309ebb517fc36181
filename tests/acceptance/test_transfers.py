"""CSV import and export over a real socket. An import is applied completely or not at all."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from typing import TYPE_CHECKING

import aiohttp
import pytest

from api_service.transfers.csv_format import escape_formula
from shared.log.fields import FIELDS
from tests.acceptance.client import CSV, export_csv, import_csv
from tests.acceptance.imports import MAX_BYTES, MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.stack import Stack


IMPORT = "/api/inventories/import"
EXPORT = "/api/inventories/export"
PATIENCE_SECONDS = 10


@pytest.fixture
async def api(import_stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    import_stack.sql("DELETE FROM inventory")
    async with aiohttp.ClientSession(import_stack.api_url) as session:
        yield session


def stock(stack: Stack) -> list[tuple[str, ...]]:
    return stack.sql("SELECT name, quantity, version FROM inventory ORDER BY id")


async def test_new_rows_become_items_in_the_order_of_the_file(api: aiohttp.ClientSession, import_stack: Stack) -> None:
    body = await import_csv(api, "name,quantity\nbolt,5\n\nnut,7\n", headers={"X-Actor": "ann"})
    assert body == {"created": 2, "updated": 0, "unchanged": 0}
    assert stock(import_stack) == [("bolt", "5", "1"), ("nut", "7", "1")]
    assert import_stack.sql("SELECT DISTINCT actor FROM inventory_history ORDER BY 1")[0] == ("ann",)


async def test_importing_an_edited_export_changes_only_the_edited_rows(
    api: aiohttp.ClientSession, import_stack: Stack
) -> None:
    await import_csv(api, "name,quantity\nbolt,5\n=cmd(),7\n")
    text = await export_csv(api)
    assert ",'=cmd()," in text
    edited = text.replace("bolt,5,", "bolt,6,") + ",washer,9,,,\r\n"
    assert await import_csv(api, edited) == {"created": 1, "updated": 1, "unchanged": 1}
    assert stock(import_stack) == [("bolt", "6", "2"), ("=cmd()", "7", "1"), ("washer", "9", "1")]


async def test_one_invalid_row_refuses_the_whole_file(api: aiohttp.ClientSession, import_stack: Stack) -> None:
    await import_csv(api, "name,quantity\nbolt,5\n")
    ((item_id,),) = import_stack.sql("SELECT id FROM inventory")
    before = import_stack.sql("SELECT log_head()")
    rows = f"id,name,quantity,version\n{item_id},bolt,9,1\n,nut,1,\n{item_id},bolt,9,1\n999999,x,1,\n,y,-1,\n"
    body = await import_csv(api, rows, 422)
    assert [(fault["line"], fault["field"]) for fault in body["errors"]] == [(6, "quantity"), (4, "id"), (5, "id")]
    assert body["error_count"] == 3
    assert body["errors"][0]["column"] == 3
    assert stock(import_stack) == [("bolt", "5", "1")]
    assert import_stack.sql("SELECT log_head()") == before


async def test_a_version_in_a_file_must_match_the_item(api: aiohttp.ClientSession, import_stack: Stack) -> None:
    await import_csv(api, "name,quantity\nbolt,5\n")
    old = await export_csv(api)
    import_stack.sql("UPDATE inventory SET quantity = 4")
    body = await import_csv(api, old, 422)
    assert [(fault["line"], fault["field"]) for fault in body["errors"]] == [(2, "version")]
    assert stock(import_stack) == [("bolt", "4", "2")]


async def test_the_first_100_faults_are_listed_and_all_are_counted(api: aiohttp.ClientSession) -> None:
    body = await import_csv(api, "name,quantity\n" + "x,-1\n" * 1_500, 422)
    assert [fault["line"] for fault in body["errors"]] == list(range(2, 102))
    assert body["error_count"] == 1_500


async def test_a_dry_run_reports_the_result_and_changes_nothing(
    api: aiohttp.ClientSession, import_stack: Stack
) -> None:
    before = import_stack.sql("SELECT log_head()")
    assert await import_csv(api, "name,quantity\nbolt,5\n", query="?dry_run=1") == {
        "created": 1,
        "updated": 0,
        "unchanged": 0,
    }
    await import_csv(api, "name,quantity\nbolt,x\n", 422, query="?dry_run=1")
    assert stock(import_stack) == []
    assert import_stack.sql("SELECT log_head()") == before


async def test_a_retry_with_the_same_key_imports_once(api: aiohttp.ClientSession, import_stack: Stack) -> None:
    text, key = "name,quantity\nbolt,5\n", {"Idempotency-Key": "import-1"}
    bodies = await asyncio.gather(*(import_csv(api, text, headers=key) for _ in range(4)))
    assert bodies == [{"created": 1, "updated": 0, "unchanged": 0}] * 4
    assert stock(import_stack) == [("bolt", "5", "1")]
    await import_csv(api, text + "nut,1\n", 422, headers=key)
    assert stock(import_stack) == [("bolt", "5", "1")]


async def test_a_file_that_is_too_large_is_a_413_and_changes_nothing(
    api: aiohttp.ClientSession, import_stack: Stack
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"name,quantity\n"
        for _ in range(MAX_BYTES // 1_000 + 1):
            yield b"x" * 998 + b",1"

    await import_csv(api, "x" * (MAX_BYTES + 1), 413)
    async with api.post(IMPORT, data=endless(), headers=CSV) as response:
        assert response.status == 413
    body = await import_csv(api, "name,quantity\n" + "x,1\n" * (MAX_ROWS + 1), 413)
    assert str(MAX_ROWS) in body["detail"]
    assert stock(import_stack) == []


async def test_after_a_file_that_is_too_large_the_connection_serves_the_next_request(import_stack: Stack) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", import_stack.ports["api"])
    head = f"POST {IMPORT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: {MAX_BYTES + 1}"
    writer.write(head.encode() + b"\r\nExpect: 100-continue\r\n\r\n")
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"x" * (MAX_BYTES + 1) + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answers = await reader.read()
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"413", b"200"]
    writer.close()


async def test_a_request_that_is_not_csv_is_refused(api: aiohttp.ClientSession) -> None:
    async with api.post(IMPORT, data=b"{}", headers={"Content-Type": "application/json"}) as response:
        assert response.status == 415
    await import_csv(api, "", 422)
    await import_csv(api, b"\x00" * 1_000, 422)
    async with api.post(f"{IMPORT}?dry_run=yes", data=b"name,quantity\n", headers=CSV) as response:
        assert response.status == 422


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfsep=;\r\nname;quantity\r\nbolt;5\r\nnut;7\r\n",
        "\ufeffname\tquantity\r\nbolt\t5\r\nnut\t7\r\n".encode("utf-16-le"),
        "\ufeffName,Quantity\rbolt,5\rnut,7\r".encode("utf-16-be"),
        b"Stock of the north,,\n,,\nname,quantity,\nbolt,5,\n , ,\nnut,7\n\x1a",
        b"\n\nname,quantity,id,version\nbolt,5\nnut,7,\n",
    ],
    ids=["sep", "utf-16-le", "utf-16-be", "title", "missing cells"],
)
async def test_files_written_by_spreadsheets_are_imported(
    api: aiohttp.ClientSession, import_stack: Stack, data: bytes
) -> None:
    assert await import_csv(api, data) == {"created": 2, "updated": 0, "unchanged": 0}
    assert stock(import_stack) == [("bolt", "5", "1"), ("nut", "7", "1")]


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (
            "name,quantity\nbolt,5\nMüller,1\n".encode("windows-1252"),
            'line 3: is not valid UTF-8: save the file as "CSV UTF-8" and import that.',
        ),
        (
            "name,quantity\nbolt,5\n".encode("utf-16-le"),
            'line 1: has NUL characters, so the file is not UTF-8: save the file as "CSV UTF-8" and import that.',
        ),
        (
            b"PK\x03\x04" + bytes(range(256)),
            "line 1: is not CSV but the beginning of a workbook (.xlsx or .ods): "
            'save the file as "CSV UTF-8" and import that.',
        ),
        (b'name,quantity\nbolt,5\n"nut,7\n', "line 3: has a quote that is never closed."),
        (
            b"name,quantity\nbolt,12.5\n",
            'line 2: quantity must be a whole number, written in digits, not "12.5".',
        ),
        (b"name,quantity,\nbolt,5,red\n", 'line 2: has a value in a column without a name: "red".'),
        (b"name,quantity,id\nbolt\n", "line 2: quantity is required."),
        (
            b"bolt,5\n",
            "line 1: name is missing: the first line must name the columns, as in name,quantity (and 1 more).",
        ),
    ],
    ids=["windows-1252", "utf-16 without a mark", "workbook", "quote", "decimal", "nameless", "missing", "no header"],
)
async def test_a_refusal_names_the_place_the_fault_and_what_to_do(
    api: aiohttp.ClientSession, import_stack: Stack, data: bytes, detail: str
) -> None:
    body = await import_csv(api, data, 422)
    assert body["detail"] == f"Nothing was imported: {detail}"
    assert stock(import_stack) == []


async def test_an_export_saved_by_a_spreadsheet_changes_nothing(
    api: aiohttp.ClientSession, import_stack: Stack
) -> None:
    names = ["=cmd()", "'=x", '5" pipe; "A", b', "Zürich", "sep=;"]
    written = io.StringIO()
    csv.writer(written).writerows([("name", "quantity"), *((escape_formula(name), 1) for name in names)])
    await import_csv(api, written.getvalue())
    text = await export_csv(api)
    saved = io.StringIO()
    csv.writer(saved, delimiter="\t").writerows(csv.reader(io.StringIO(text, newline="")))
    data = ("\ufeff" + saved.getvalue()).encode("utf-16-le")
    assert await import_csv(api, data) == {"created": 0, "updated": 0, "unchanged": len(names)}
    assert [row[0] for row in stock(import_stack)] == names
    assert await export_csv(api) == text


async def test_concurrent_imports_of_the_same_items_in_different_order_both_succeed(
    api: aiohttp.ClientSession, import_stack: Stack
) -> None:
    await import_csv(api, "name,quantity\n" + "x,1\n" * 500)
    ids = [row[0] for row in import_stack.sql("SELECT id FROM inventory ORDER BY id")]
    files = [
        "id,name,quantity\n" + "".join(f"{item_id},x,{number}\n" for item_id in order)
        for number, order in ((2, ids), (3, ids[::-1]))
    ]
    await asyncio.gather(*(import_csv(api, file) for file in files))
    assert {row[1:] for row in stock(import_stack)} in ({("2", "3")}, {("3", "3")})


async def test_an_export_shows_one_position_despite_concurrent_changes(
    api: aiohttp.ClientSession, import_stack: Stack
) -> None:
    name = "\N{PACKAGE}" * 200  # large, so that most of the export is read after the changes
    import_stack.sql(f"INSERT INTO inventory (name, quantity) SELECT '{name}', 1 FROM generate_series(1, 10000)")
    async with api.get(EXPORT) as response:
        position = response.headers["Last-Event-ID"]
        assert re.search(r'"stock-\d{4}-\d\d-\d\d\.csv"', response.headers["Content-Disposition"])
        import_stack.sql("UPDATE inventory SET quantity = 2")
        import_stack.sql("DELETE FROM inventory WHERE id % 2 = 0")
        import_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('new', 1)")
        text = (await response.read()).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["name"], row["quantity"], row["version"]) for row in rows] == [(name, "1", "1")] * 10_000
    async with api.get("/api/inventories", params={"as_of": position, "sort": "updated_at"}) as listed:
        assert [item["id"] for item in await listed.json()] == [int(row["id"]) for row in rows]


async def test_an_export_takes_a_search_an_as_of_and_a_bom_for_excel(
    api: aiohttp.ClientSession, import_stack: Stack
) -> None:
    await import_csv(api, "name,quantity\nZürich,1\nBern,2\n")
    ((past,),) = import_stack.sql("SELECT log_position()")
    import_stack.sql("DELETE FROM inventory")
    text = await export_csv(api, f"?as_of={past}&q=zurich&bom=1")
    assert text.startswith("\ufeffid,name,quantity")
    assert [line.split(",")[1] for line in text.splitlines()[1:]] == ["Zürich"]
    assert (
        await export_csv(api) == f"{','.join(['id', *FIELDS, 'location', 'version', 'created_at', 'updated_at'])}\r\n"
    )
    for query in ("?bom=2", "?as_of=x", "?colour=red"):
        async with api.get(EXPORT + query) as response:
            assert response.status == 422


async def test_an_export_whose_history_is_pruned_meanwhile_is_aborted(
    api: aiohttp.ClientSession, import_stack: Stack
) -> None:
    name = "\N{PACKAGE}" * 200
    import_stack.sql(f"INSERT INTO inventory (name, quantity) SELECT '{name}', 1 FROM generate_series(1, 10000)")
    ((past,),) = import_stack.sql("SELECT log_position()")
    import_stack.sql("UPDATE inventory SET quantity = 2")
    import_stack.sql("UPDATE inventory_history SET changed_at = changed_at - interval '2 days'")
    async with api.get(EXPORT, params={"as_of": past}) as response:
        assert response.status == 200
        import_stack.sql("SELECT prune_history('1 day', 1000000)")
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
