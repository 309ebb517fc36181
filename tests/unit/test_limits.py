"""Concurrency limits: the number of slots, the length of the queue, and the timeout."""

from __future__ import annotations

import asyncio

import pytest

from api_service.limits import BusyError, Limit


async def test_no_more_run_at_once_than_there_are_slots_and_all_get_one() -> None:
    limit, inside, most, done = Limit("tests", slots=2, queue=10, timeout=10), 0, 0, 0

    async def work() -> None:
        nonlocal inside, most, done
        async with limit.slot():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            done += 1

    await asyncio.gather(*(work() for _ in range(12)))
    assert (most, done) == (2, 12)


async def test_a_full_queue_or_a_wait_that_is_too_long_is_refused() -> None:
    limit = Limit("tests", slots=1, queue=1, timeout=0.01)
    async with limit.slot():
        waiting = asyncio.create_task(_work(limit))
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="tests"):
            await _work(limit)
        with pytest.raises(BusyError):
            await waiting
    await _work(limit)


async def test_a_cancelled_waiter_takes_no_slot() -> None:
    limit = Limit("tests", slots=1, queue=5, timeout=10)
    async with limit.slot():
        waiting = asyncio.create_task(_work(limit))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(1):
        await _work(limit)


async def _work(limit: Limit) -> None:
    async with limit.slot():
        pass
