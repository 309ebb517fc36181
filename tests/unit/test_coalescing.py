"""Concurrent callers share one query, but never one that started before they called."""

from __future__ import annotations

import asyncio

import pytest

from api_service.coalescing import Coalesced


class Source:
    """A value to query. Each query reads the value when it starts, and returns once the gate is open."""

    def __init__(self) -> None:
        self.value = 0
        self.queries = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def query(self) -> int:
        self.queries += 1
        seen = self.value
        await self.gate.wait()
        if self.error:
            raise self.error
        return seen


async def start_callers(count: int, query: Coalesced[int]) -> list[asyncio.Task[int]]:
    """Start `count` callers and let them reach the query."""
    tasks = [asyncio.create_task(query()) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_callers_during_a_query_share_the_next_one() -> None:
    source = Source()
    query = Coalesced(source.query)
    first = await start_callers(1, query)
    source.value = 1
    later = await start_callers(5, query)
    source.gate.set()
    assert await asyncio.gather(*first, *later) == [0, 1, 1, 1, 1, 1]
    assert source.queries == 2


async def test_a_caller_sees_everything_written_before_the_call() -> None:
    source = Source()
    query = Coalesced(source.query)
    source.gate.set()
    for value in range(1, 20):
        source.value = value
        assert await query() == value


async def test_a_failed_query_fails_only_for_the_callers_that_share_it() -> None:
    source = Source()
    query = Coalesced(source.query)
    source.error = OSError("away")
    failing = await start_callers(3, query)
    source.gate.set()
    for task in failing:
        with pytest.raises(OSError, match="away"):
            await task
    source.error = None
    assert await query() == 0


async def test_a_cancelled_caller_does_not_cancel_the_query_of_the_others() -> None:
    source = Source()
    query = Coalesced(source.query)
    leaving, staying = await start_callers(2, query)
    leaving.cancel()
    source.gate.set()
    assert await staying == 0
    assert leaving.cancelled()
