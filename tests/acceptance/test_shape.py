"""A migration adds a field to the documents while the services run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import asyncpg
import pytest

from shared.db.database import read_functions
from shared.log.fields import FIELDS, REQUIRED_FIELDS
from tests import sse
from tests.acceptance.client import ITEMS, change, create, get, head

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.stack import Stack

FIELD = "item.quantity,"
OPTIONAL_FIELDS = FIELDS[len(REQUIRED_FIELDS) :]
FIELD_AND_COLOUR = "item.quantity, NULL::text AS colour,"


@pytest.fixture
async def owner(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def api(stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(stack.api_url) as session:
        yield session


async def test_cached_documents_are_sent_again_and_old_ones_have_the_new_field(
    api: aiohttp.ClientSession, owner: asyncpg.Connection, stack: Stack
) -> None:
    epoch = await owner.fetchval("SELECT log_epoch()")
    start = await head(api)
    item = await create(api)
    then = await head(api)
    address = f"{ITEMS}/{item['id']}"
    await change(api, "PUT", address, {"quantity": 9})
    lists = (ITEMS, f"{ITEMS}?limit=1", f"{ITEMS}?as_of={then}")
    tags = {path: await _tag(api, path) for path in (*lists, address)}
    assert [await _is_not_modified(api, path, tag) for path, tag in tags.items()] == [True] * len(tags)
    functions = read_functions().text
    assert FIELD in functions
    await owner.execute(functions.replace(FIELD, FIELD_AND_COLOUR, 1))
    assert [await _is_not_modified(api, path, tag) for path, tag in tags.items()] == [False] * len(tags)
    shown = [document for path in lists for document in await get(api, path)]
    shown += [entry[side] for entry in await get(api, f"{address}/history") for side in ("before", "after")]
    assert [list(document) for document in shown if document is not None] == [
        [
            "id",
            "name",
            "quantity",
            "colour",
            *OPTIONAL_FIELDS,
            "location",
            "counted_at",
            "version",
            "created_at",
            "updated_at",
        ]
    ] * (len(lists) + 3)
    assert {document["colour"] for document in shown if document is not None} == {None}
    async with api.put(address, json={"quantity": 8}, headers={"If-Match": tags[address]}) as response:
        assert response.status == 200, "If-Match must depend on the version alone"
    stack.kill("stream")  # its ring still holds the old documents
    stack.start("stream")
    async with sse.subscribe(stack.stream_url, last_event_id=f"{epoch}-{start}") as subscriber:
        sent = [frame.json["data"] for frame in await subscriber.updates(3)]
    history = await get(api, f"{address}/history")
    assert sent == [entry["after"] for entry in reversed(history)]
    assert [document["colour"] for document in sent] == [None] * 3


async def _tag(api: aiohttp.ClientSession, path: str) -> str:
    async with api.get(path) as response:
        assert response.status == 200
        return response.headers["ETag"]


async def _is_not_modified(api: aiohttp.ClientSession, path: str, tag: str) -> bool:
    async with api.get(path, headers={"If-None-Match": tag}) as response:
        assert response.status in {200, 304}
        return response.status == 304
