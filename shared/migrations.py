"""Migrations: plain .sql files, applied in the order of their names, once, whoever starts at the same time.

A runner of our own, since those looked at take no lock against a second replica (pogo-migrate) and none notices a file
that was edited after it had been applied.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from typing import TYPE_CHECKING

import asyncpg
from pydantic import Field, SecretStr

from shared.database import CONNECT_TIMEOUT_SECONDS, SQL, Connection, database_url, load_queries
from shared.settings import Settings, load

if TYPE_CHECKING:
    from pathlib import Path

queries = load_queries("migrations")


class MigrationError(Exception):
    """The schema can't be brought up to date; the text says why."""


class MigrationSettings(Settings):
    """What `python -m shared.migrations` needs to know."""

    api_database_password: SecretStr | None = Field(None, description="Given to the role `stockstream_api`")
    stream_database_password: SecretStr | None = Field(None, description="Given to the role `stockstream_stream`")


def migration_files() -> list[Path]:
    return sorted((SQL / "migrations").glob("*.sql"))


async def migrate(url: str) -> list[str]:
    """Bring the schema up to date and return the names that were applied.

    Raises MigrationError when an applied file was changed or a file fails (which then has changed nothing).
    """
    connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_SECONDS)
    try:
        await queries.lock_migrations(connection)
        await queries.create_migration_table(connection)
        done = {row["name"]: row["checksum"] async for row in queries.select_migrations(connection)}
        return [file.stem for file in migration_files() if await _apply(connection, file, done.get(file.stem))]
    finally:
        await connection.close()


async def _apply(connection: Connection, file: Path, applied_checksum: str | None) -> bool:
    text = await asyncio.to_thread(file.read_text, encoding="utf-8")
    checksum = hashlib.sha256(text.encode()).hexdigest()
    if applied_checksum == checksum:
        return False
    if applied_checksum is not None:
        raise MigrationError(f"{file.name} was changed after it had been applied; write a new one instead")
    try:
        async with connection.transaction():
            await connection.execute(text)
            await queries.insert_migration(connection, name=file.stem, checksum=checksum)
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{file.name}: {error}") from error
    return True


async def is_current(connection: Connection) -> bool:
    """Whether every migration that this code knows has been applied. A newer schema is fine."""
    names = {row["name"] async for row in queries.select_migrations(connection)}
    return all(file.stem in names for file in migration_files())


async def set_passwords(url: str, settings: MigrationSettings) -> None:
    """Give the services' roles the passwords that were set, if any."""
    wanted = {
        "stockstream_api": settings.api_database_password,
        "stockstream_stream": settings.stream_database_password,
    }
    connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_SECONDS)
    try:
        for role, password in wanted.items():
            if password is not None:
                statement = await queries.password_statement(
                    connection, role=role, password=password.get_secret_value()
                )
                await connection.execute(statement)
    finally:
        await connection.close()


async def main() -> None:
    settings = load(MigrationSettings)
    url = database_url(settings, "stockstream")
    try:
        applied = await migrate(url)
        await set_passwords(url, settings)
    except (MigrationError, OSError, TimeoutError, asyncpg.PostgresError) as error:
        sys.exit(f"stockstream: migrate: {error}")
    print(f"stockstream: {len(applied)} migrations applied" if applied else "stockstream: schema is current")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
