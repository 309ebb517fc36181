"""One question to the database for all who ask it at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Seen = TypeVar("Seen")


class SharedLook(Generic[Seen]):
    """Looks when asked, one look at a time.

    A look that began before a client asked may not show what that client has just written, so it is not shared with
    it: whoever comes while one is under way shares the next.
    """

    def __init__(self, look: Callable[[], Awaitable[Seen]]) -> None:
        self._look = look
        self._next: asyncio.Future[Seen] | None = None
        self._looking: asyncio.Task[None] | None = None

    async def __call__(self) -> Seen:
        """What there is to see, by a look that begins after this call. Raises what the look raises."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        shared = self._next
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_for_all())
        return await asyncio.shield(shared)

    async def _look_for_all(self) -> None:
        while self._next is not None:
            shared, self._next = self._next, None
            try:
                shared.set_result(await self._look())
            except Exception as error:  # it is for those who asked to deal with
                shared.set_exception(error)
                shared.exception()  # even if all of them have left
        self._looking = None
