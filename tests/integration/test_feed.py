"""Several readers of one broker, and candidates that publish to it, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from shared.access.principals import CHANNEL
from shared.db.database import create_pool
from stream_service.broker.election import Candidacy, Candidate
from stream_service.broker.entries import Signal
from stream_service.broker.feed import Feed
from stream_service.broker.publisher import Options
from stream_service.broker.stream import Broker, EntryId, Stream
from stream_service.live import Live
from stream_service.relay import Relay
from stream_service.ring import Ring
from stream_service.store import log
from tests.broker import running_broker
from tests.system_programs import find_broker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from redis.asyncio import Redis

    from shared.db.database import Pool
    from shared.log.position import Position
    from stream_service.ring import Frame
    from tests.broker import Broker as BrokerServer
    from tests.postgres import PostgresServer

pytestmark = pytest.mark.skipif(find_broker() is None, reason="no redis-server")

PATIENCE_SECONDS = 20
FLUSH_SECONDS = 0.025
BULK_EVENTS = 60_000


class Member:
    """What a stream process does with the broker, without its clients."""

    def __init__(self, pool: Pool, url: str, broker: Broker, name: str) -> None:
        self.relay = Relay(pool, Ring(2**25), Live(), flush_seconds=FLUSH_SECONDS, heartbeat_seconds=1)
        self.checked: list[str] = []  # principals whose rights were checked
        self.listens = 0  # how often it began to listen to the database
        self.was_distrusted = False
        self.feed = Feed(
            broker, self.relay, check_rights=self.checked.append, listen_to_database=self._listen_to_database
        )
        self.candidate = Candidate(
            broker, self.feed.wants_publisher, Candidacy(pool, url, name, Options(2**26, FLUSH_SECONDS))
        )
        self.tasks: list[asyncio.Task[None]] = []

    async def _listen_to_database(self) -> None:
        self.listens += 1
        await asyncio.Event().wait()

    def start(self, *, stands: bool) -> None:
        works = [self.relay.follower.run, self.feed.run, self.feed.listen_without_trust]
        works += [self.candidate.run] if stands else []
        self.tasks = [asyncio.create_task(work()) for work in works]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait(self.tasks)

    async def watch_trust(self) -> None:
        """Note whether the broker is distrusted, until cancelled."""
        while True:
            self.was_distrusted = self.was_distrusted or not self.feed.is_trusted
            await asyncio.sleep(0.01)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BrokerServer]:
    with running_broker(tmp_path) as server:
        yield server


@contextlib.asynccontextmanager
async def members(url: str, server: BrokerServer, *stands: bool) -> AsyncIterator[list[Member]]:
    """Members that all trust the broker; whether each stands for election is given."""
    async with create_pool(url, application_name="member", max_size=8) as pool:
        all_members = [Member(pool, url, Broker(server.url), f"member{number}") for number, _ in enumerate(stands, 1)]
        try:
            for member, stand in zip(all_members, stands, strict=True):
                member.start(stands=stand)
            await until_all_trust(all_members)
            yield all_members
        finally:
            for member in all_members:
                await member.stop()


async def until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def until_all_trust(all_members: list[Member]) -> None:
    await until(lambda: all(member.feed.is_trusted for member in all_members))


async def until_none_trusts(all_members: list[Member]) -> None:
    await until(lambda: not any(member.feed.is_trusted for member in all_members))


async def test_a_process_that_loses_its_session_stands_for_election_again(
    postgres: PostgresServer, database: str, pool: Pool, server: BrokerServer
) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'member1 publisher'"
    async with members(postgres.url(database), server, True, False) as all_members:
        for _ in range(3):
            assert await pool.fetchval(end)
            await until_none_trusts(all_members)
            await until_all_trust(all_members)


async def test_a_suspended_publisher_loses_the_lock(
    postgres: PostgresServer, database: str, pool: Pool, server: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its session ends when it does not ask for anything for a while."""
    monkeypatch.setattr("stream_service.broker.election.CHECK_SECONDS", 1_000)
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND granted"
    async with members(postgres.url(database), server, True):
        assert await pool.fetchval(locks) == 1
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await pool.fetchval(locks):
                await asyncio.sleep(0.05)


