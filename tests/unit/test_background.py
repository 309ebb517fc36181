"""Background work is restarted after any error, and ends with its service."""

from __future__ import annotations

import asyncio

import pytest

from shared.process import background


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_SECONDS", 0.001)


async def test_work_that_fails_is_counted_and_restarted() -> None:
    starts, done = 0, asyncio.Event()

    async def work() -> None:
        nonlocal starts
        starts += 1
        if starts == 4:
            done.set()
            await asyncio.Event().wait()
        raise (KeyError, RuntimeError, TimeoutError)[starts - 1]("broken")

    before = background.FAILURES.labels("test")._value.get()
    async with background.running(test=work), asyncio.timeout(10):
        await done.wait()
    assert starts == 4
    assert background.FAILURES.labels("test")._value.get() == before + 3


async def test_a_failing_task_does_not_affect_the_others_and_all_end_with_the_block() -> None:
    ended, steady = asyncio.Event(), asyncio.Event()

    async def broken() -> None:
        steady.set()
        raise RuntimeError

    async def sound() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with background.running(broken=broken, sound=sound), asyncio.timeout(10):
        await steady.wait()
        assert not ended.is_set()
    assert ended.is_set()


async def test_work_that_returns_is_not_restarted() -> None:
    starts = 0

    async def once() -> None:
        nonlocal starts
        starts += 1

    async with background.running(once=once):
        for _ in range(100):
            await asyncio.sleep(0)
    assert starts == 1
