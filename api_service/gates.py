"""Gates: how much work of a kind is under way at a time, so that no kind takes what the others need."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from quart import current_app

from shared.problems import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RETRY_AFTER_SECONDS = 5


class Gate:
    """Lets ``places`` in at a time. Others wait, at most ``waiting`` of them and for ``patience`` seconds."""

    def __init__(self, work: str, *, places: int, waiting: int, patience: float) -> None:
        self._work = work
        self._places = asyncio.Semaphore(places)
        self._room = waiting
        self._patience = patience

    @contextlib.asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """A place for the length of the block. Raises a 503 problem if there is none in time."""
        if self._places.locked():
            await self._wait()
        else:
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()

    async def _wait(self) -> None:
        if self._room == 0:
            raise self.busy()
        self._room -= 1
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError:
            raise self.busy() from None
        finally:
            self._room += 1

    def busy(self) -> Problem:
        return Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"The server is busy with other {self._work}. Nothing was changed; try again.",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )


class Gates(NamedTuple):
    """One for each kind of work that may take long."""

    imports: Gate
    checks: Gate  # imports that change nothing
    scans: Gate  # reads whose cost grows with the log or the stock


def create_gates(readers: int) -> Gates:
    """The gates of an app with this many connections for reading."""
    return Gates(
        imports=Gate("imports", places=1, waiting=20, patience=30.0),
        checks=Gate("imports", places=1, waiting=20, patience=30.0),
        scans=Gate("long reads", places=max(1, readers // 2), waiting=100, patience=15.0),
    )


def gates() -> Gates:
    """Those of this app."""
    found: Gates = current_app.extensions["gates"]
    return found
