"""A wait that times out describes every task, and bad readers end when they are cancelled."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.faults.readers import BadReader
from tests.faults.waiting import StuckError, within

READERS = 100
PATIENCE_SECONDS = 20


async def wait_for_a_word(word: asyncio.Event) -> None:
    await word.wait()


async def test_a_timeout_reports_where_each_task_waits() -> None:
    word = asyncio.Event()
    waiting = asyncio.create_task(wait_for_a_word(word), name="the one who waits")
    with pytest.raises(StuckError) as stuck:
        async with within(0.05, "a word"):
            await wait_for_a_word(word)
    word.set()
    await waiting
    said = str(stuck.value)
    assert said.startswith("a word: not done after 0.05 s\n")
    assert "the one who waits:\n" in said
    assert said.count("test_waiting.py") == 3  # frames of the test, of its own wait and of the other task
    assert said.count("wait_for_a_word") == 2


async def test_a_timeout_raised_within_the_block_is_passed_on() -> None:
    with pytest.raises(TimeoutError):
        async with within(PATIENCE_SECONDS, "nothing"):
            raise TimeoutError


async def chatter(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send bytes continuously, so that there is almost always something to read."""
    try:
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0)
    except ConnectionError:
        writer.transport.abort()


class Eager(random.Random):
    """Always makes BadReader read, practically without end."""

    def random(self) -> float:
        return 0.0

    def randrange(self, *_: int) -> int:  # type: ignore[override]
        return 1_000_000


async def test_a_bad_reader_can_be_cancelled_at_any_moment() -> None:
    server = await asyncio.start_server(chatter, "127.0.0.1", 0)
    async with server, within(PATIENCE_SECONDS, "every bad reader to end"):
        port = server.sockets[0].getsockname()[1]
        for number in range(READERS):
            reading = asyncio.create_task(BadReader(port, Eager(number)).run(), name=f"bad reader {number}")
            for _ in range(10 + number % 50):  # iterations of the event loop
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait({reading})
            assert reading.cancelled()
