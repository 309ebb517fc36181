"""The API over a real socket: responses and errors."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from shared.log.fields import FIELDS
from tests.acceptance.client import ITEMS, JSON, create, problem, tagged_version
from tests.stack import Stack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import PostgresServer

INT4 = 2_147_483_647


async def test_a_created_item_is_answered_whole(api: aiohttp.ClientSession) -> None:
    async with api.post(ITEMS, json={"name": "  M4 bolt ", "quantity": 5}) as response:
        item = await response.json()
        assert response.status == 201
        assert response.headers["Location"] == f"{ITEMS}/{item['id']}"
        assert tagged_version(response) == 1
    assert list(item) == ["id", *FIELDS, "location", "counted_at", "version", "created_at", "updated_at"]
    assert (item["name"], item["quantity"], item["version"]) == ("M4 bolt", 5, 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", item["created_at"])


async def test_the_list_is_newest_change_first_and_carries_its_position(
    api: aiohttp.ClientSession, shared_stack: Stack
) -> None:
    first, second = await create(api, "a"), await create(api, "b")
    async with api.get(ITEMS) as response:
        assert [item["id"] for item in await response.json()] == [second["id"], first["id"]]
        position = response.headers["Last-Event-ID"]
    assert [(position,)] == shared_stack.sql("SELECT log_position()")
    async with api.patch(f"{ITEMS}/{first['id']}", json={"adjust": 1}):
        pass
    async with api.get(ITEMS) as response:
        assert [item["id"] for item in await response.json()] == [first["id"], second["id"]]
        assert response.headers["Last-Event-ID"] != position


async def test_an_empty_table_is_an_empty_list(api: aiohttp.ClientSession) -> None:
    async with api.get(ITEMS) as response:
        assert (response.status, await response.json()) == (200, [])


async def test_a_list_with_the_current_etag_is_a_304_until_something_changes(api: aiohttp.ClientSession) -> None:
    await create(api)
    async with api.get(ITEMS) as response:
        tag = response.headers["ETag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}'):
        async with api.get(ITEMS, headers={"If-None-Match": sent}) as response:
            assert (response.status, await response.read()) == (304, b"")
            assert tag.startswith(f'"{response.headers["Last-Event-ID"]}-')
            assert response.headers["ETag"] == tag
    await create(api)
    async with api.get(ITEMS, headers={"If-None-Match": tag}) as response:
        assert (response.status, len(await response.json())) == (200, 2)


async def test_an_item_has_its_version_as_etag(api: aiohttp.ClientSession) -> None:
    item = await create(api)
    async with api.get(f"{ITEMS}/{item['id']}") as response:
        assert (tagged_version(response), await response.json()) == (1, item)


async def test_put_sets_the_quantity_and_the_name_if_given(api: aiohttp.ClientSession) -> None:
    item = await create(api)
    address = f"{ITEMS}/{item['id']}"
    async with api.put(address, json={"quantity": 9}) as response:
        changed = await response.json()
        assert (response.status, tagged_version(response)) == (200, 2)
    assert (changed["name"], changed["quantity"], changed["version"]) == ("bolt", 9, 2)
    async with api.put(address, json={"quantity": 9, "name": "nut"}) as response:
        changed = await response.json()
    assert (changed["name"], changed["quantity"], changed["version"]) == ("nut", 9, 3)


async def test_a_put_of_the_current_values_changes_nothing(api: aiohttp.ClientSession) -> None:
    item = await create(api)
    async with api.put(f"{ITEMS}/{item['id']}", json={"quantity": 5, "name": "bolt"}) as response:
        assert (response.status, await response.json()) == (200, item)


async def test_if_match_is_honoured_and_a_412_shows_the_current_item(api: aiohttp.ClientSession) -> None:
    item = await create(api)
    address = f"{ITEMS}/{item['id']}"
    async with api.get(address) as response:
        tag = response.headers["ETag"]
    for matching in (tag, '"2"', "*", '"7", "4"'):
        async with api.put(
            address, json={"quantity": item["quantity"] + 1}, headers={"If-Match": matching}
        ) as response:
            assert response.status == 200
            item = await response.json()
    for old in (tag, '"1"', '""', '"no-version"', 'W/"5"', '"5-"', '"5-x"', '"999999999999999999999"'):
        for method, body in (("PUT", {"quantity": 1}), ("PATCH", {"adjust": 1}), ("DELETE", None)):
            async with api.request(method, address, json=body, headers={"If-Match": old}) as response:
                assert (await problem(response, 412))["current"] == item
                assert tagged_version(response) == item["version"]
    async with api.delete(address, headers={"If-Match": f'"{item["version"]}"'}) as response:
        assert response.status == 200


async def test_patch_adjusts_the_quantity_within_its_range(api: aiohttp.ClientSession) -> None:
    item = await create(api)
    address = f"{ITEMS}/{item['id']}"
    async with api.patch(address, json={"adjust": -3}) as response:
        changed = await response.json()
        assert changed["quantity"] == 2
    async with api.patch(address, json={"adjust": -3}) as response:
        body = await problem(response, 409)
        assert (body["current"], "below 0" in body["detail"]) == (changed, True)
    async with api.patch(address, json={"adjust": INT4 - 1}) as response:
        assert f"above {INT4}" in (await problem(response, 409))["detail"]
    async with api.get(address) as response:
        assert await response.json() == changed


async def test_a_deleted_item_is_gone(api: aiohttp.ClientSession) -> None:
    address = f"{ITEMS}/{(await create(api))['id']}"
    async with api.delete(address) as response:
        assert (response.status, await response.json()) == (200, {"message": "Item deleted successfully"})
    for method, body in (("GET", None), ("PUT", {"quantity": 1}), ("PATCH", {"adjust": 1}), ("DELETE", None)):
        async with api.request(method, address, json=body) as response:
            await problem(response, 404)


@pytest.mark.parametrize("item_id", ["0", "-1", "9223372036854775808", "1" + "0" * 30, "x", "1.0", "%00"])
async def test_an_impossible_id_is_a_404(api: aiohttp.ClientSession, item_id: str) -> None:
    async with api.get(f"{ITEMS}/{item_id}") as response:
        await problem(response, 404)


async def test_an_invalid_actor_is_refused_even_when_the_response_would_be_replayed(
    api: aiohttp.ClientSession,
) -> None:
    body, key = {"name": "a", "quantity": 1}, {"Idempotency-Key": "once"}
    async with api.post(ITEMS, json=body, headers=key) as response:
        assert response.status == 201
    async with api.post(ITEMS, json=body, headers=key | {"X-Actor": ""}) as response:
        await problem(response, 400)


async def test_the_actor_reaches_the_log(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    async with api.post(ITEMS, json={"name": "a", "quantity": 1}, headers={"X-Actor": "Zoë"}):
        pass
    latest = "SELECT actor FROM inventory_history ORDER BY event_id DESC LIMIT 1"
    assert shared_stack.sql(latest) == [("Zoë",)]
    await create(api)
    assert shared_stack.sql(latest) == [("stockstream_api",)]


@pytest.mark.parametrize("actor", ["", "x" * 201, "a\tb", "\u0085"])
async def test_an_invalid_actor_is_refused(api: aiohttp.ClientSession, actor: str) -> None:
    async with api.post(ITEMS, json={"name": "a", "quantity": 1}, headers={"X-Actor": actor}) as response:
        await problem(response, 400)


FIELD_ERRORS = [
    ({"name": "a"}, "quantity"),
    ({"quantity": 1}, "name"),
    ({"name": "", "quantity": 1}, "name"),
    ({"name": " \t\n", "quantity": 1}, "name"),
    ({"name": "x" * 201, "quantity": 1}, "name"),
    ({"name": "a\u0007", "quantity": 1}, "name"),
    ({"name": "a\u0000", "quantity": 1}, "name"),
    ({"name": "a\u009f", "quantity": 1}, "name"),
    ({"name": 7, "quantity": 1}, "name"),
    ({"name": None, "quantity": 1}, "name"),
    ({"name": "a", "quantity": -1}, "quantity"),
    ({"name": "a", "quantity": INT4 + 1}, "quantity"),
    ({"name": "a", "quantity": 2**63}, "quantity"),
    ({"name": "a", "quantity": 10**300}, "quantity"),
    ({"name": "a", "quantity": 1.0}, "quantity"),
    ({"name": "a", "quantity": "1"}, "quantity"),
    ({"name": "a", "quantity": True}, "quantity"),
    ({"name": "a", "quantity": None}, "quantity"),
    ({"name": "a", "quantity": 1, "id": 7}, "id"),
]


@pytest.mark.parametrize(("body", "field"), FIELD_ERRORS)
async def test_a_bad_field_is_a_422_that_names_it(api: aiohttp.ClientSession, body: Any, field: str) -> None:
    async with api.post(ITEMS, json=body) as response:
        assert [fault["field"] for fault in (await problem(response, 422))["errors"]] == [field]


@pytest.mark.parametrize("body", [[], "x", 1, None])
async def test_a_json_body_that_is_not_an_object_is_a_422(api: aiohttp.ClientSession, body: Any) -> None:
    async with api.post(ITEMS, data=json.dumps(body), headers=JSON) as response:
        assert [fault["field"] for fault in (await problem(response, 422))["errors"]] == ["body"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"name": "a", "quantity": 1',
        b'{"name": "\xff", "quantity": 1}',
        b"[" * 30_000,
    ],
)
async def test_a_broken_body_is_a_400(api: aiohttp.ClientSession, body: bytes) -> None:
    async with api.post(ITEMS, data=body, headers=JSON) as response:
        await problem(response, 400)


async def test_a_lone_surrogate_is_a_422(api: aiohttp.ClientSession) -> None:
    async with api.post(ITEMS, data=rb'{"name": "\ud800", "quantity": 1}', headers=JSON) as response:
        await problem(response, 422)


async def test_a_body_that_is_not_json_is_a_415(api: aiohttp.ClientSession) -> None:
    for headers in ({"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}):
        async with api.post(ITEMS, data=b'{"name": "a", "quantity": 1}', headers=headers) as response:
            await problem(response, 415)


async def test_a_body_that_is_too_large_is_a_413(api: aiohttp.ClientSession) -> None:
    async with api.post(ITEMS, data=b" " * 70_000, headers=JSON) as response:
        await problem(response, 413)


async def test_a_wrong_method_is_a_405_that_names_the_right_ones(api: aiohttp.ClientSession) -> None:
    async with api.put(ITEMS, json={}) as response:
        await problem(response, 405)
        assert {"GET", "POST"} <= set(re.split(r",\s*", response.headers["Allow"]))


@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/inventories/", "/static/../pyproject.toml", "/static/"])
async def test_an_unknown_path_is_a_404(api: aiohttp.ClientSession, path: str) -> None:
    async with api.get(path) as response:
        await problem(response, 404)


async def test_files_outside_the_frontend_are_out_of_reach(shared_stack: Stack) -> None:
    for path in ("/static/../shared/process/settings.py", "/static/..%2fshared/settings.py", "/static//etc/passwd"):
        with socket.create_connection(("127.0.0.1", shared_stack.ports["api"])) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert b" 404 " in answer.splitlines()[0], path


async def test_data_of_clients_is_not_logged(api: aiohttp.ClientSession, shared_stack: Stack) -> None:
    async with api.post(ITEMS, json={"name": "top secret", "quantity": -1}) as response:
        await problem(response, 422)
    assert "top secret" not in shared_stack.log("api")


async def test_the_page_is_served_with_a_policy_that_forbids_inline_code(
    api: aiohttp.ClientSession, shared_stack: Stack
) -> None:
    async with api.get("/") as response:
        policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
        page = await response.text()
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == f"'self' {shared_stack.stream_url}"
    assert f'content="{shared_stack.stream_url}/events"' in page


@pytest.mark.parametrize("host", ["evil; script-src *", "a b", "[::1", '"><script>'])
async def test_a_hostile_host_header_does_not_reach_the_policy(api: aiohttp.ClientSession, host: str) -> None:
    async with api.get("/", headers={"Host": host}) as response:
        if response.status == 200:
            assert "script-src *" not in response.headers["Content-Security-Policy"]
            assert host not in await response.text()


async def test_health_is_about_the_process_and_readiness_about_the_database(api: aiohttp.ClientSession) -> None:
    for path, status in (("/healthz", "alive"), ("/readyz", "ready")):
        async with api.get(path) as response:
            assert (response.status, await response.json()) == (200, {"status": status})


async def test_without_a_database_it_is_alive_not_ready_and_says_503(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    stack = Stack(own_postgres, own_postgres.create_database(), tmp_path)
    try:
        stack.start("api")
        own_postgres.stop()
        async with aiohttp.ClientSession(stack.api_url) as api:
            async with api.get("/healthz") as response:
                assert response.status == 200
            async with api.get("/readyz") as response:
                await problem(response, 503)
            async with api.get(ITEMS) as response:
                await problem(response, 503)
                assert int(response.headers["Retry-After"]) > 0
            async with api.post(ITEMS, json={"name": "a", "quantity": 1}) as response:
                await problem(response, 503)
            own_postgres.start()
            stack.wait_until_ready("api")
            await create(api)
    finally:
        stack.close()
