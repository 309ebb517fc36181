"""One look for all who ask at the same time, and never one that began before they asked."""

from __future__ import annotations

import asyncio

import pytest

from api_service.shared_look import SharedLook


class Source:
    """Something to look at; each look waits until it is let through, and sees what is there when it began."""

    def __init__(self) -> None:
        self.value = 0
        self.looks = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def look(self) -> int:
        self.looks += 1
        seen = self.value
        await self.gate.wait()
        if self.error:
            raise self.error
        return seen


async def asked(count: int, look: SharedLook[int]) -> list[asyncio.Task[int]]:
    """So many who have asked and wait."""
    tasks = [asyncio.create_task(look()) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_those_who_ask_while_a_look_is_under_way_share_the_next() -> None:
    source = Source()
    look = SharedLook(source.look)
    first = await asked(1, look)
    source.value = 1
    later = await asked(5, look)
    source.gate.set()
    assert await asyncio.gather(*first, *later) == [0, 1, 1, 1, 1, 1]
    assert source.looks == 2


async def test_what_was_written_before_asking_is_seen() -> None:
    source = Source()
    look = SharedLook(source.look)
    source.gate.set()
    for value in range(1, 20):
        source.value = value
        assert await look() == value


async def test_a_look_that_fails_fails_for_those_who_share_it_and_no_one_else() -> None:
    source = Source()
    look = SharedLook(source.look)
    source.error = OSError("away")
    failing = await asked(3, look)
    source.gate.set()
    for task in failing:
        with pytest.raises(OSError, match="away"):
            await task
    source.error = None
    assert await look() == 0


async def test_one_who_leaves_takes_the_look_from_no_one() -> None:
    source = Source()
    look = SharedLook(source.look)
    leaving, staying = await asked(2, look)
    leaving.cancel()
    source.gate.set()
    assert await staying == 0
    assert leaving.cancelled()
