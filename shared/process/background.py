"""Background work: runs as long as the service does, whatever goes wrong in it."""

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
STEADY_SECONDS = 60.0  # work that ran for so long before it failed is started again without a longer pause

FAILURES = Counter("stockstream_background_failures_total", "Failures of background work", ["work"])


@contextlib.asynccontextmanager
async def running(**works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run each work in a task of its own until the block ends, and start it again when it fails.

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