async def test_everybody_returns_to_a_broker_that_was_flushed_while_nothing_happens(
    postgres: PostgresServer, database: str, server: BrokerServer
) -> None:
    async with members(postgres.url(database), server, True, True, False) as all_members:
        publisher, other = all_members[:2] if _publishes(all_members[0]) else all_members[1::-1]
        for task in publisher.tasks[3:]:
            task.cancel()
        server.call("FLUSHALL")
        await until(lambda: _publishes(other))
        await until_all_trust(all_members)


def _publishes(member: Member) -> bool:
    return member.candidate.is_publishing


async def test_a_long_transaction_is_read_once_and_from_the_broker(
    postgres: PostgresServer, database: str, pool: Pool, server: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time limits are long, since both members share one busy event loop."""
    monkeypatch.setattr("stream_service.broker.feed.SILENT_SECONDS", 10.0)
    monkeypatch.setattr("stream_service.broker.feed.VERIFY_SECONDS", 1_000.0)
    select_events, rows = log.select_events, 0

    async def count_events(*arguments: Any, **options: Any) -> list[Frame]:
        nonlocal rows
        events = await select_events(*arguments, **options)
        rows += len(events)
        return events

    monkeypatch.setattr(log, "select_events", count_events)
    async with members(postgres.url(database), server, True, False) as (publisher, reader):
        watching = asyncio.create_task(reader.watch_trust())
        await pool.execute(
            "INSERT INTO inventory (name, quantity) SELECT 'item', 1 FROM generate_series(1, $1::int)", BULK_EVENTS
        )
        await until(lambda: {each.relay.head.event_id for each in (publisher, reader)} == {BULK_EVENTS}, 60)
        watching.cancel()
        assert rows == BULK_EVENTS
        assert not reader.was_distrusted


async def test_the_broker_is_not_verified_while_the_publisher_is_behind(
    postgres: PostgresServer, database: str, pool: Pool, server: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every process would read from the database what the publisher is about to publish."""
    monkeypatch.setattr("stream_service.broker.feed.VERIFY_SECONDS", 0.0)
    wakes, is_behind = 0, True

    def wake() -> None:
        nonlocal wakes
        wakes += 1

    async def signal(client: Redis, head: Position) -> None:
        for number in itertools.count(1):
            entry = Signal(head.event_id, "another", number, 0, is_behind=is_behind)
            await Stream(client, head.epoch).add(EntryId(head.event_id, number), entry)
            await asyncio.sleep(0.05)

    member = Member(pool, postgres.url(database), Broker(server.url), "member")
    member.start(stands=False)
    try:
        await until(member.relay.is_started.is_set)
        async with Broker(server.url).connected() as client:
            signalling = asyncio.create_task(signal(client, member.relay.head))
            await until_all_trust([member])
            monkeypatch.setattr(member.relay.follower, "wake", wake)
            heard = member.feed._number
            await until(lambda: member.feed._number > heard + 10)
            assert wakes == 0
            is_behind = False
            await until(lambda: wakes > 0)
            signalling.cancel()
    finally:
        await member.stop()


async def test_a_feed_that_fails_is_not_trusted_any_more(
    postgres: PostgresServer, database: str, server: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a test")

    async with members(postgres.url(database), server, True, False) as (_, reader):
        monkeypatch.setattr(reader.feed, "_hear", fail)
        await until(reader.tasks[1].done)
        assert not reader.feed.is_trusted
        assert not reader.relay.follower.is_fed
        await until(lambda: reader.listens == 1)


async def test_a_member_stops_while_the_broker_is_suspended(
    postgres: PostgresServer, database: str, server: BrokerServer
) -> None:
    async with members(postgres.url(database), server, True, False) as all_members:
        server.pause()
        try:
            for member in all_members:
                await member.stop()
        finally:
            server.resume()


async def test_rights_that_change_are_checked_by_every_member(
    postgres: PostgresServer, database: str, pool: Pool, server: BrokerServer
) -> None:
    async with members(postgres.url(database), server, True, False, False) as all_members:
        await pool.execute("SELECT pg_notify($1, '42')", CHANNEL)
        await until(lambda: all("42" in member.checked for member in all_members))
        for member in all_members:
            member.checked.clear()
        server.call("FLUSHALL")  # with it, a change may be lost
        await pool.execute("SELECT pg_notify($1, '43')", CHANNEL)
        await until(lambda: all({"", "43"} & set(member.checked) for member in all_members))
