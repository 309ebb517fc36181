"""The optional fields of an item, wherever an item is written or shown. CASES lists the values to try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import pytest

from shared.log.fields import FIELDS, REQUIRED_FIELDS
from tests import sse
from tests.acceptance.client import ITEMS, as_csv, change, create, export_rows, get, head, import_csv, problem

if TYPE_CHECKING:
    import aiohttp

    from tests.stack import Stack

INT4 = 2_147_483_647


class Case(NamedTuple):
    """Two valid values of a field, and invalid ones as JSON, as CSV cells and as SQL."""

    value: Any
    other: Any
    wrong: tuple[Any, ...]
    wrong_cells: tuple[str, ...]
    wrong_sql: tuple[str, ...]
    untidy_sql: str | None = None  # the database stores it as `value`


CASES = {
    "code": Case(
        "PJ-2500",
        "=4006381333931",
        wrong=("", " \u2003", "a\nb", "a\x7f", "x" * 101, "\U0001f4e6" * 101, 5, True, ["a"]),
        wrong_cells=("x" * 101, "a\tb"),
        wrong_sql=("''", "repeat('x', 101)", "E'a\\nb'", "' '"),
        untidy_sql="E'\\t PJ-2500\\u00a0'",
    ),
    "unit": Case(
        "pcs",
        "m²",
        wrong=("", " \u2003", "a\nb", "a\x7f", "x" * 21, "\U0001f4e6" * 21, 5, True, ["a"]),
        wrong_cells=("x" * 21, "a\tb"),
        wrong_sql=("''", "repeat('x', 21)", "E'a\\nb'", "' '"),
        untidy_sql="E'\\t pcs\\u00a0'",
    ),
    "minimum": Case(
        10,
        0,
        wrong=(-1, INT4 + 1, 1.5, "5", "", True, [5]),
        wrong_cells=("-1", "1.5", str(INT4 + 1), "five", "٣"),
        wrong_sql=("-1", str(INT4 + 1)),
    ),
    "note": Case(
        "Handle with care.\nTop shelf\tonly.",
        "x" * 2_000,
        wrong=("x" * 2_001, "\U0001f4e6" * 2_001, "a\x00b", "a\x0bb", "a\x85b", 5, True, ["a"]),
        wrong_cells=("x" * 2_001, "a\x0bb"),
        wrong_sql=("repeat('x', 2001)", "E'a\\x0bb'", "E'a\\u0085b'"),
        untidy_sql="E'\\n Handle with care.\\r\\nTop shelf\\tonly. \\r'",
    ),
}
OPTIONAL = [field for field in FIELDS if field not in REQUIRED_FIELDS]
each_field = pytest.mark.parametrize("field", OPTIONAL)


def test_every_optional_field_has_a_case() -> None:
    assert list(CASES) == OPTIONAL


@each_field
async def test_an_omitted_field_is_kept_and_null_clears_it(api: aiohttp.ClientSession, field: str) -> None:
    item = await create(api)
    assert item[field] is None
    address = f"{ITEMS}/{item['id']}"
    steps: list[tuple[str, dict[str, Any], Any]] = [
        ("PUT", {"quantity": 5, field: CASES[field].value}, CASES[field].value),
        ("PUT", {"quantity": 6}, CASES[field].value),
        ("PATCH", {"adjust": 1}, CASES[field].value),
        ("PUT", {"quantity": 7, "name": "nut"}, CASES[field].value),
        ("PUT", {"quantity": 7, field: CASES[field].other}, CASES[field].other),
        ("PUT", {"quantity": 7, field: None}, None),
    ]
    for version, (method, body, expected) in enumerate(steps, start=2):
        answer = await change(api, method, address, body)
        assert (answer[field], answer["version"]) == (expected, version), body
        assert await get(api, address) == answer
        assert await change(api, "PUT", address, {"quantity": answer["quantity"], field: expected}) == answer, (
            "a PUT of the same value must change nothing"
        )


@each_field
async def test_every_view_of_an_item_shows_the_field(
    api: aiohttp.ClientSession, shared_stack: Stack, field: str
) -> None:
    value, other = CASES[field].value, CASES[field].other
    start = await head(api)
    item = await create(api, **{field: value})
    address = f"{ITEMS}/{item['id']}"
    changed = await change(api, "PUT", address, {"quantity": 5, field: other})
    assert await get(api, ITEMS) == await get(api, ITEMS, limit=1) == [changed]
    assert await get(api, ITEMS, as_of=start + 1) == [item]
    assert [row[field] for row in await export_rows(api, f"?as_of={start + 1}")] == [str(value)]
    (last, first) = await get(api, f"{address}/history")
    assert (first["changes"][field], last["changes"]) == (
        {"from": None, "to": value},
        {field: {"from": value, "to": other}},
    )
    assert (first["after"], last["before"], last["after"]) == (item, item, changed)
    async with sse.subscribe(shared_stack.stream_url, last_event_id=f"{await epoch(api)}-{start}") as subscriber:
        assert [frame.json["data"] for frame in await subscriber.updates(2)] == [item, changed]
    await change(api, "DELETE", address)
    restored = await change(api, "POST", f"{address}/restore")
    assert restored == changed | {"version": 4, "updated_at": restored["updated_at"]}


async def epoch(api: aiohttp.ClientSession) -> str:
    async with api.get(ITEMS, params={"limit": "1"}) as response:
        return response.headers["Last-Event-ID"].partition("-")[0]


@each_field
async def test_an_import_sets_a_field_keeps_it_without_a_column_and_clears_it_by_an_empty_cell(
    api: aiohttp.ClientSession, field: str
) -> None:
    value, other = CASES[field].value, CASES[field].other
    await import_csv(api, as_csv({"name": "bolt", "quantity": 5, field: value}))
    (item,) = await get(api, ITEMS)
    assert item[field] == value
    (row,) = await export_rows(api)
    file = {"id": item["id"], "name": "bolt", "quantity": 6}
    answers = [
        await import_csv(api, as_csv(row)),
        await import_csv(api, as_csv(file)),
        await import_csv(api, as_csv(file | {field: other})),
        await import_csv(api, as_csv((await export_rows(api))[0])),
        await import_csv(api, as_csv(file | {field: ""})),
    ]
    assert [answer["updated"] for answer in answers] == [0, 1, 1, 0, 1]
    history = await get(api, f"{ITEMS}/{item['id']}/history")
    assert [entry["after"][field] for entry in history] == [None, other, value, value]


@each_field
async def test_an_invalid_value_is_refused_and_its_field_named(
    api: aiohttp.ClientSession, owner: asyncpg.Connection, field: str
) -> None:
    item = await create(api)
    for value in CASES[field].wrong:
        for method, path in (("POST", ITEMS), ("PUT", f"{ITEMS}/{item['id']}")):
            async with api.request(method, path, json={"name": "nut", "quantity": 1, field: value}) as response:
                assert [error["field"] for error in (await problem(response, 422, sent=value))["errors"]] == [field]
    for cell in CASES[field].wrong_cells:
        answer = await import_csv(api, as_csv({"name": "nut", "quantity": 1, field: cell}), 422)
        assert [(error["field"], error["column"]) for error in answer["errors"]] == [(field, 3)], cell
    for sql in CASES[field].wrong_sql:
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.NumericValueOutOfRangeError)):
            await owner.execute(f"UPDATE inventory SET {field} = {sql}")
    assert await get(api, ITEMS) == [item]


@each_field
async def test_the_database_normalizes_a_field_whoever_writes(
    api: aiohttp.ClientSession, owner: asyncpg.Connection, field: str
) -> None:
    case = CASES[field]
    if case.untidy_sql is None:
        return
    await owner.execute(f"INSERT INTO inventory (name, quantity, {field}) VALUES ('bolt', 1, {case.untidy_sql})")
    assert [item[field] for item in await get(api, ITEMS)] == [case.value]
    (item,) = await get(api, ITEMS)
    sent = await owner.fetchval(f"SELECT {case.untidy_sql}")
    assert await change(api, "PUT", f"{ITEMS}/{item['id']}", {"quantity": 1, field: sent}) == item


async def test_an_empty_note_is_stored_as_null(api: aiohttp.ClientSession) -> None:
    item = await create(api, note=" \r\n")
    assert item["note"] is None
    noted = await change(api, "PUT", f"{ITEMS}/{item['id']}", {"quantity": 5, "note": "a"})
    assert (noted["note"], noted["version"]) == ("a", 2)
    assert (await change(api, "PUT", f"{ITEMS}/{item['id']}", {"quantity": 5, "note": ""}))["note"] is None
