"""Migrations: .sql files, each applied once, in the order of their names, also when several services start at once.

The functions in sql/functions are not migrations. They are replaced after them, whenever a migration was applied or
their text has changed.

A file that must lock a busy table sets `lock_timeout`, since every other session waits behind one that waits for such a
lock. It is then repeated until it gets its locks.

We have our own runner, since no other that we looked at notices a file that was edited after it had been applied, and
some (pogo-migrate) take no lock against a second replica.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from typing import TYPE_CHECKING

import asyncpg
import structlog
from pydantic import Field, SecretStr

from shared.db.database import FUNCTIONS, Connection, connect, database_url, is_newer, migration_files, read_functions
from shared.db.database import migration_queries as queries
from shared.db.errors import LOCKED, DatabaseUnavailableError, ReadOnlyError
from shared.process.settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

log = structlog.get_logger()

APPLICATION_NAME = "stockstream migrations"
PARTITIONS = "0017_partitions"  # it needs an index that can't be created within its transaction
POLL_SECONDS = 0.25  # while another migration runs
LOCK_PAUSE_SECONDS = 1.0  # between two attempts to lock a busy table


class MigrationError(Exception):
    """The schema can't be brought up to date; the text says why."""


class MigrationSettings(Settings):
    """Settings of `python -m shared.db.migrations`."""

    api_database_password: SecretStr | None = Field(None, description="Given to the role `stockstream_api`")
    stream_database_password: SecretStr | None = Field(None, description="Given to the role `stockstream_stream`")


async def migrate(url: str) -> list[str]:
    """Bring the schema up to date, make sure that its triggers fire, and return the names that were applied.

    Writes nothing if everything is up to date. Raises MigrationError when the database can't be reached or written
    to, an applied file was changed, a file fails (which then has changed nothing) or a trigger is missing.
    """
    try:
        # No time limits: a large table takes long, and another migration may be running.
        connection = await connect(url, application_name=APPLICATION_NAME, statement_seconds=0, lock_seconds=0)
        try:
            return await _migrate(connection)
        finally:
            await connection.close()
    except ReadOnlyError as error:
        raise MigrationError("the schema is not up to date, and the database is read-only") from error
    except (DatabaseUnavailableError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise MigrationError(str(error)) from error


async def _migrate(connection: Connection) -> list[str]:
    while not await queries.lock_migrations(connection):  # noqa: ASYNC110 - the other migration is another process
        await asyncio.sleep(POLL_SECONDS)
    await _refuse_other_schemas(connection)
    await connection.execute(f"SET search_path = {await queries.select_search_path(connection)}")
    done: dict[str, str] = {}
    if await queries.migration_table_exists(connection):
        done = {row["name"]: row["checksum"] async for row in queries.select_migrations(connection)}
    else:
        await queries.create_migration_table(connection)
    applied = [file.stem for file in migration_files() if await _apply(connection, file, done.get(file.stem))]
    if not is_newer(done):
        if applied or done.get(FUNCTIONS) != read_functions().checksum:
            await _replace_functions(connection)
            applied.append(FUNCTIONS)
        if await queries.is_first_partition_open(connection):
            await _end_first_partition(connection)
    await _enable_triggers(connection)
    return applied


async def _run(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do this work, and repeat it while it fails by its `lock_timeout`. In between, other sessions go on.

    Raises MigrationError.
    """
    while True:
        try:
            return await work()
        except DatabaseUnavailableError as error:
            if error.detail != LOCKED:
                raise
        except asyncpg.PostgresError as error:
            raise MigrationError(f"{name}: {error}") from error
        log.warning("a migration waits for sessions that use its tables", migration=name)
        await asyncio.sleep(LOCK_PAUSE_SECONDS)


async def _refuse_other_schemas(connection: Connection) -> None:
    """Refuse a database with an installation outside `public`. A second, empty one would be created beside it."""
    others = [row["schema"] async for row in queries.select_other_installations(connection)]
    if others:
        raise MigrationError(
            f"stockstream is installed in schema {others[0]!r} of this database, and must be in 'public':"
            " move its tables and functions there (ALTER … SET SCHEMA public)"
        )


async def _apply(connection: Connection, file: Path, applied_checksum: str | None) -> bool:
    text = await asyncio.to_thread(file.read_text, encoding="utf-8")
    checksum = hashlib.sha256(text.encode()).hexdigest()
    if applied_checksum == checksum:
        return False
    if applied_checksum is not None:
        raise MigrationError(f"{file.name} was changed after it had been applied; write a new one instead")

    async def index_log() -> None:
        await queries.drop_unfinished_index(connection)
        await queries.index_log(connection)

    async def apply() -> None:
        async with connection.transaction():
            await connection.execute(text)
            await queries.insert_migration(connection, name=file.stem, checksum=checksum)

    if file.stem == PARTITIONS:
        await _run(file.name, index_log)
    await _run(file.name, apply)
    return True


async def _replace_functions(connection: Connection) -> None:
    functions = read_functions()

    async def replace() -> None:
        async with connection.transaction():
            await queries.limit_waits_for_locks(connection)
            await connection.execute(functions.text)
            await queries.insert_migration(connection, name=FUNCTIONS, checksum=functions.checksum)

    await _run("sql/functions", replace)


async def _end_first_partition(connection: Connection) -> None:
    """Finish what the migration `0017_partitions` has begun, in steps that are not one transaction.

    For a long log this takes some minutes, but it blocks others only for moments. If it is interrupted, nothing is
    amiss, and the next start goes on.
    """
    await _run("end_first_partition", lambda: queries.end_first_partition(connection))


async def _enable_triggers(connection: Connection) -> None:
    """Enable our triggers for every kind of session. A dump that is loaded with `--disable-triggers` resets this."""
    silenced = [(row["table"], row["trigger"], row["exists"]) async for row in queries.select_silenced(connection)]
    for table, trigger, exists in silenced:
        if not exists:
            raise MigrationError(f"the trigger {trigger} of {table} is missing: restore it from a backup of the schema")
        await connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")


async def set_passwords(url: str, settings: MigrationSettings) -> None:
    """Set the passwords of the services' roles, if the settings contain them."""
    wanted = {
        "stockstream_api": settings.api_database_password,
        "stockstream_stream": settings.stream_database_password,
    }
    connection = await connect(url, application_name=APPLICATION_NAME)
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
    except (MigrationError, DatabaseUnavailableError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        sys.exit(f"stockstream: migrate: {error}")
    print(f"stockstream: {len(applied)} migrations applied" if applied else "stockstream: schema is current")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
