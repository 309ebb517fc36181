"""Request coalescing: one query serves all concurrent callers that want the same result."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Result = TypeVar("Result")


class Coalesced(Generic[Result]):
    """Runs a query for all current callers, one run at a time.

    A run that began before a caller asked may miss what that caller has just written. So callers never join a run that
    is under way: they share the next one.
    """

    def __init__(self, query: Callable[[], Awaitable[Result]]) -> None:
        self._query = query
        self._next: asyncio.Future[Result] | None = None
        self._task: asyncio.Task[None] | None = None

    async def __call__(self) -> Result:
        """The result of a run that begins after this call. Raises what the query raises."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        result = self._next
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await asyncio.shield(result)

    async def _run(self) -> None:
        while self._next is not None:
            result, self._next = self._next, None
            try:
                result.set_result(await self._query())
            except Exception as error:  # raised in each caller
                result.set_exception(error)
                result.exception()  # marks it as retrieved, in case every caller has left
        self._task = None
