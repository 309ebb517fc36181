"""Folding and ordering of names: independent of the locale of the database, and applied by the migration."""

# ruff: noqa: RUF001 - these tests need look-alike letters

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import asyncpg
import pytest

from shared.db.database import Functions, migration_files
from shared.db.migrations import migrate
from tests.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.db.database import Pool
    from tests.postgres import PostgresServer

SEARCH_CASES = json.loads((ROOT / "tests/search_cases.json").read_text())
ORDER_CASES = json.loads((ROOT / "tests/order_cases.json").read_text())
LOCALES = {
    "C": "LOCALE_PROVIDER libc LOCALE 'C'",
    "C.utf8": "LOCALE_PROVIDER libc LOCALE 'C.utf8'",
    "full case mapping": "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST' LOCALE 'C'",
}


@pytest.fixture(params=list(LOCALES.values()), ids=list(LOCALES))
def foreign_database(request: pytest.FixtureRequest, postgres: PostgresServer) -> Iterator[str]:
    """An empty database with a different default collation."""
    postgres.sql("postgres", f"CREATE DATABASE foreign_locale TEMPLATE template0 ENCODING 'UTF8' {request.param}")
    yield "foreign_locale"
    postgres.drop_database("foreign_locale")


async def test_the_locale_of_a_database_does_not_matter(
    foreign_database: str, postgres: PostgresServer, pool: Pool
) -> None:
    await migrate(postgres.url(foreign_database))
    texts = [text for name, query, _ in SEARCH_CASES for text in (name, query)] + ORDER_CASES
    fold = "SELECT array_agg(fold_text(text)) FROM unnest($1::text[]) AS text"
    order = "SELECT i.name FROM inventory AS i JOIN inventory_name AS n ON n.item_id = i.id ORDER BY n.order_key"
    connection = await asyncpg.connect(postgres.url(foreign_database))
    try:
        assert await connection.fetchval(fold, texts) == await pool.fetchval(fold, texts)
        await connection.execute(
            "INSERT INTO inventory (name, quantity) SELECT name, 1 FROM unnest($1::text[]) AS name", ORDER_CASES[::-1]
        )
        assert [row["name"] for row in await connection.fetch(order)] == ORDER_CASES
    finally:
        await connection.close()


async def test_the_migration_folds_existing_names_again(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.sql("postgres", "CREATE DATABASE before_search")
    url = postgres.url("before_search")
    files = migration_files()
    monkeypatch.setattr("shared.db.migrations.migration_files", lambda: [f for f in files if f.stem < "0004"])
    monkeypatch.setattr("shared.db.migrations.read_functions", lambda: Functions("SELECT;", "none"))
    await migrate(url)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "INSERT INTO inventory (name, quantity) VALUES ('Hex bolt M6 × 20', 1), ('O´Brien', 1), ('Zürich', 1)"
        )
        monkeypatch.undo()
        async with asyncio.timeout(30):
            await migrate(url)
        rows = await connection.fetch("SELECT folded, order_key FROM inventory_name ORDER BY item_id")
        assert [row["folded"] for row in rows] == ["hex bolt m6 x 20", "o'brien", "zurich"]
        assert rows[0]["order_key"] == f"hex bolt m{6:020} x {20:020}"
    finally:
        await connection.close()
        postgres.drop_database("before_search")
