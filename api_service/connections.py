"""How a handler comes by a connection to the database.

Reads and writes have a pool each, so that writers who wait for a lock leave readers their connections.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, NamedTuple

import asyncpg
from quart import current_app

from shared.database import acquire, create_pool, prepare_session, session_queries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from shared.database import Connection, Pool


class CodeTakenError(Exception):
    """Nothing was changed: another item has this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Pools(NamedTuple):
    """``readers`` can't write, and plan each statement for its parameters: no one plan fits all searches and pages."""

    readers: Pool
    writers: Pool


@contextlib.asynccontextmanager
async def open_pools(url: str, *, application_name: str, size: int) -> AsyncIterator[Pools]:
    """Both pools, with ``size`` connections together at the most."""
    writers = (size + 1) // 2
    async with (
        create_pool(
            url, application_name=application_name, max_size=size - writers, prepare=_prepare_reading_session
        ) as reading,
        create_pool(url, application_name=application_name, max_size=writers) as writing,
    ):
        yield Pools(reading, writing)


async def _prepare_reading_session(session: Connection) -> None:
    await prepare_session(session)
    await session_queries.prepare_reading_session(session)


def reading() -> AbstractAsyncContextManager[Connection]:
    """A connection that only reads; each statement sees one moment. Raises DatabaseUnavailableError."""
    return acquire(_pools().readers)


@contextlib.asynccontextmanager
async def one_snapshot() -> AsyncIterator[Connection]:
    """The same, and all statements see one moment."""
    async with reading() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield connection


@contextlib.asynccontextmanager
async def writing() -> AsyncIterator[Connection]:
    """A connection that may write; each statement is a transaction of its own.

    Raises DatabaseUnavailableError and, when two items would have the same code, CodeTakenError.
    """
    try:
        async with acquire(_pools().writers) as connection:
            yield connection
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "inventory_code_unique":
            raise
        raise CodeTakenError(_code_in(error)) from None


def _code_in(error: asyncpg.UniqueViolationError) -> str:
    """The code that was refused. Only the detail of the error has it, in a sentence of the server's language."""
    found = re.search(r"\(code\)=\((.*)\)", str(error.detail), re.DOTALL)
    return found[1] if found else ""


def _pools() -> Pools:
    found: Pools = current_app.extensions["pools"]
    return found
