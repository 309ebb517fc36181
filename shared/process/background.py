"""Runs background tasks as long as the service runs, and restarts those that fail."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Counter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

log = structlog.get_logger()

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # a task that ran this long before it failed is restarted after the shortest pause

FAILURES = Counter("stockstream_background_failures_total", "Failures of background work", ["work"])


@contextlib.asynccontextmanager
async def running(**works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run each of these in its own task until the block ends, and restart it when it fails.

    A failure is logged with its traceback and counted. Work that ends by itself is not started again.
    """
    tasks = [asyncio.create_task(_keep_running(name, work), name=name) for name, work in works.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep_running(name: str, work: Callable[[], Awaitable[None]]) -> None:
    loop, pause = asyncio.get_running_loop(), FIRST_PAUSE_SECONDS
    while True:
        began = loop.time()
        try:
            await work()
        except Exception:
            log.exception("background work failed and is started again", work=name)
            FAILURES.labels(name).inc()
        else:
            return
        pause = FIRST_PAUSE_SECONDS if loop.time() - began > STEADY_SECONDS else pause
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
