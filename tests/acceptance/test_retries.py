"""`Idempotency-Key`: a repeated change is made once and gets the same response."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.acceptance.client import ITEMS, JSON, change, create, get, head, problem
from tests.acceptance.log import read_log

if TYPE_CHECKING:
    from collections.abc import Mapping

    import aiohttp

    from tests.stack import Stack

DUPLICATES = 16
_numbers = itertools.count()


def new_key() -> str:
    return f"retry-{next(_numbers)}"


class Answer(NamedTuple):
    status: int
    body: str
    kept_headers: Mapping[str, str | None]
    is_replay: bool


async def send(
    api: aiohttp.ClientSession,
    method: str,
    path: str,
    body: Any = None,
    *,
    key: str | None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send a request with an idempotency key. A body of bytes is sent unchanged, others as JSON."""
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    sent = {**({} if data is None else JSON), **({} if key is None else {"Idempotency-Key": key}), **(headers or {})}
    async with api.request(method, path, data=data, headers=sent) as response:
        kept = {name: response.headers.get(name) for name in ("ETag", "Location", "Content-Type")}
        return Answer(response.status, await response.text(), kept, "Idempotent-Replayed" in response.headers)


async def changes(api: aiohttp.ClientSession) -> list[tuple[str, str, dict[str, Any], Any]]:
    """Return method, path, headers and body of each kind of change that takes a key."""
    there, gone = await create(api), await create(api)
    await change(api, "DELETE", f"{ITEMS}/{gone['id']}")
    return [
        ("POST", ITEMS, {}, {"name": "é", "quantity": 1}),
        ("PATCH", f"{ITEMS}/{there['id']}", {}, {"adjust": -1}),
        ("PATCH", f"{ITEMS}/{there['id']}", {"If-Match": '"2"'}, {"adjust": -1}),
        ("POST", f"{ITEMS}/{gone['id']}/restore", {}, None),
        ("POST", f"{ITEMS}/import", {"Content-Type": "text/csv"}, b"name,quantity\nnut,1\n"),
    ]


async def test_a_repeated_change_gets_the_same_response_and_is_made_once(
    api: aiohttp.ClientSession, shared_stack: Stack
) -> None:
    for method, path, headers, body in await changes(api):
        start, key = await head(api), new_key()
        first = await send(api, method, path, body, key=key, headers=headers)
        assert first.status in {200, 201}, first
        assert not first.is_replay
        for _ in range(2):
            assert await send(api, method, path, body, key=key, headers=headers) == first._replace(is_replay=True)
        assert len(read_log(shared_stack, start)) == 1, path


async def test_the_replayed_response_stays_the_same_whatever_happened_to_the_item(api: aiohttp.ClientSession) -> None:
    key = new_key()
    first = await send(api, "POST", ITEMS, {"name": "bolt", "quantity": 5}, key=key)
    address = first.kept_headers["Location"]
    await change(api, "PATCH", f"{address}", {"adjust": 1})
    await change(api, "DELETE", f"{address}")
    assert await send(api, "POST", ITEMS, {"name": "bolt", "quantity": 5}, key=key) == first._replace(is_replay=True)
    assert await get(api, ITEMS) == []


async def test_concurrent_duplicates_make_one_change_and_get_the_same_response(
    api: aiohttp.ClientSession, shared_stack: Stack
) -> None:
    for method, path, headers, body in await changes(api):
        start, key = await head(api), new_key()
        answers = await asyncio.gather(
            *(send(api, method, path, body, key=key, headers=headers) for _ in range(DUPLICATES))
        )
        assert len({answer.body for answer in answers}) == 1
        assert {answer.status for answer in answers} <= {200, 201}
        assert [answer.is_replay for answer in answers].count(False) == 1
        assert len(read_log(shared_stack, start)) == 1, path


