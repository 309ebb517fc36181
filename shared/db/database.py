"""Connections to PostgreSQL: pools, session settings, named queries, and how errors are translated."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import aiosql
import asyncpg

from shared.db.embedded import embedded_url
from shared.db.errors import (
    BUSY,
    DRIVER_ERRORS,
    UNREACHABLE,
    DatabaseUnavailableError,
    ReadOnlyError,
    describe,
    suggests_outdated_schema,
    unavailable,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator

    from shared.process.settings import Settings

SQL = Path(__file__).resolve().parents[2] / "sql"
FUNCTIONS = "functions"  # their name in the table of applied migrations
CONNECT_TIMEOUT_SECONDS = 5.0
COMMAND_TIMEOUT_SECONDS = 30.0
LOCK_TIMEOUT_SECONDS = 10.0  # so that a session that holds a lock and idles doesn't block others for long
IDLE_IN_TRANSACTION_SECONDS = 60.0  # so that others don't wait for this process if it is suspended in a transaction

Pool = asyncpg.Pool
PooledConnection = asyncpg.pool.PoolConnectionProxy
Connection = asyncpg.Connection | PooledConnection


class Functions(NamedTuple):
    text: str
    checksum: str


def load_queries(name: str) -> Any:
    """The named queries of ``sql/queries/<name>.sql``, as coroutine functions of a connection."""
    return aiosql.from_path(SQL / "queries" / f"{name}.sql", "asyncpg")


session_queries = load_queries("session")
migration_queries = load_queries("migrations")


Method = Callable[..., Coroutine[Any, Any, Any]]


def _translated(method: Method) -> Method:
    """A method of a connection that raises DatabaseUnavailableError for temporary errors."""

    @functools.wraps(method)
    async def call(session: Session, *args: Any, **options: Any) -> Any:
        try:
            return await method(session, *args, **options)
        except BaseException as error:
            session.has_unfinished_call = True
            if isinstance(error, Exception) and (temporary := unavailable(error, is_closed=session.is_closed())):
                raise temporary from error
            raise

    return call


class Session(asyncpg.Connection):
    """A connection whose statements raise DatabaseUnavailableError for temporary errors.

    Only errors of the driver's calls are translated, not errors of the code around them.
    """

    has_unfinished_call = False  # a call failed or was cancelled since the session was last released

    execute = _translated(asyncpg.Connection.execute)
    fetch = _translated(asyncpg.Connection.fetch)
    fetchrow = _translated(asyncpg.Connection.fetchrow)
    fetchval = _translated(asyncpg.Connection.fetchval)


def database_url(settings: Settings, role: str) -> str:
    """DATABASE_URL, or the DSN of the embedded PostgreSQL for this role."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded_url(settings.data_dir, role)


async def connect(
    url: str,
    *,
    application_name: str,
    statement_seconds: float = COMMAND_TIMEOUT_SECONDS,
    lock_seconds: float = LOCK_TIMEOUT_SECONDS,
) -> Session:
    """A connection without a pool. 0 seconds means no limit. Raises DatabaseUnavailableError."""
    with _connecting():
        session = await asyncpg.connect(
            url,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=statement_seconds or None,
            server_settings={"application_name": application_name},
            connection_class=Session,
        )
    await prepare_session(session, statement_seconds, lock_seconds)
    return session


async def prepare_session(
    session: Connection,
    statement_seconds: float = COMMAND_TIMEOUT_SECONDS,
    lock_seconds: float = LOCK_TIMEOUT_SECONDS,
) -> None:
    """Override the settings of the database and the role that our statements depend on."""
    limits = (statement_seconds, lock_seconds, IDLE_IN_TRANSACTION_SECONDS)
    statement, lock, idle = (str(round(seconds * 1000)) for seconds in limits)
    await session_queries.prepare_session(session, statement_timeout=statement, lock_timeout=lock, idle_timeout=idle)


