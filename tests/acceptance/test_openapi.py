"""The OpenAPI document is correct: every check of schemathesis passes against the running service."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import jsonschema_rs
import pytest

from tests.accounts import PASSWORD, add_admin_token
from tests.stack import ROOT, environment, running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import PostgresServer

ITEMS = "/api/inventories"
CONFIGURATION = ROOT / "tests" / "schemathesis.toml"
SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"


class Api(NamedTuple):
    url: str
    credentials: dict[str, str]


@pytest.fixture(scope="module")
def described(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API with accounts, and the headers of an admin."""
    with running_stack(postgres, tmp_path_factory.mktemp("logs"), {"AUTH": "login"}, ["api"]) as stack:
        yield Api(stack.api_url, add_admin_token(stack))


@pytest.mark.timeout(300)  # enough for a busy machine
def test_schemathesis_finds_no_undocumented_response(described: Api, tmp_path: Path) -> None:
    """Runs examples, boundary values, random requests and sequences of them. Every run sends the same requests."""
    done = subprocess.run(
        [SCHEMATHESIS, "--config-file", CONFIGURATION, "run", f"{described.url}/openapi.json"],
        cwd=tmp_path,
        env=environment(COLUMNS="120", STOCKSTREAM_TOKEN=described.credentials["Authorization"].split()[1]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    request = urllib.request.Request(f"{described.url}/api/accounts", headers=described.credentials)
    with urllib.request.urlopen(request):  # raises, if one of the requests has revoked the token of all others
        pass


# Requests, successful and not once item 1 exists, with their path in the document.
ANSWERS = {
    ITEMS: ITEMS,
    f"{ITEMS}/1": f"{ITEMS}/{{item_id}}",
    f"{ITEMS}/1/history": f"{ITEMS}/{{item_id}}/history",
    f"{ITEMS}/deleted": f"{ITEMS}/deleted",
    "/api/history": "/api/history",
    "/api/trends?item=1": "/api/trends",
    "/api/labels?item=1&item=2": "/api/labels",
    "/api/session": "/api/session",
    "/api/sessions": "/api/sessions",
    "/api/accounts": "/api/accounts",
    "/api/accounts/1": "/api/accounts/{account_id}",
    "/api/tokens": "/api/tokens",
    "/api/access-log": "/api/access-log",
    "/healthz": "/healthz",
    "/readyz": "/readyz",
    f"{ITEMS}/999999": f"{ITEMS}/{{item_id}}",
    f"{ITEMS}?limit=0": ITEMS,
    f"{ITEMS}?as_of=999999999": ITEMS,
}


async def test_no_response_has_an_undocumented_field(described: Api) -> None:
    async with aiohttp.ClientSession(described.url, headers=described.credentials) as api:
        await api.post("/api/accounts", json={"name": "ann", "password": PASSWORD, "grants": [{"role": "editor"}]})
        async with api.post(ITEMS, json={"name": "bolt", "quantity": 5}) as response:
            assert response.status == 201, await response.text()
            await api.delete(response.headers["Location"])
        await api.post(ITEMS, json={"name": "nut", "quantity": 5})
        await api.post(f"{ITEMS}/1/restore")
        async with api.get("/openapi.json") as response:
            openapi = await response.json()
        for schema in openapi["components"]["schemas"].values():
            schema.setdefault("additionalProperties", False)
        for address, path in ANSWERS.items():
            async with api.get(address) as response:
                documented = openapi["paths"][path]["get"]["responses"][str(response.status)]
                validate(openapi, documented, response.content_type, json.loads(await response.read()))


def validate(openapi: dict[str, Any], described: dict[str, Any], content_type: str, answer: Any) -> None:
    if "$ref" in described:
        described = openapi["components"]["responses"][described["$ref"].rpartition("/")[2]]
    schema = described["content"][content_type]["schema"]
    jsonschema_rs.validate({**schema, "components": openapi["components"]}, answer, validate_formats=True)