async def test_refused_concurrent_duplicates_change_nothing(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    item = await create(api)
    start, key = await head(api), new_key()
    answers = await asyncio.gather(
        *(send(api, "PATCH", f"{ITEMS}/{item['id']}", {"adjust": -6}, key=key) for _ in range(DUPLICATES))
    )
    assert {answer.status for answer in answers} == {409}
    assert read_log(shared_stack, start) == []


async def test_the_same_key_for_another_request_is_refused(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    item, other = await create(api), await create(api)
    address, key = f"{ITEMS}/{item['id']}", new_key()
    assert (await send(api, "PATCH", address, {"adjust": -1}, key=key)).status == 200
    start = await head(api)
    for method, path, body, headers in (
        ("PATCH", address, {"adjust": -2}, {}),
        ("PATCH", address, {"adjust": -1}, {"If-Match": '"2"'}),
        ("PATCH", f"{ITEMS}/{other['id']}", {"adjust": -1}, {}),
        ("POST", ITEMS, {"name": "a", "quantity": 1}, {}),
        ("POST", f"{address}/restore", None, {}),
    ):
        answer = await send(api, method, path, body, key=key, headers=headers)
        assert (answer.status, "Idempotency-Key" in answer.body) == (422, True)
    assert read_log(shared_stack, start) == []
    assert (await send(api, "PATCH", address, {"adjust": -1}, key=key)).is_replay


async def test_the_formatting_of_a_body_does_not_matter(api: aiohttp.ClientSession) -> None:
    key = new_key()
    first = await send(api, "POST", ITEMS, b'{"name": "\xc3\xbc", "quantity": 1}', key=key)
    for same in (b'{"name":"\\u00fc","quantity":1}', b'\n{ "quantity" : 1 ,\t"name": " \xc3\xbc " }\n'):
        assert await send(api, "POST", ITEMS, same, key=key) == first._replace(is_replay=True)
    assert len(await get(api, ITEMS)) == 1


async def test_a_refused_request_does_not_use_up_its_key(api: aiohttp.ClientSession) -> None:
    item = await create(api)
    address = f"{ITEMS}/{item['id']}"
    for method, path, bad, status, good in (
        ("PATCH", address, {"adjust": -6}, 409, {"adjust": -5}),
        ("PATCH", f"{ITEMS}/{2**63 - 1}", {"adjust": 1}, 404, None),
        ("POST", ITEMS, {"name": "", "quantity": 1}, 422, {"name": "a", "quantity": 1}),
        ("POST", ITEMS, b"{", 400, {"name": "a", "quantity": 1}),
        ("POST", f"{address}/restore", None, 409, None),
    ):
        key = new_key()
        assert (await send(api, method, path, bad, key=key)).status == status
        if good is not None:
            answer = await send(api, method, path, good, key=key)
            assert (answer.status in {200, 201}, answer.is_replay) == (True, False)
    key = new_key()
    assert (await send(api, "POST", f"{address}/restore", key=key)).status == 409
    await change(api, "DELETE", address)
    assert (await send(api, "POST", f"{address}/restore", key=key)).status == 201
    assert (await send(api, "POST", f"{address}/restore", key=key)).is_replay


async def test_a_key_older_than_a_day_is_forgotten(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    key, body = new_key(), {"name": "bolt", "quantity": 1}
    assert (await send(api, "POST", ITEMS, body, key=key)).status == 201
    age = "UPDATE idempotency_key SET created_at = created_at - interval '{}' WHERE key = '" + key + "'"
    shared_stack.sql(age.format("23 hours 59 minutes"))
    assert (await send(api, "POST", ITEMS, body, key=key)).is_replay
    shared_stack.sql(age.format("1 minute"))
    answers = await asyncio.gather(*(send(api, "POST", ITEMS, body, key=key) for _ in range(DUPLICATES)))
    assert [answer.is_replay for answer in answers].count(False) == 1
    assert len(await get(api, ITEMS)) == 2
    shared_stack.sql(age.format("25 hours"))
    assert (await send(api, "POST", ITEMS, {"name": "other", "quantity": 1}, key=key)).status == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "\u00fc", "a\tb", '"quoted key"'])
async def test_an_invalid_key_is_refused(api: aiohttp.ClientSession, key: str) -> None:
    item = await create(api)
    for method, path, body in (
        ("POST", ITEMS, {"name": "a", "quantity": 1}),
        ("PATCH", f"{ITEMS}/{item['id']}", {"adjust": 1}),
        ("POST", f"{ITEMS}/{item['id']}/restore", None),
    ):
        async with api.request(method, path, json=body, headers={"Idempotency-Key": key}) as response:
            assert "Idempotency-Key" in (await problem(response, 400))["detail"]
    assert await get(api, ITEMS) == [item]


@pytest.mark.parametrize("key", ["!", "~", "x" * 255, "'; DROP TABLE idempotency_key; --".replace(" ", ""), '"{}"'])
async def test_a_key_may_contain_any_printable_ascii_character(api: aiohttp.ClientSession, key: str) -> None:
    body = {"name": "a", "quantity": 1}
    assert (await send(api, "POST", ITEMS, body, key=key)).status == 201
    assert (await send(api, "POST", ITEMS, body, key=key)).is_replay


async def test_without_a_key_every_request_is_a_change(api: aiohttp.ClientSession) -> None:
    for _ in range(2):
        assert (await send(api, "POST", ITEMS, {"name": "a", "quantity": 1}, key=None)).status == 201
    assert len(await get(api, ITEMS)) == 2
