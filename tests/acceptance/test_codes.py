"""Codes are unique, whoever writes, and an item is found by its code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tests.acceptance.client import (
    ITEMS,
    as_csv,
    change,
    create,
    export_rows,
    get,
    head,
    import_csv,
    problem,
    refused,
    tagged_version,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import aiohttp

WRITERS = 16


async def check_code_taken(response: aiohttp.ClientResponse, owner: dict[str, Any]) -> None:
    """Check that the response is a 409 that shows the item with this code."""
    body = await problem(response, 409)
    assert (body["current"], tagged_version(response)) == (owner, owner["version"])
    assert [error["field"] for error in body["errors"]] == ["code"]
    assert owner["code"] in body["detail"]


@pytest.mark.parametrize("code", ["A-1", "(code)=(x)", "é \N{PACKAGE}", "x" * 100])
async def test_the_code_of_another_item_is_refused_and_the_item_shown(api: aiohttp.ClientSession, code: str) -> None:
    owner, other = await create(api, "bolt", 1, code=code), await create(api, "nut", 1, code=None)
    address = f"{ITEMS}/{other['id']}"
    async with api.post(ITEMS, json={"name": "new", "quantity": 1, "code": code}) as response:
        await check_code_taken(response, owner)
    async with api.post(
        ITEMS, json={"name": "new", "quantity": 1, "code": f" {code} "}, headers={"Idempotency-Key": f"k{hash(code)}"}
    ) as response:
        await check_code_taken(response, owner)
    async with api.put(address, json={"quantity": 2, "code": code}) as response:
        await check_code_taken(response, owner)
    assert await get(api, ITEMS, sort="name") == [owner, other]
    await change(api, "PUT", f"{ITEMS}/{owner['id']}", {"quantity": 3, "code": code})


async def test_codes_are_compared_exactly(api: aiohttp.ClientSession) -> None:
    for code in ("a-1", "A-1", "A1", "\u00c9", "E\u0301"):
        await create(api, "bolt", 1, code=code)


async def test_the_code_of_a_deleted_item_is_free_and_a_restore_may_find_it_taken(api: aiohttp.ClientSession) -> None:
    first = await create(api, "bolt", 1, code="A-1")
    await change(api, "DELETE", f"{ITEMS}/{first['id']}")
    second = await create(api, "nut", 1, code="A-1")
    for headers in ({}, {"Idempotency-Key": "restore-1"}):
        async with api.post(f"{ITEMS}/{first['id']}/restore", headers=headers) as response:
            await check_code_taken(response, second)
    await change(api, "PUT", f"{ITEMS}/{second['id']}", {"quantity": 1, "code": None})
    assert (await change(api, "POST", f"{ITEMS}/{first['id']}/restore"))["code"] == "A-1"


async def test_only_one_of_sixteen_concurrent_writers_gets_a_code(api: aiohttp.ClientSession) -> None:
    others = [await create(api, f"other {number}") for number in range(WRITERS // 2)]

    async def want(number: int) -> int:
        if number < len(others):
            sent = api.put(f"{ITEMS}/{others[number]['id']}", json={"quantity": 5, "code": "A-1"})
        else:
            sent = api.post(ITEMS, json={"name": "new", "quantity": 5, "code": "A-1"})
        async with sent as response:
            if response.status == 409:
                assert (await problem(response, 409))["current"]["code"] == "A-1"
            return response.status

    statuses = await asyncio.gather(*(want(number) for number in range(WRITERS)))
    assert sorted(statuses)[1:] == [409] * (WRITERS - 1)
    assert sorted(statuses)[0] in {200, 201}
    assert len(await get(api, ITEMS, code="A-1")) == 1


async def test_psql_cannot_reuse_a_code_either(api: aiohttp.ClientSession, owner: asyncpg.Connection) -> None:
    await create(api, "bolt", 1, code="A-1")
    with pytest.raises(asyncpg.UniqueViolationError):
        await owner.execute("INSERT INTO inventory (name, quantity, code) VALUES ('nut', 1, ' A-1 ')")


# Finding ------------------------------------------------------------------------------------------------------------


async def test_an_item_is_found_by_exactly_its_code_now_and_in_the_past(api: aiohttp.ClientSession) -> None:
    item = await create(api, "bolt", 1, code="a-1 x")
    await create(api, "nut", 1, code="a-1")
    then = await head(api)
    for query in ("a-1 x", "  a-1 x\u2003"):
        assert await get(api, ITEMS, code=query) == [item]
        assert [row["name"] for row in await export_rows(api, f"?code={query}")] == ["bolt"]
    for query in ("A-1 X", "a-1 ", "1"):
        assert item not in await get(api, ITEMS, code=query)
    renamed = await change(api, "PUT", f"{ITEMS}/{item['id']}", {"quantity": 1, "code": "b"})
    assert (await get(api, ITEMS, code="a-1 x"), await get(api, ITEMS, code="b")) == ([], [renamed])
    assert await get(api, ITEMS, code="a-1 x", as_of=then) == [item]
    assert [row["name"] for row in await export_rows(api, f"?code=a-1 x&as_of={then}")] == ["bolt"]
    assert await get(api, ITEMS, code="b", q="nut") == []
    for wrong in ("", " ", "x" * 101, "a\nb"):
        async with api.get(ITEMS, params={"code": wrong}) as response:
            await refused(response, "code")


async def test_a_search_covers_codes_as_well_as_names(api: aiohttp.ClientSession) -> None:
    item = await create(api, "Pallet jack", 1, code="PJ-É25")
    await create(api, "bolt", 1, code=None)
    then = await head(api)
    for when in ({}, {"as_of": then}):
        for text in ("pj-e25", "J-é", "jack"):
            assert await get(api, ITEMS, q=text, **when) == [item], text
        assert await get(api, ITEMS, q="jack pj", **when) == [item], "words may be in either field"
        assert await get(api, ITEMS, q="jackpj", **when) == [], "a word must match within one field"
    assert [row["name"] for row in await export_rows(api, "?q=pj-e")] == ["Pallet jack"]
    await change(api, "PUT", f"{ITEMS}/{item['id']}", {"quantity": 1, "code": None})
    assert await get(api, ITEMS, q="pj-e25") == []


async def test_items_with_the_same_name_are_ordered_by_code(api: aiohttp.ClientSession) -> None:
    for code in ("B10", None, "b9", "a"):
        await create(api, "bolt", 1, code=code)
    await create(api, "bolt 1", 1, code="0")
    expected = [None, "a", "b9", "B10", "0"]
    for when in ({}, {"as_of": await head(api)}):
        assert [item["code"] for item in await get(api, ITEMS, sort="name", **when)] == expected
        assert [item["code"] for item in await get(api, ITEMS, sort="-name", **when)] == expected[::-1]


# Import -------------------------------------------------------------------------------------------------------------


def row(item: dict[str, Any] | None, code: str | None, name: str = "new") -> dict[str, Any]:
    known = {"id": item["id"], "name": item["name"]} if item else {"id": "", "name": name}
    return known | {"quantity": 1, "code": code or ""}


async def codes(api: aiohttp.ClientSession) -> dict[str, str | None]:
    return {item["name"]: item["code"] for item in await get(api, ITEMS)}


async def test_an_import_may_exchange_codes_and_give_a_new_item_one_that_becomes_free(
    api: aiohttp.ClientSession,
) -> None:
    one, two, three = [await create(api, f"bolt {code}", 1, code=code) for code in "abc"]
    file = as_csv(row(None, "c"), row(one, "b"), row(two, "a"), row(three, None))
    assert await import_csv(api, file, query="?dry_run=1") == {"created": 1, "updated": 3, "unchanged": 0}
    assert await codes(api) == {"bolt a": "a", "bolt b": "b", "bolt c": "c"}
    await import_csv(api, file)
    assert await codes(api) == {"new": "c", "bolt a": "b", "bolt b": "a", "bolt c": None}


@pytest.mark.parametrize("query", ["", "?dry_run=1"])
async def test_an_import_names_the_lines_of_codes_that_are_taken_or_repeated(
    api: aiohttp.ClientSession, query: str
) -> None:
    one, two = [await create(api, f"bolt {code}", 1, code=code) for code in "ab"]

    async def faults(*rows: dict[str, Any]) -> Sequence[tuple[int, str, str]]:
        answer = await import_csv(api, as_csv(*rows), 422, query)
        return [(error["line"], error["field"], error["message"]) for error in answer["errors"]]

    a_is_taken = f'"a" is the code of item {one["id"]} already'
    assert await faults(row(None, "x"), row(None, "a")) == [(3, "code", a_is_taken)]
    assert await faults(row(two, "a")) == [(2, "code", a_is_taken)]
    assert await faults(row(two, "a"), row(one, "a")) == [
        (3, "code", '"a" is in the file twice'),
        (2, "code", a_is_taken),
    ]
    assert await faults(row(None, "x"), row(None, " x")) == [(3, "code", '"x" is in the file twice')]
    assert await faults(row(None, "a"), row(one, "a")) == [
        (3, "code", '"a" is in the file twice'),
        (2, "code", a_is_taken),
    ]
    assert await codes(api) == {"bolt a": "a", "bolt b": "b"}


async def test_codes_of_many_rows_are_exchanged_across_statements(api: aiohttp.ClientSession) -> None:
    count = 1_500
    await import_csv(api, as_csv(*(row(None, f"c{number}", f"n{number}") for number in range(count))))
    items = sorted(await get(api, ITEMS), key=lambda item: item["id"])
    moved = [row(item, f"c{(number + 1) % count}") for number, item in enumerate(items)]
    assert (await import_csv(api, as_csv(*moved)))["updated"] == count
    assert await codes(api) == {f"n{number}": f"c{(number + 1) % count}" for number in range(count)}


async def test_a_code_that_is_taken_while_an_import_runs_is_a_409(
    api: aiohttp.ClientSession, owner: asyncpg.Connection
) -> None:
    """The other transaction is open when the import checks the code, and commits before the import does."""
    async with asyncio.TaskGroup() as group, owner.transaction():
        await owner.execute("INSERT INTO inventory (name, quantity, code) VALUES ('nut', 1, 'A-1')")
        sent = group.create_task(import_csv(api, as_csv(row(None, "A-1")), 409))
        await until_import_waits(owner)
    assert (await sent)["current"]["name"] == "nut"
    assert await codes(api) == {"nut": "A-1"}


async def until_import_waits(connection: asyncpg.Connection) -> None:
    async with asyncio.timeout(20):
        while not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')"
        ):
            await asyncio.sleep(0.01)
