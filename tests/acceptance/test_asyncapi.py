"""The AsyncAPI document is correct: real frames of every kind match it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp
import jsonschema_rs
import pytest

from tests.accounts import add_admin_token
from tests.sse import Frame, subscribe
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.postgres import PostgresServer

ITEMS = "/api/inventories"
ANOTHER_LOG = "zzzzzzzz-1"


@pytest.fixture(scope="module")
def described_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {"STREAM_MAX_SUBSCRIBERS": "1", "AUTH": "login"}
    with running_stack(postgres, tmp_path_factory.mktemp("logs"), settings) as stack:
        yield stack


@pytest.fixture
async def description(described_stack: Stack) -> AsyncIterator[dict[str, Any]]:
    async with (
        aiohttp.ClientSession(described_stack.stream_url) as session,
        session.get("/asyncapi.json", headers={"Origin": described_stack.api_url}) as response,
    ):
        assert response.headers["Access-Control-Allow-Origin"] == described_stack.api_url
        yield await response.json()


async def write(stack: Stack, credentials: dict[str, str]) -> None:
    """Create, change and delete an item."""
    async with aiohttp.ClientSession(stack.api_url, headers=credentials) as api:
        async with api.post(ITEMS, json={"name": "bolt", "quantity": 5}) as response:
            address = response.headers["Location"]
        async with api.patch(address, json={"adjust": -1}), api.delete(address):
            pass


async def frames_of_every_kind(stack: Stack) -> list[Frame]:
    stack.sql("INSERT INTO inventory (name, quantity) VALUES ('nut', 7)")
    credentials = add_admin_token(stack, speaks_for_others=True)
    async with subscribe(stack.stream_url, "?snapshot=1", headers=credentials) as live:
        frames = [await live.next("snapshot"), await live.next("heartbeat")]
        async with subscribe(stack.stream_url, headers=credentials) as turned_away:
            frames += await turned_away.rest()
        await write(stack, credentials | {"X-Actor": "ann"})
        frames += await live.updates(3)
    async with subscribe(stack.stream_url, last_event_id=ANOTHER_LOG, headers=credentials) as lost:
        frames.append(await lost.next("reset"))
        stack.sql("DELETE FROM token")
        return [*frames, *await lost.rest()]


def schema_of(part: Any, description: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the document as a self-contained schema that rejects undocumented fields."""
    components = json.loads(json.dumps(description["components"]))
    for schema in components["schemas"].values():
        schema["additionalProperties"] = False
    return {**part, "components": components}


async def test_frames_of_every_kind_match_the_document(described_stack: Stack, description: dict[str, Any]) -> None:
    frames = [frame for frame in await frames_of_every_kind(described_stack) if frame.event]
    messages = description["components"]["messages"]
    assert {frame.event for frame in frames} == set(messages)
    for frame in frames:
        assert frame.event
        fields = {"event": frame.event} | ({"id": frame.id} if frame.id else {})
        jsonschema_rs.validate(schema_of(messages[frame.event]["headers"], description), fields)
        payload = schema_of(messages[frame.event]["payload"], description)
        jsonschema_rs.validate(payload, frame.json, validate_formats=True)


async def test_every_example_matches_its_schema(description: dict[str, Any]) -> None:
    for schema in description["components"]["schemas"].values():
        for example in schema["examples"]:
            jsonschema_rs.validate(schema_of(schema, description), example, validate_formats=True)


async def test_every_reference_resolves(description: dict[str, Any]) -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            yield from ([part["$ref"]] if "$ref" in part else [])
            part = list(part.values())
        if isinstance(part, list):
            for inner in part:
                yield from references(inner)

    for reference in references(description):
        place: Any = description
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, reference
            place = place[step]
