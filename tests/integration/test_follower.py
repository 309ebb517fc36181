"""A follower passes on every event once and in order, from any start and despite lost connections."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, NamedTuple

import pytest

from shared.db.database import create_pool
from shared.log.doorbell import LOG_CHANNEL, Doorbell
from shared.log.follower import Follower, select_head
from shared.log.position import Position
from stream_service.store.log import select_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.db.database import Connection, Pool
    from stream_service.ring import Frame
    from tests.postgres import PostgresServer

PATIENCE_SECONDS = 20
WRITERS, WRITES = 4, 50
NAME = "follower test"


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.log.follower.PAGE_EVENTS", 7)


class Recorder:
    """Starts at the given event id and records the events it receives."""

    def __init__(self, begin: int | None = None) -> None:
        self.begin = begin  # None: start at the head
        self.starts: list[Position] = []
        self.taken: list[int] = []
        self.pauses = 0

    def start(self, head: Position) -> Position:
        self.starts.append(head)
        return head if self.begin is None else Position(head.epoch, self.begin)

    async def pause(self) -> None:
        self.pauses += 1

    async def read(self, connection: Connection, after: Position, limit: int) -> Sequence[Frame]:
        return await select_events(connection, after.epoch, after=after.event_id, page=limit)

    async def take(self, events: Sequence[Frame]) -> None:
        self.taken += [event.event_id for event in events]


class Followed(NamedTuple):
    recorder: Recorder
    follower: Follower[Frame]


@contextlib.asynccontextmanager
async def following(url: str, recorder: Recorder, *, with_doorbell: bool = True) -> AsyncIterator[Followed]:
    """Run a follower within the block."""
    async with create_pool(url, application_name=NAME, max_size=2) as pool, asyncio.TaskGroup() as group:
        follower: Follower[Frame] = Follower(pool, recorder)
        tasks = [group.create_task(follower.run())]
        if with_doorbell:
            tasks.append(
                group.create_task(Doorbell(url, {LOG_CHANNEL: lambda _: follower.wake()}, application_name=NAME).run())
            )
        try:
            yield Followed(recorder, follower)
        finally:
            for task in tasks:
                task.cancel()


async def write(pool: Pool, count: int) -> None:
    for number in range(count):
        await pool.execute("INSERT INTO inventory (name, quantity) VALUES ($1, 1)", f"item {number}")


async def events_of(pool: Pool) -> list[int]:
    return [row["event_id"] for row in await pool.fetch("SELECT event_id FROM inventory_history ORDER BY event_id")]


async def until_taken(followed: Followed, expected: list[int]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while followed.recorder.taken != expected:
            assert followed.recorder.taken == expected[: len(followed.recorder.taken)]
            await followed.follower.refresh()


@pytest.mark.parametrize("begin", [0, 3, None])
async def test_it_starts_where_its_reader_says(
    postgres: PostgresServer, database: str, pool: Pool, begin: int | None
) -> None:
    await write(pool, 5)
    before = await events_of(pool)
    async with following(postgres.url(database), Recorder(begin)) as followed:
        await followed.follower.refresh()
        await write(pool, 20)
        events = await events_of(pool)
        await until_taken(followed, events[len(before) if begin is None else begin :])
    assert [head.event_id for head in followed.recorder.starts] == [before[-1]]


async def test_without_a_doorbell_it_polls(postgres: PostgresServer, database: str, pool: Pool) -> None:
    async with following(postgres.url(database), Recorder(0), with_doorbell=False) as followed:
        await write(pool, 1)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not followed.recorder.taken:
                await asyncio.sleep(0.01)
    assert followed.recorder.taken == await events_of(pool)


async def test_nothing_is_lost_or_repeated_when_connections_are_terminated(
    postgres: PostgresServer, database: str, pool: Pool
) -> None:
    cut = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '{NAME}'"
    async with following(postgres.url(database), Recorder(0)) as followed:
        await followed.follower.refresh()
        async with asyncio.TaskGroup() as group:
            writers = [group.create_task(write(pool, WRITES)) for _ in range(WRITERS)]
            cuts = 0
            while not all(writer.done() for writer in writers):
                cuts += await pool.fetchval(cut)
        assert cuts > 0
        await until_taken(followed, await events_of(pool))
    assert len(followed.recorder.taken) == WRITERS * WRITES
    assert len(followed.recorder.starts) == 1, "a lost connection must not count as another log"


async def test_a_log_that_ends_before_the_position_is_another_log(
    postgres: PostgresServer, database: str, pool: Pool
) -> None:
    await write(pool, 9)
    async with following(postgres.url(database), Recorder()) as followed:
        await followed.follower.refresh()
        followed.follower.position = Position((await _head(pool)).epoch, 10_000)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(followed.recorder.starts) < 2:
                await followed.follower.refresh()
        assert followed.recorder.starts[1] == await _head(pool) == followed.follower.position


async def _head(pool: Pool) -> Position:
    async with pool.acquire() as connection:
        return await select_head(connection)


async def frames_after(pool: Pool, position: Position) -> Sequence[Frame]:
    async with pool.acquire() as connection:
        return await select_events(connection, position.epoch, after=position.event_id, page=1_000)


async def test_events_from_a_cache_are_passed_on_once_and_only_without_a_gap(
    postgres: PostgresServer, database: str, pool: Pool
) -> None:
    await write(pool, 2)
    async with following(postgres.url(database), Recorder(), with_doorbell=False) as followed:
        follower, taken = followed.follower, followed.recorder.taken
        follower.is_fed = True
        await follower.refresh()
        start = await _head(pool)
        await write(pool, 6)
        events = await frames_after(pool, start)

        def after(number: int) -> Position:
            return Position(start.epoch, start.event_id + number)

        assert await follower.accept(start, events[:2])
        assert not await follower.accept(after(3), events[3:4]), "the third may be missing"
        assert not await follower.accept(Position("another", start.event_id), events), "it is another log"
        assert await follower.accept(start, events[:2]), "they were passed on before"
        assert taken == [event.event_id for event in events[:2]]
        assert await follower.accept(after(1), events[1:4])
        assert taken == [event.event_id for event in events[:4]]
        assert follower.position == after(4)
        await follower.refresh()
        assert taken == [event.event_id for event in events], "the database has the rest"


async def test_while_a_cache_passes_on_the_events_the_database_is_read_only_when_the_follower_is_woken(
    postgres: PostgresServer, database: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.log.follower.POLL_SECONDS", 0.01)
    async with following(postgres.url(database), Recorder(), with_doorbell=False) as followed:
        await followed.follower.refresh()
        followed.follower.is_fed = True
        await followed.follower.refresh()
        await write(pool, 1)
        await asyncio.sleep(0.3)
        assert followed.recorder.taken == []
        await followed.follower.refresh()
        assert followed.recorder.taken == await events_of(pool)
        followed.follower.is_fed = False
        followed.follower.wake()
        await write(pool, 1)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while followed.recorder.taken != await events_of(pool):
                await asyncio.sleep(0.01)


async def test_a_cache_that_is_ahead_of_the_head_that_was_just_read_does_not_look_like_another_log(
    postgres: PostgresServer, database: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with following(postgres.url(database), Recorder(), with_doorbell=False) as followed:
        await followed.follower.refresh()
        followed.follower.is_fed = True
        await followed.follower.refresh()

        async def select_head_and_accept_another_event(connection: Connection) -> Position:
            head = await select_head(connection)
            await write(pool, 1)
            assert await followed.follower.accept(head, await frames_after(pool, head))
            return head

        monkeypatch.setattr("shared.log.follower.select_head", select_head_and_accept_another_event)
        await followed.follower.refresh()
        assert len(followed.recorder.starts) == 1
        assert followed.recorder.taken == await events_of(pool)
