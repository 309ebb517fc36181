"""Which database errors are temporary, and which are bugs."""

from __future__ import annotations

import asyncpg
import pytest

from shared.db.errors import LOCKED, READ_ONLY, UNREACHABLE, ReadOnlyError, unavailable

TEMPORARY = [
    asyncpg.ConnectionDoesNotExistError("gone"),
    asyncpg.AdminShutdownError("shutting down"),
    asyncpg.CannotConnectNowError("starting up"),
    asyncpg.QueryCanceledError("statement timeout"),
    asyncpg.TooManyConnectionsError("too many"),
    asyncpg.DiskFullError("full"),
    asyncpg.OutOfMemoryError("memory"),
    asyncpg.DeadlockDetectedError("deadlock"),
    asyncpg.SerializationError("serialize"),
    asyncpg.InvalidPasswordError("password"),
    asyncpg.InvalidCatalogNameError("no database"),
    asyncpg.LockNotAvailableError("lock"),
    asyncpg.ObjectInUseError("in use"),
    asyncpg.IdleInTransactionSessionTimeoutError("idle"),
    asyncpg.ReadOnlySQLTransactionError("read-only"),
    asyncpg.PostgresIOError("i/o"),
    asyncpg.InternalClientError("cut in the middle"),
    ConnectionResetError("reset"),
    TimeoutError(),
    OSError("no route"),
]
BUGS = [
    asyncpg.DataError("invalid input for query argument $1"),
    asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"),
    asyncpg.PostgresSyntaxError("syntax"),
    asyncpg.UndefinedColumnError("column"),
    asyncpg.InsufficientPrivilegeError("privilege"),
    asyncpg.CheckViolationError("check"),
    asyncpg.UniqueViolationError("unique"),
    asyncpg.InFailedSQLTransactionError("aborted"),
    asyncpg.NumericValueOutOfRangeError("range"),
    asyncpg.DataCorruptedError("corrupted"),
    ValueError("not a database error"),
    KeyError("nor this"),
]


@pytest.mark.parametrize("error", TEMPORARY, ids=lambda error: type(error).__name__)
def test_these_errors_are_temporary(error: Exception) -> None:
    temporary = unavailable(error, is_closed=False)
    assert temporary is not None
    assert type(error).__name__ in str(temporary)
    assert temporary.detail in {UNREACHABLE, LOCKED, READ_ONLY}, "clients must not see the driver's message"


@pytest.mark.parametrize("error", BUGS, ids=lambda error: type(error).__name__)
def test_these_errors_are_bugs(error: Exception) -> None:
    assert unavailable(error, is_closed=False) is None


def test_an_interface_error_is_temporary_only_if_the_connection_is_closed() -> None:
    error = asyncpg.InterfaceError("cannot perform operation: connection is closed")
    assert unavailable(error, is_closed=True) is not None
    assert unavailable(error, is_closed=False) is None


def test_clients_are_told_the_kind_of_error() -> None:
    read_only = unavailable(asyncpg.ReadOnlySQLTransactionError("x"), is_closed=False)
    assert isinstance(read_only, ReadOnlyError)
    assert read_only.detail == READ_ONLY
    locked = unavailable(asyncpg.LockNotAvailableError("x"), is_closed=False)
    assert locked is not None
    assert locked.detail == LOCKED
    gone = unavailable(ConnectionResetError("x"), is_closed=True)
    assert gone is not None
    assert gone.detail == UNREACHABLE
