"""Connections to the database, in two pools, so that writers waiting for a lock don't use up those of readers."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from shared.db.database import acquire, create_pool, load_queries, prepare_session, session_queries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from shared.db.database import Connection, Pool

history_queries = load_queries("history")


class CodeTakenError(Exception):
    """Another item at this location has this code, so nothing was changed."""

    def __init__(self, code: str, location: int) -> None:
        super().__init__(code)
        self.code = code
        self.location = location


class UnknownLocationError(Exception):
    """There is no such location. Nothing was changed. ``field`` is the field of the request that names it."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class TreeError(Exception):
    """The tree of locations would not be sound. Nothing was changed. The text says why."""


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
            await history_queries.lock_log(connection)  # takes no snapshot yet
            yield connection

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A connection that may write; each statement is a transaction of its own.

        Raises DatabaseUnavailableError and, for what the database refuses, CodeTakenError, UnknownLocationError,
        TreeError, NameTakenError or LastAdminError.
        """
        try:
            async with acquire(self.writers) as connection:
                yield connection
        except asyncpg.IntegrityConstraintViolationError as error:
            if error.constraint_name not in _REFUSALS:
                raise
            raise _REFUSALS[error.constraint_name](error) from None


def _refused_code(error: asyncpg.IntegrityConstraintViolationError) -> CodeTakenError:
    """The code that the error is about, and where. Only the error's detail has it, in the language of lc_messages."""
    found = re.search(r"\(code, location\)=\((.*), (\d+)\)", str(error.detail), re.DOTALL)
    return CodeTakenError(found[1], int(found[2])) if found else CodeTakenError("", 0)


_REFUSALS: dict[str, Callable[[asyncpg.IntegrityConstraintViolationError], Exception]] = {
    "inventory_code_unique": _refused_code,
    "inventory_location": lambda _: UnknownLocationError("location"),
    "access_grant_location": lambda _: UnknownLocationError("grants"),
    "location_name_unique": lambda _: TreeError("There is a location with this name already"),
    "location_no_cycle": lambda _: TreeError("A location can't lie in itself"),
    "location_depth": lambda _: TreeError("Locations can be nested 16 levels deep"),
    "location_last": lambda _: TreeError("The last location can't be deleted"),
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
