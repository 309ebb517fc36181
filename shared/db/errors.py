"""Classifies errors of PostgreSQL and its driver: temporary, so that the call may succeed later, or a bug of ours."""

from __future__ import annotations

import asyncpg

# What the driver's calls raise when PostgreSQL goes away, at whatever moment. InternalClientError is raised by a call
# after the server's last message, if the driver has not noticed yet that the connection has ended.
DRIVER_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
# Temporary errors: SQLSTATE classes (the first two characters) and codes.
_TEMPORARY_CLASSES = {
    "08",  # the connection was lost or refused
    "28",  # the password is being changed
    "40",  # a deadlock or a serialization failure: another transaction was in the way
    "53",  # no disk, memory or connection left
    "57",  # cancelled, shutting down, starting up
    "58",  # the operating system failed
}
_TEMPORARY_CODES = {
    "25P03",  # the transaction was idle for too long
    "25P04",  # the transaction took too long
    "3D000",  # the database is not there yet
    "55006",  # in use by another session
    "55P03",  # a lock was not available in time
}
_LOCK_NOT_AVAILABLE = "55P03"
_READ_ONLY = "25006"
_SCHEMA_CODES = {"3F000", "42501", "42703", "42704", "42883", "42P01"}  # what statements raise on an outdated schema

UNREACHABLE = "The database can't be reached at the moment. An unconfirmed change may or may not have been made."
LOCKED = "Another transaction holds a lock that this request needs. Nothing was changed; try again."
READ_ONLY = "The database is read-only at the moment. Nothing was changed."
BUSY = "The server is overloaded at the moment. Nothing was changed; try again."


class DatabaseUnavailableError(Exception):
    """PostgreSQL can't be reached, or can't serve the call now. It may succeed later.

    The text is for the log, ``detail`` for the client.
    """

    def __init__(self, reason: str, detail: str = UNREACHABLE) -> None:
        super().__init__(reason)
        self.detail = detail


class ReadOnlyError(DatabaseUnavailableError):
    """The session is read-only. A new session may not be: each keeps the setting that it began with."""


def describe(error: Exception) -> str:
    """The type of an error and its text, if it has one, for the log."""
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def unavailable(error: Exception, *, is_closed: bool) -> DatabaseUnavailableError | None:
    """The error to raise instead of this error of a statement; None if it is a bug of ours.

    ``is_closed`` tells whether the connection is lost, which explains most errors of the driver about its own state.
    """
    reason = describe(error)
    if isinstance(error, asyncpg.PostgresError):
        return _unavailable_by_sqlstate(str(error.sqlstate), reason)
    if isinstance(error, asyncpg.InterfaceError):
        return DatabaseUnavailableError(reason) if is_closed else None
    if isinstance(error, OSError | TimeoutError | asyncpg.InternalClientError):
        return DatabaseUnavailableError(reason)
    return None


def _unavailable_by_sqlstate(sqlstate: str, reason: str) -> DatabaseUnavailableError | None:
    if sqlstate == _READ_ONLY:
        return ReadOnlyError(reason, READ_ONLY)
    if sqlstate == _LOCK_NOT_AVAILABLE:
        return DatabaseUnavailableError(reason, LOCKED)
    if sqlstate[:2] in _TEMPORARY_CLASSES or sqlstate in _TEMPORARY_CODES:
        return DatabaseUnavailableError(reason)
    return None


def suggests_outdated_schema(error: asyncpg.PostgresError) -> bool:
    """Whether a missing migration would explain this error."""
    return error.sqlstate in _SCHEMA_CODES
