"""A wait that is too long says where everyone stood, and whoever is cancelled ends."""

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


async def test_a_wait_that_is_too_long_says_where_each_task_stood() -> None:
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
    assert said.count("test_waiting.py") == 3  # the test, its wait, and the task's
    assert said.count("wait_for_a_word") == 2


async def test_a_timeout_of_what_is_waited_for_is_not_taken_for_the_bound() -> None:
    with pytest.raises(TimeoutError):
        async with within(PATIENCE_SECONDS, "nothing"):
            raise TimeoutError


async def chatter(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte again and again, so that there is nearly always something to be read."""
    try:
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0)
    except ConnectionError:
        writer.transport.abort()


class Eager(random.Random):
    """Chooses to read without end."""

    def random(self) -> float:
        return 0.0

    def randrange(self, *_: int) -> int:  # type: ignore[override]
        return 1_000_000


async def test_a_bad_reader_ends_when_it_is_cancelled_at_whatever_moment() -> None:
    server = await asyncio.start_server(chatter, "127.0.0.1", 0)
    async with server, within(PATIENCE_SECONDS, "every bad reader to end"):
        port = server.sockets[0].getsockname()[1]
        for number in range(READERS):
            reading = asyncio.create_task(BadReader(port, Eager(number)).run(), name=f"bad reader {number}")
            for _ in range(10 + number % 50):  # turns of the loop
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait({reading})
            assert reading.cancelled()
