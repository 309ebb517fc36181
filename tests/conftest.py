"""Shared fixtures. Nothing is mocked: PostgreSQL, the services and the browser are real."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from tests.postgres import PostgresServer
from tests.stack import Stack

# Makes failed assertions in these modules show the compared values, as in test modules.
pytest.register_assert_rewrite(
    "tests.acceptance.client", "tests.acceptance.log", "tests.acceptance.random_verdict", "tests.acceptance.rights"
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from shared.db.database import Connection, Pool
    from tests.postgres import Connect


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the skipped tests, since this run does not prove what they test, and what the jobs of people took."""
    jobs = [
        value
        for report in terminalreporter.stats.get("passed", [])
        for name, value in report.user_properties
        if name == "job"
    ]
    if jobs:
        terminalreporter.section("WHAT EACH JOB TOOK")
    for job in sorted(jobs):
        terminalreporter.line(str(job))
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section("NOT PROVEN BY THIS RUN", red=True, bold=True)
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.line(f"{report.nodeid}: {reason}", red=True)


@pytest.fixture(scope="session")
def stopped_postgres(tmp_path_factory: pytest.TempPathFactory) -> PostgresServer:
    """A stopped PostgreSQL with the template database. Other fixtures copy it."""
    server = PostgresServer(tmp_path_factory.mktemp("stopped") / "postgres")
    server.start()
    server.make_template()
    server.stop()
    return server


@pytest.fixture(scope="session")
def postgres(stopped_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A running PostgreSQL, shared by the whole test run."""
    server = PostgresServer(tmp_path_factory.mktemp("running") / "postgres")
    stopped_postgres.copy_to(server.data_dir)
    server.start()
    yield server
    server.close()


@pytest.fixture
def own_postgres(stopped_postgres: PostgresServer, tmp_path: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL that the test may stop, kill and start."""
    server = PostgresServer(tmp_path / "postgres")
    stopped_postgres.copy_to(server.data_dir)
    server.start()
    yield server
    server.close()


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The name of a fresh database with the current schema."""
    name = postgres.create_database()
    yield name
    postgres.drop_database(name)


@pytest.fixture
async def connect(postgres: PostgresServer, database: str) -> AsyncIterator[Connect]:
    """Return a function that connects to the test's database, as its owner or as another role.

    Connections that the test leaves open are closed at its end.
    """
    connections: list[asyncpg.Connection] = []

    async def connect(role: str = "stockstream") -> Connection:
        connections.append(await asyncpg.connect(postgres.url(database, role)))
        return connections[-1]

    yield connect
    for connection in connections:
        connection.terminate()


@pytest.fixture
async def pool(postgres: PostgresServer, database: str) -> AsyncIterator[Pool]:
    async with asyncpg.create_pool(postgres.url(database), min_size=0, max_size=40) as pool:
        yield pool


@pytest.fixture
def stack(postgres: PostgresServer, database: str, tmp_path: Path) -> Iterator[Stack]:
    """Both services, running and ready."""
    stack = Stack(postgres, database, tmp_path)
    for name in ("api", "stream"):
        stack.start(name, wait=False)
    for name in ("api", "stream"):
        stack.wait_until_ready(name)
    yield stack
    stack.close()
