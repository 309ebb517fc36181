"""An API client for the tests: common requests that check the response."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    import aiohttp

ITEMS = "/api/inventories"
SHOWN_CHARACTERS = 300
JSON = {"Content-Type": "application/json"}
CSV = {"Content-Type": "text/csv"}


async def create(
    api: aiohttp.ClientSession,
    name: str = "bolt",
    quantity: int = 5,
    headers: Mapping[str, str] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Create an item and return it."""
    async with api.post(ITEMS, json={"name": name, "quantity": quantity, **fields}, headers=headers) as response:
        assert response.status == 201, await response.text()
        item: dict[str, Any] = await response.json()
        return item


async def get(api: aiohttp.ClientSession, path: str, /, **query: Any) -> Any:
    """Send a GET, check for status 200 and return the decoded JSON body."""
    async with api.get(path, params=query) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def change(api: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> Any:
    """Send a change, check that it succeeds and return the decoded JSON body."""
    async with api.request(method, path, json=body) as response:
        assert response.status in {200, 201}, await response.text()
        return await response.json()


async def import_csv(
    api: aiohttp.ClientSession,
    text: str | bytes,
    status: int = 200,
    query: str = "",
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Import a CSV file, check the status and return the decoded JSON body."""
    async with api.post(f"{ITEMS}/import{query}", data=text, headers={**CSV, **(headers or {})}) as response:
        body: dict[str, Any] = json.loads(await response.text())
        assert response.status == status, body
        return body


async def export_csv(api: aiohttp.ClientSession, query: str = "") -> str:
    async with api.get(f"{ITEMS}/export{query}") as response:
        assert response.status == 200
        assert response.content_type == "text/csv"
        return (await response.read()).decode()


async def export_rows(api: aiohttp.ClientSession, query: str = "") -> list[dict[str, str]]:
    """Return the rows of an export, each as a dict keyed by column name."""
    return list(csv.DictReader(io.StringIO(await export_csv(api, query), newline="")))


def as_csv(*rows: Mapping[str, Any]) -> str:
    """Return rows that have the same columns as a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


async def pages(api: aiohttp.ClientSession, path: str, /, **query: Any) -> AsyncGenerator[list[Any]]:
    """Yield each page of a list, following the `next` links to the end."""
    address = URL(path).with_query(query)
    while True:
        async with api.get(address) as response:
            assert response.status == 200, await response.text()
            yield await response.json()
            link = response.headers.get("Link")
        if link is None:
            return
        found = re.fullmatch(r'<(/[!-~]+)>; rel="next"', link)
        assert found, link
        address = URL(found[1], encoded=True)


async def walk(api: aiohttp.ClientSession, path: str, /, **query: Any) -> list[Any]:
    """Return the rows of all pages of a list."""
    return [row async for page in pages(api, path, **query) for row in page]


async def head(api: aiohttp.ClientSession) -> int:
    """Return the event id of the head of the log."""
    async with api.get(ITEMS, params={"limit": "1"}) as response:
        return int(response.headers["Last-Event-ID"].rpartition("-")[2])


def tagged_version(response: aiohttp.ClientResponse) -> int:
    """Return the item version in a response's ETag."""
    found = re.fullmatch(r'"(\d+)-[0-9a-f]{6}"', response.headers["ETag"])
    assert found, response.headers["ETag"]
    return int(found[1])


async def problem(response: aiohttp.ClientResponse, status: int, *, sent: object = None) -> dict[str, Any]:
    """Check that a response is a complete problem+json and return its body. Failures include `sent`."""
    text = await response.text()
    seen = f"{response.method} {response.url} with {_short(sent)}: {response.status} {_short(text)}"
    assert response.status == status, seen
    assert response.content_type == "application/problem+json", seen
    body: dict[str, Any] = json.loads(text)
    assert {"type", "title", "status", "detail", "error"} <= set(body), seen
    assert body["status"] == status, seen
    assert body["error"] == body["detail"], seen
    assert not re.search(r"Traceback|asyncpg|SELECT |psycopg|File \"|sys\.", json.dumps(body)), seen
    return body


async def refused(response: aiohttp.ClientResponse, field: str, status: int = 422, *, sent: object = None) -> None:
    """Check that a response is a problem whose errors name exactly this field."""
    errors = (await problem(response, status, sent=sent))["errors"]
    assert {fault["field"] for fault in errors} == {field}, (_short(sent), errors)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}... ({len(text)} characters)"
