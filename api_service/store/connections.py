"""Connections to the database, in two pools, so that writers waiting for a lock don't use up those of readers."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from shared.db.database import acquire, create_pool, prepare_session, session_queries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from shared.db.database import Connection, Pool


class CodeTakenError(Exception):
    """Another item has this code, so nothing was changed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NameTakenError(Exception):
    """Another account has this name, or one that looks the same. Nothing was changed."""


class LastAdminError(Exception):
    """The change would leave no admin. Nothing was changed."""


class Pools(NamedTuple):
    """``readers`` can't write, and plan each statement for its parameters, since no plan suits all searches."""

    readers: Pool
    writers: Pool

    def reading(self) -> AbstractAsyncContextManager[Connection]:
        """A connection that only reads; each statement sees its own snapshot. Raises DatabaseUnavailableError."""
        return acquire(self.readers)

    @contextlib.asynccontextmanager
    async def one_snapshot(self) -> AsyncIterator[Connection]:
        """A connection that only reads; all statements see the same snapshot. Raises DatabaseUnavailableError."""
        async with self.reading() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A connection that may write; each statement is a transaction of its own.

        Raises DatabaseUnavailableError and, for what the database refuses, CodeTakenError, NameTakenError or
        LastAdminError.
        """
        try:
            async with acquire(self.writers) as connection:
                yield connection
        except asyncpg.IntegrityConstraintViolationError as error:
            if error.constraint_name not in _REFUSALS:
                raise
            raise _REFUSALS[error.constraint_name](error) from None


def _refused_code(error: asyncpg.IntegrityConstraintViolationError) -> str:
    """The code that the error is about. Only the error's detail has it, in the language of lc_messages."""
    found = re.search(r"\(code\)=\((.*)\)", str(error.detail), re.DOTALL)
    return found[1] if found else ""


_REFUSALS: dict[str, Callable[[asyncpg.IntegrityConstraintViolationError], Exception]] = {
    "inventory_code_unique": lambda error: CodeTakenError(_refused_code(error)),
    "principal_name_unique": lambda _: NameTakenError(),
    "access_keep_an_admin": lambda _: LastAdminError(),
}


@contextlib.asynccontextmanager
async def open_pools(url: str, *, application_name: str, size: int) -> AsyncIterator[Pools]:
    """Both pools, with at most ``size`` connections together."""
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
