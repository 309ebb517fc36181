"""One stack, shared by all test modules that change only its stock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import asyncpg
import pytest

from tests.acceptance.imports import MAX_BYTES, MAX_ROWS
from tests.acceptance.login import accounts_of
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.accounts import Accounts
    from tests.postgres import PostgresServer


@pytest.fixture(scope="package")
def shared_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both services, started once. The log grows from test to test; the `api` fixture empties the stock."""
    with running_stack(postgres, tmp_path_factory.mktemp("logs")) as stack:
        yield stack


@pytest.fixture
async def api(shared_stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the shared stack, which starts with an empty stock."""
    owner = await asyncpg.connect(shared_stack.database_url)
    await owner.execute("DELETE FROM inventory")
    await owner.close()
    async with aiohttp.ClientSession(shared_stack.api_url) as session:
        yield session


@pytest.fixture
async def owner(shared_stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the shared stack's database as its owner, separate from the API's connections."""
    connection = await asyncpg.connect(shared_stack.database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def van(api: aiohttp.ClientSession, shared_stack: Stack) -> AsyncIterator[int]:
    """A second location of the shared stack, for the length of a test."""
    async with api.post("/api/locations", json={"name": "Van"}) as response:
        van: int = (await response.json())["id"]
    yield van
    owner = await asyncpg.connect(shared_stack.database_url)
    await owner.execute("DELETE FROM inventory")
    await owner.execute("DELETE FROM location WHERE id > 1")
    await owner.close()


@pytest.fixture(scope="module")
def import_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The API alone, with low limits on imports."""
    limits = {"MAX_IMPORT_BYTES": str(MAX_BYTES), "MAX_IMPORT_ROWS": str(MAX_ROWS)}
    with running_stack(postgres, tmp_path_factory.mktemp("logs"), limits, ["api"]) as stack:
        yield stack


@pytest.fixture(scope="module")
def login_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both services, with accounts."""
    with running_stack(postgres, tmp_path_factory.mktemp("logs"), {"AUTH": "login"}) as stack:
        yield stack


@pytest.fixture
async def accounts(login_stack: Stack) -> AsyncIterator[Accounts]:
    """Accounts, none of which exists yet. Nobody has tried to sign in."""
    async with accounts_of(login_stack) as accounts:
        await accounts.clear()
        yield accounts
