"""Which errors of the database may pass, and which are faults of ours."""

from __future__ import annotations

import asyncpg
import pytest

from shared.db.errors import LOCKED, READ_ONLY, UNREACHABLE, ReadOnlyError, unavailable

PASSING = [
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
OURS = [
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


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_these_may_pass(error: Exception) -> None:
    passing = unavailable(error, is_closed=False)
    assert passing is not None
    assert type(error).__name__ in str(passing)
    assert passing.detail in {UNREACHABLE, LOCKED, READ_ONLY}, "no text of the driver for clients"


@pytest.mark.parametrize("error", OURS, ids=lambda error: type(error).__name__)
def test_these_are_faults_of_ours(error: Exception) -> None:
    assert unavailable(error, is_closed=False) is None


def test_the_driver_says_of_a_connection_that_is_gone_what_it_says_of_a_wrong_call() -> None:
    error = asyncpg.InterfaceError("cannot perform operation: connection is closed")
    assert unavailable(error, is_closed=True) is not None
    assert unavailable(error, is_closed=False) is None


def test_clients_are_told_what_kind_it_is() -> None:
    read_only = unavailable(asyncpg.ReadOnlySQLTransactionError("x"), is_closed=False)
    assert isinstance(read_only, ReadOnlyError)
    assert read_only.detail == READ_ONLY
    locked = unavailable(asyncpg.LockNotAvailableError("x"), is_closed=False)
    assert locked is not None
    assert locked.detail == LOCKED
    gone = unavailable(ConnectionResetError("x"), is_closed=True)
    assert gone is not None
    assert gone.detail == UNREACHABLE
