"""Waits that have a bound, and say what every task was waiting for when it is reached."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class StuckError(AssertionError):
    """Something took longer than it may; the text says where each task of the loop stood at that moment."""


@contextlib.asynccontextmanager
async def within(seconds: float, what: str) -> AsyncIterator[None]:
    """Bound what is awaited in this block. Raises StuckError.

    The tasks are described before anything is cancelled, while each still stands where it waits.
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
    """Where each unfinished task of the running loop is waiting, a line for each frame, outermost first."""
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
    """The first of these that it has: coroutines, generators and asynchronous generators name the same differently."""
    return next((value for name in names if (value := getattr(awaitable, name, None)) is not None), None)
