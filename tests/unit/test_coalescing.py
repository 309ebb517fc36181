"""One query for all who ask at the same time, and never one that began before they asked."""

from __future__ import annotations

import asyncio

import pytest

from api_service.coalescing import Coalesced


class Source:
    """A value to query; each query waits until it is let through, and sees the value of its beginning."""

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


async def asked(count: int, query: Coalesced[int]) -> list[asyncio.Task[int]]:
    """So many who have asked and wait."""
    tasks = [asyncio.create_task(query()) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_those_who_ask_while_a_query_runs_share_the_next() -> None:
    source = Source()
    query = Coalesced(source.query)
    first = await asked(1, query)
    source.value = 1
    later = await asked(5, query)
    source.gate.set()
    assert await asyncio.gather(*first, *later) == [0, 1, 1, 1, 1, 1]
    assert source.queries == 2


async def test_what_was_written_before_asking_is_seen() -> None:
    source = Source()
    query = Coalesced(source.query)
    source.gate.set()
    for value in range(1, 20):
        source.value = value
        assert await query() == value


async def test_a_query_that_fails_fails_for_those_who_share_it_and_no_one_else() -> None:
    source = Source()
    query = Coalesced(source.query)
    source.error = OSError("away")
    failing = await asked(3, query)
    source.gate.set()
    for task in failing:
        with pytest.raises(OSError, match="away"):
            await task
    source.error = None
    assert await query() == 0


async def test_one_who_leaves_takes_the_query_from_no_one() -> None:
    source = Source()
    query = Coalesced(source.query)
    leaving, staying = await asked(2, query)
    leaving.cancel()
    source.gate.set()
    assert await staying == 0
    assert leaving.cancelled()
