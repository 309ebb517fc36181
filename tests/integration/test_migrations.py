"""Migrations: once each, whoever starts at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from shared import database as database_module
from shared import migrations
from shared.database import SQL, is_current, load_queries, migration_files
from shared.migrations import MigrationError, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.database import Pool
    from tests.postgres import PostgresServer


@pytest.fixture
def empty_database(postgres: PostgresServer) -> Iterator[str]:
    name = "not_migrated"
    postgres.sql("postgres", f"CREATE DATABASE {name}")
    yield postgres.url(name)
    postgres.drop_database(name)


async def test_two_that_start_at_once_apply_each_file_once(empty_database: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database) for _ in range(4)))
    assert sorted(applied, key=len) == [[], [], [], [file.stem for file in migration_files()]]
    assert await migrate(empty_database) == []


async def test_a_file_that_was_edited_after_it_was_applied_is_refused(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "0001_a.sql"
    file.write_text("CREATE TABLE a ()")
    monkeypatch.setattr(migrations, "migration_files", lambda: [file])
    await migrate(empty_database)
    file.write_text("CREATE TABLE b ()")
    with pytest.raises(MigrationError, match="was changed after it had been applied"):
        await migrate(empty_database)


async def test_a_file_that_fails_changes_nothing(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "0001_a.sql"
    file.write_text("CREATE TABLE a (); SELECT no_such_function();")
    monkeypatch.setattr(migrations, "migration_files", lambda: [file])
    monkeypatch.setattr(database_module, "migration_files", lambda: [file])
    with pytest.raises(MigrationError, match=r"0001_a\.sql: function no_such_function"):
        await migrate(empty_database)
    connection = await asyncpg.connect(empty_database)
    assert await connection.fetchval("SELECT to_regclass('a')") is None
    assert not await is_current(connection)
    await connection.close()


async def test_every_named_query_prepares(pool: Pool) -> None:
    files = sorted((SQL / "queries").glob("*.sql"))
    assert files
    async with pool.acquire() as connection:
        for file in files:
            queries = load_queries(file.stem)
            for name in queries.available_queries:
                if not name.endswith("_cursor"):
                    await connection.prepare(getattr(queries, name).sql)
