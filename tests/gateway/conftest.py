"""One gateway before real services for the tests that only ask, and one for each test that stops something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.gateway.gateway import LIMITS, Gateway, Upstream, listening
from tests.stack import Stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer


@pytest.fixture(scope="package")
def gateway(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway before both services, with the limits that it has itself."""
    database, folder = postgres.create_database(), tmp_path_factory.mktemp("gateway")
    stack = Stack(postgres, database, folder, {"EVENTS_URL": "/events", **LIMITS})
    for name in ("api", "stream"):
        stack.start(name, wait=False)
    for name in ("api", "stream"):
        stack.wait_until_ready(name)
    gateway = Gateway(folder, **stack.ports)
    gateway.start()
    yield gateway
    gateway.close()
    stack.close()
    postgres.drop_database(database)


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the gateway that takes what it gets as it is."""
    plain = {"Accept-Encoding": "identity"}
    async with aiohttp.ClientSession(gateway.url, auto_decompress=False, headers=plain) as client:
        yield client


@pytest.fixture
def own_gateway(stack: Stack, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway before services that this test may stop and start."""
    gateway = Gateway(tmp_path, **stack.ports)
    gateway.start()
    yield gateway
    gateway.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with listening(Upstream()) as upstream:
        yield upstream


@pytest.fixture
def echo(upstream: Upstream, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway before `upstream` alone."""
    gateway = Gateway(tmp_path, api=upstream.port, stream=upstream.port)
    gateway.start()
    yield gateway
    gateway.close()
