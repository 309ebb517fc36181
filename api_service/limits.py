"""Concurrency limits: how much work of a kind runs at a time, so that no kind starves the others."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class BusyError(Exception):
    """No slot was free in time. ``work`` says what the slots are for."""

    def __init__(self, work: str) -> None:
        super().__init__(f"too many {work} at once")
        self.work = work


class Limit:
    """Lets ``slots`` callers work at a time. At most ``queue`` others wait, each for up to ``timeout`` seconds."""

    def __init__(self, work: str, *, slots: int, queue: int, timeout: float) -> None:
        self._work = work
        self._slots = asyncio.Semaphore(slots)
        self._free_in_queue = queue
        self._timeout = timeout

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """A slot for the length of the block. Raises BusyError if none becomes free in time."""
        if self._slots.locked():
            await self._wait()
        else:
            await self._slots.acquire()
        try:
            yield
        finally:
            self._slots.release()

    async def _wait(self) -> None:
        if self._free_in_queue == 0:
            raise self.busy()
        self._free_in_queue -= 1
        try:
            async with asyncio.timeout(self._timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise self.busy() from None
        finally:
            self._free_in_queue += 1

    def busy(self) -> BusyError:
        return BusyError(self._work)


class Limits(NamedTuple):
    """A limit for each kind of work that may take long."""

    imports: Limit
    checks: Limit  # dry runs of imports
    passwords: Limit  # checks and hashes of passwords
    scans: Limit  # reads whose cost grows with the log or the stock
    symbols: Limit  # drawings of QR codes and bar codes
    tables: Limit  # files that are read as a table, each in a process of its own


def create_limits(readers: int) -> Limits:
    """The limits of an app with this many connections for reading."""
    return Limits(
        imports=Limit("imports", slots=1, queue=20, timeout=30.0),
        checks=Limit("imports", slots=1, queue=20, timeout=30.0),
        passwords=Limit("sign-ins", slots=1, queue=20, timeout=10.0),
        scans=Limit("long reads", slots=max(1, readers // 2), queue=100, timeout=15.0),
        symbols=Limit("labels", slots=1, queue=20, timeout=10.0),
        tables=Limit("imports", slots=1, queue=20, timeout=60.0),
    )
