"""Migrations: each is applied once, even if several processes start at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from shared.db import database as database_module
from shared.db import migrations
from shared.db.database import FUNCTIONS, SQL, Functions, is_current, load_queries, migration_files, read_functions
from shared.db.migrations import MigrationError, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.db.database import Pool
    from tests.postgres import PostgresServer


@pytest.fixture
def empty_database(postgres: PostgresServer) -> Iterator[str]:
    name = "not_migrated"
    postgres.sql("postgres", f"CREATE DATABASE {name}")
    yield postgres.url(name)
    postgres.drop_database(name)


def use_functions(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Replace the text of sql/functions."""
    functions = Functions(text, f"checksum of {text}")
    monkeypatch.setattr(migrations, "read_functions", lambda: functions)
    monkeypatch.setattr(database_module, "read_functions", lambda: functions)


async def test_concurrent_migrations_apply_each_file_once(empty_database: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database) for _ in range(4)))
    assert sorted(applied, key=len) == [[], [], [], [*(file.stem for file in migration_files()), FUNCTIONS]]
    assert await migrate(empty_database) == []


async def test_a_file_that_was_edited_after_it_was_applied_is_refused(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "0001_a.sql"
    file.write_text("CREATE TABLE a ()")
    monkeypatch.setattr(migrations, "migration_files", lambda: [file])
    use_functions(monkeypatch, "SELECT;")
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


async def test_functions_are_replaced_when_their_text_changes(
    pool: Pool, postgres: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.url(database)
    changed = read_functions().text.replace("'-' || log_head()", "'+' || log_head()")
    async with pool.acquire() as connection:
        assert await is_current(connection)
        use_functions(monkeypatch, changed)
        assert not await is_current(connection)
        assert await migrate(url) == [FUNCTIONS]
        assert await is_current(connection)
        assert "+0" in await connection.fetchval("SELECT log_position()")
    assert await migrate(url) == []


async def test_functions_of_a_newer_schema_are_kept(
    pool: Pool, postgres: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pool.execute("INSERT INTO stockstream_migration (name, checksum) VALUES ('9999_newer', '')")
    use_functions(monkeypatch, "DROP FUNCTION log_position")
    assert await migrate(postgres.url(database)) == []
    async with pool.acquire() as connection:
        assert await is_current(connection)


async def test_functions_that_fail_change_nothing(
    pool: Pool, postgres: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_functions(monkeypatch, "DROP FUNCTION log_position; SELECT no_such_function();")
    with pytest.raises(MigrationError, match="sql/functions: function no_such_function"):
        await migrate(postgres.url(database))
    assert await pool.fetchval("SELECT log_position()")


async def test_every_named_query_prepares(pool: Pool) -> None:
    files = sorted((SQL / "queries").glob("*.sql"))
    assert files
    async with pool.acquire() as connection:
        for file in files:
            queries = load_queries(file.stem)
            for name in queries.available_queries:
                if not name.endswith("_cursor"):
                    await connection.prepare(getattr(queries, name).sql)


async def _tables(url: str) -> set[tuple[str, str]]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    await connection.close()
    return {(row[0], row[1]) for row in rows}


@pytest.mark.parametrize("search_path", ["app, public", '"$user"', "''", "pg_catalog", "app"])
@pytest.mark.parametrize("schema", ["stockstream", "app"])
async def test_everything_is_created_in_public_whatever_the_search_path(
    postgres: PostgresServer, empty_database: str, search_path: str, schema: str
) -> None:
    postgres.sql("not_migrated", f"CREATE SCHEMA {schema}")
    postgres.sql("not_migrated", f"ALTER DATABASE not_migrated SET search_path = {search_path}")
    assert await migrate(empty_database)
    assert {found for found, _ in await _tables(empty_database)} == {"public"}
    assert await migrate(empty_database) == []


async def test_extensions_may_be_in_a_schema_of_their_own(postgres: PostgresServer, empty_database: str) -> None:
    postgres.sql("not_migrated", 'CREATE SCHEMA "my extensions"')
    for extension in ("pg_trgm", "unaccent"):
        postgres.sql("not_migrated", f'CREATE EXTENSION {extension} SCHEMA "my extensions"')
    assert await migrate(empty_database)
    assert await migrate(empty_database) == []


async def test_an_installation_in_another_schema_is_reported_and_not_repeated(
    postgres: PostgresServer, empty_database: str
) -> None:
    postgres.sql("not_migrated", "CREATE SCHEMA app; CREATE TABLE app.stockstream_migration (name text)")
    with pytest.raises(MigrationError, match="installed in schema 'app'"):
        await migrate(empty_database)
    assert await _tables(empty_database) == {("app", "stockstream_migration")}


async def test_a_read_only_database_is_an_error_only_if_there_is_something_to_migrate(
    postgres: PostgresServer, empty_database: str
) -> None:
    read_only = "ALTER DATABASE not_migrated SET default_transaction_read_only ="
    postgres.sql("postgres", f"{read_only} on")
    with pytest.raises(MigrationError, match="read-only"):
        await migrate(empty_database)
    postgres.sql("postgres", f"{read_only} off")
    await migrate(empty_database)
    postgres.sql("postgres", f"{read_only} on")
    assert await migrate(empty_database) == []


async def test_a_missing_trigger_is_reported(postgres: PostgresServer, empty_database: str) -> None:
    await migrate(empty_database)
    postgres.sql("not_migrated", "DROP TRIGGER inventory_write_history ON inventory")
    with pytest.raises(MigrationError, match="inventory_write_history of inventory is missing"):
        await migrate(empty_database)
