"""Gates: so many at a time, so many who wait, and for so long."""

from __future__ import annotations

import asyncio

import pytest

from api_service.gates import Gate
from shared.problems import Problem


async def test_no_more_than_its_places_are_in_and_all_who_waited_get_in() -> None:
    gate, inside, most, done = Gate("tests", places=2, waiting=10, patience=10), 0, 0, 0

    async def work() -> None:
        nonlocal inside, most, done
        async with gate.entered():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            done += 1

    await asyncio.gather(*(work() for _ in range(12)))
    assert (most, done) == (2, 12)


async def test_who_finds_no_room_or_waits_too_long_is_told_to_come_back() -> None:
    gate = Gate("tests", places=1, waiting=1, patience=0.01)
    async with gate.entered():
        waiting = asyncio.create_task(_enter(gate))
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await _enter(gate)
        assert refused.value.status == 503
        assert refused.value.headers["Retry-After"]
        with pytest.raises(Problem):
            await waiting
    await _enter(gate)


async def test_one_who_leaves_while_waiting_takes_no_place_with_it() -> None:
    gate = Gate("tests", places=1, waiting=5, patience=10)
    async with gate.entered():
        waiting = asyncio.create_task(_enter(gate))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(1):
        await _enter(gate)


async def _enter(gate: Gate) -> None:
    async with gate.entered():
        pass
