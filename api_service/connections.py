"""How a handler comes by a connection to the database."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from quart import current_app

from shared.database import acquire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from shared.database import Connection


def connected() -> AbstractAsyncContextManager[Connection]:
    """A connection of the app's pool; each statement is a transaction of its own. Raises DatabaseUnavailableError."""
    return acquire(current_app.extensions["pool"])


@contextlib.asynccontextmanager
async def one_snapshot() -> AsyncIterator[Connection]:
    """The same for reading only: whatever is read is of one moment."""
    async with connected() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield connection