def create_pool(
    url: str,
    *,
    application_name: str,
    max_size: int,
    prepare: Callable[[Connection], Awaitable[None]] = prepare_session,
) -> Pool:
    """A pool that connects on first use, so that a service can start before its database."""
    return asyncpg.create_pool(  # type: ignore[call-overload, no-any-return] # the stubs know no `reset`
        url,
        min_size=0,
        max_size=max_size,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        server_settings={"application_name": application_name},
        connection_class=Session,
        init=prepare,
        reset=_end_transaction,
    )


async def _end_transaction(session: Session) -> None:
    """End a transaction that the driver does not know of. The usual reset would cost a round trip at each release.

    Our sessions change nothing beyond a transaction, and the driver rolls back the open transactions that it knows of.
    But it prepares a statement in one message and runs it in another, and only the second ends the transaction that the
    first began. A call that fails or is cancelled in between leaves that open, with its snapshot and its locks.
    """
    if session.has_unfinished_call:
        await session_queries.do_nothing(session)
        session.has_unfinished_call = False


@contextlib.asynccontextmanager
async def acquire(pool: Pool) -> AsyncIterator[PooledConnection]:
    """A connection from the pool.

    Raises DatabaseUnavailableError when PostgreSQL can't serve, or no connection was free within
    CONNECT_TIMEOUT_SECONDS.
    """
    connection = await _take(pool)
    try:
        yield connection
    except ReadOnlyError:
        # A session keeps the setting that it began with. Only a new session has the current setting.
        await pool.expire_connections()
        raise
    except asyncpg.InterfaceError as error:
        if _is_lost(connection):
            raise DatabaseUnavailableError(describe(error)) from error
        raise
    except asyncpg.PostgresError as error:
        if suggests_outdated_schema(error) and not await is_current(connection):
            raise DatabaseUnavailableError(f"the schema is not up to date: {error}") from error
        raise
    finally:
        # The pool closes a connection that it can't reset, and opens another.
        with contextlib.suppress(*DRIVER_ERRORS):
            await pool.release(connection, timeout=CONNECT_TIMEOUT_SECONDS)


def _is_lost(connection: PooledConnection) -> bool:
    """Whether this acquired connection has been lost.

    If that happened between two statements, the pool has taken it back, and each further call raises.
    """
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


async def _take(pool: Pool) -> PooledConnection:
    is_full = pool.get_idle_size() == 0 and pool.get_size() == pool.get_max_size()
    with _connecting(BUSY if is_full else UNREACHABLE):
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):  # the pool's own timeout would start a task each time
            return await pool.acquire()


@contextlib.contextmanager
def _connecting(detail: str = UNREACHABLE) -> Iterator[None]:
    """Turn driver errors into DatabaseUnavailableError: none of them is a bug of ours while we connect."""
    try:
        yield
    except DRIVER_ERRORS as error:
        raise DatabaseUnavailableError(describe(error), detail) from error


def migration_files() -> list[Path]:
    """The migrations, in the order in which they are applied."""
    return sorted((SQL / "migrations").glob("*.sql"))


@functools.cache
def read_functions() -> Functions:
    """The SQL functions. They are replaced whenever their text changes."""
    files = sorted((SQL / "functions").glob("*.sql"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return Functions(text, hashlib.sha256(text.encode()).hexdigest())


async def is_current(connection: Connection) -> bool:
    """Whether every migration is applied, and the functions match this code. A newer schema is current, too."""
    try:
        applied = {row["name"]: row["checksum"] async for row in migration_queries.select_migrations(connection)}
    except asyncpg.PostgresError as error:
        if suggests_outdated_schema(error):
            return False
        raise
    if not all(file.stem in applied for file in migration_files()):
        return False
    return is_newer(applied) or applied.get(FUNCTIONS) == read_functions().checksum


def is_newer(applied: Collection[str]) -> bool:
    """Whether the schema has migrations that this code does not know."""
    return not set(applied) <= {FUNCTIONS, *(file.stem for file in migration_files())}
