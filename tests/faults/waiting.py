"""Timeouts that report where every task was waiting when they expired."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class StuckError(AssertionError):
    """A wait timed out. The message describes where each task of the loop was waiting at that moment."""


@contextlib.asynccontextmanager
async def within(seconds: float, what: str) -> AsyncIterator[None]:
    """Limit the duration of the block. Raises StuckError.

    The tasks are described before the block is cancelled, so that the message shows what they were waiting for.
    """
    loop = asyncio.get_running_loop()
    description = ""

    def expire() -> None:
        nonlocal description
        description = describe_tasks()
        limit.reschedule(loop.time())

    limit = asyncio.timeout(None)
    clock = loop.call_later(seconds, expire)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise StuckError(f"{what}: not done after {seconds:g} s\n{description}") from None
    finally:
        clock.cancel()


def describe_tasks() -> str:
    """Describe where each unfinished task of the running loop waits: one line per frame, outermost first."""
    return "\n".join(f"{task.get_name()}:\n{_where(task)}" for task in asyncio.all_tasks())


def _where(task: asyncio.Task[Any]) -> str:
    lines = []
    waiting: Any = task.get_coro()
    while waiting is not None:
        frame = _attribute(waiting, "cr_frame", "gi_frame", "ag_frame")
        if frame is None:
            lines.append(f"    {waiting!r}")
        else:
            lines.append(f"    {frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_qualname}")
        waiting = _attribute(waiting, "cr_await", "gi_yieldfrom", "ag_await")
    return "\n".join(lines)


def _attribute(awaitable: Any, *names: str) -> Any:
    """Return the first of these attributes that is set. Coroutines and generators use different names."""
    return next((value for name in names if (value := getattr(awaitable, name, None)) is not None), None)
