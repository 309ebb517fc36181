"""One gateway in front of real services, shared by most tests, and a separate one for tests that stop something."""

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
    """A gateway in front of both services, which have the same limits as the gateway."""
    database, folder = postgres.create_database(), tmp_path_factory.mktemp("gateway")
    stack = Stack(postgres, database, folder, {"EVENTS_URL": "/events", **LIMITS})
    for name in ("api", "stream"):
        stack.start(name, wait=False)
    for name in ("api", "stream"):
        stack.wait_until_ready(name)
    gateway = Gateway(folder, api=stack.ports["api"], stream=stack.ports["stream"])
    gateway.start()
    yield gateway
    gateway.close()
    stack.close()
    postgres.drop_database(database)


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the gateway that accepts no encoding and decompresses nothing."""
    plain = {"Accept-Encoding": "identity"}
    async with aiohttp.ClientSession(gateway.url, auto_decompress=False, headers=plain) as client:
        yield client


@pytest.fixture
def own_gateway(stack: Stack, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway in front of services that the test may stop and start."""
    gateway = Gateway(tmp_path, api=stack.ports["api"], stream=stack.ports["stream"])
    gateway.start()
    yield gateway
    gateway.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with listening(Upstream()) as upstream:
        yield upstream


@pytest.fixture
def echo(upstream: Upstream, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with `upstream` in place of both services."""
    gateway = Gateway(tmp_path, api=upstream.port, stream=upstream.port)
    gateway.start()
    yield gateway
    gateway.close()
