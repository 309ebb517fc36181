"""The broker's stream, its publisher and its readers, with a real broker and a real log."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from shared.db.errors import DatabaseUnavailableError
from shared.log.follower import select_head
from shared.log.position import Position
from stream_service.blocks import BlockKey
from stream_service.broker.entries import Part, Signal
from stream_service.broker.publisher import LogReplacedError, Options, Place, Publisher, State, StuckError, find_place
from stream_service.broker.shared_snapshots import SharedSnapshots
from stream_service.broker.stream import Broker, BrokerFullError, BrokerUnavailableError, EntryId, Stream, key
from stream_service.broker.window import Window
from stream_service.ring import Frame
from stream_service.store.snapshots import SnapshotPart, select_snapshot
from tests.broker import running_broker
from tests.system_programs import find_broker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence

    from redis.asyncio import Redis

    from shared.db.database import Pool
    from stream_service.blocks import Block
    from tests.broker import Broker as BrokerServer

pytestmark = pytest.mark.skipif(find_broker() is None, reason="no redis-server")

EPOCH = "3f9c01ab"
FRAME_BYTES = 1_000
PATIENCE_SECONDS = 20
OPTIONS = Options(max_bytes=20 * FRAME_BYTES, flush_seconds=0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerServer]:
    with running_broker(tmp_path_factory.mktemp("broker")) as server:
        yield server


@pytest.fixture
async def client(server: BrokerServer) -> AsyncIterator[Redis]:
    server.call("FLUSHALL")
    async with Broker(server.url).connected() as client:
        yield client


def frames(*event_ids: int) -> list[Frame]:
    """Events whose data is their id."""
    return [Frame(each, 1, 1, str(each).encode().ljust(FRAME_BYTES), float(each)) for each in event_ids]


def publisher(client: Redis, after: int = 0, *, total: int = 0) -> Publisher:
    return Publisher(Stream(client, EPOCH), Place(Position(EPOCH, after), total, kept=total), OPTIONS)


async def ids(client: Redis, after: int = 0) -> list[int]:
    """The ids of the events that the stream has after this one, without a gap."""
    last = await Stream(client, EPOCH).last()
    parts = None if last is None else await Stream(client, EPOCH).parts(after, last.id.event_id)
    return [frame.event_id for part in parts or () for frame in part.frames]


async def lengths(client: Redis) -> int:
    return int(await client.xlen(key(EPOCH, "log")))


async def test_an_id_that_is_not_above_all_others_is_refused(client: Redis) -> None:
    stream = Stream(client, EPOCH)
    assert await stream.add(EntryId(5), Part(3, 5, frames(5), 1))
    assert not await stream.add(EntryId(5), Part(3, 5, frames(5), 1))
    assert not await stream.add(EntryId(4), Part(3, 4, frames(4), 1))
    assert await stream.add(EntryId(5, 1), Signal(5, "a", 1, 1))
    assert await stream.add(EntryId(6), Part(5, 6, frames(6), 1))
    assert await ids(client, 3) == [5, 6]


async def test_two_publishers_write_each_event_once_and_leave_no_gap(client: Redis) -> None:
    first, second = publisher(client), publisher(client)
    await first.take(frames(1, 2))
    await second.take(frames(1))
    await second.take(frames(2, 3, 5))
    await first.take(frames(3))
    await first.take(frames(5, 6))
    await second.take(frames(6))
    reached, seen = 0, []
    for part in await Stream(client, EPOCH).parts(0, 6) or ():
        assert part.prev <= reached < part.end
        seen += [frame.event_id for frame in part.frames if frame.event_id > reached]
        reached = part.end
    assert seen == [1, 2, 3, 5, 6]


async def test_the_stream_keeps_the_newest_events_within_its_bytes(client: Redis) -> None:
    publishing = publisher(client)
    for event_id in range(1, 200):
        await publishing.take(frames(event_id))
        kept = await lengths(client)
        assert kept <= (OPTIONS.max_bytes + OPTIONS.max_bytes // 16) / FRAME_BYTES + 1
    assert await ids(client, 199 - 20) == list(range(180, 200))
    assert await ids(client, 100) == [], "what is before the first entry is not in the stream"


async def test_a_new_publisher_keeps_what_the_former_one_left_until_it_has_enough_itself(client: Redis) -> None:
    await publisher(client).take(frames(*range(1, 11)))
    second = publisher(client, 10, total=10 * FRAME_BYTES)
    for event_id in range(11, 21):
        await second.take(frames(event_id))
    assert await ids(client, 0) == list(range(1, 21))
    await second.take(frames(21))
    assert await ids(client, 10) == list(range(11, 22))
    assert await ids(client, 0) == []


async def test_publishers_that_follow_each_other_quickly_do_not_fill_the_broker(client: Redis) -> None:
    for number in range(20):
        total = number * 9 * FRAME_BYTES
        kept = 0 if number == 0 else await lengths(client) * FRAME_BYTES
        publishing = Publisher(Stream(client, EPOCH), Place(Position(EPOCH, number * 9), total, kept), OPTIONS)
        for event_id in range(number * 9 + 1, number * 9 + 10):
            await publishing.take(frames(event_id))
        assert await lengths(client) <= 1.5 * OPTIONS.max_bytes / FRAME_BYTES


async def test_an_entry_with_a_wrong_total_does_not_stop_the_trimming(client: Redis) -> None:
    first, second = publisher(client, 1_000, total=10**9), publisher(client, 1_000)
    await first.take(frames(1_001))
    for event_id in range(1_001, 1_100):
        await second.take(frames(event_id))
    assert await lengths(client) <= OPTIONS.max_bytes / FRAME_BYTES + 2


async def test_a_full_broker_makes_room_by_forgetting_older_events(client: Redis) -> None:
    publishing = Publisher(
        Stream(client, EPOCH), Place(Position(EPOCH, 0)), OPTIONS._replace(max_bytes=1_000 * FRAME_BYTES)
    )
    for event_id in range(1, 400):
        await publishing.take(frames(event_id))
    used = int((await client.info("memory"))["used_memory"])
    await client.config_set("maxmemory", used)
    try:
        for event_id in range(400, 1_000):
            await publishing.take(frames(event_id))
        assert (await ids(client, 900))[-1] == 999
        await client.config_set("maxmemory", 1)
        with pytest.raises(BrokerFullError):
            await publishing.take(frames(1_000))
    finally:
        await client.config_set("maxmemory", 0)


async def test_a_signal_makes_room_in_a_full_broker_too(client: Redis) -> None:
    publishing = Publisher(
        Stream(client, EPOCH), Place(Position(EPOCH, 0)), OPTIONS._replace(max_bytes=1_000 * FRAME_BYTES)
    )
    for event_id in range(1, 400):
        await publishing.take(frames(event_id))
    await client.config_set("maxmemory", int((await client.info("memory"))["used_memory"]) - 1_000)
    try:
        await publishing.stop()
    finally:
        await client.config_set("maxmemory", 0)
    assert 0 < await lengths(client) < 399


async def _place(pool: Pool, client: Redis) -> tuple[str, int, Place]:
    """The epoch and the head of the log, and where a publisher begins."""
    async with pool.acquire() as connection:
        epoch, head = await select_head(connection)
        return epoch, head, await find_place(Stream(client, epoch), connection)


async def _add_items(pool: Pool, count: int) -> None:
    for _ in range(count):
        await pool.execute("INSERT INTO inventory (name, quantity) VALUES ('item', 1)")


async def test_a_publisher_goes_on_where_the_stream_ends(client: Redis, pool: Pool) -> None:
    await _add_items(pool, 5)
    epoch, head, place = await _place(pool, client)
    assert place == Place(Position(epoch, head)), "without a stream, it begins at the head"
    await Stream(client, epoch).add(EntryId(3), Part(1, 3, frames(3), 77))
    assert (await _place(pool, client))[2] == Place(Position(epoch, 3), 77, 0, 0)
    await Stream(client, epoch).add(EntryId(3, 8), Signal(3, "a", 8, 77))
    await Stream(client, epoch).add(EntryId(4), Part(3, 4, frames(4), 99))
    assert (await _place(pool, client))[2] == Place(Position(epoch, 4), 99, 22, 0)
    await Stream(client, epoch).add(EntryId(4, 9), Signal(4, "a", 9, 99))
    assert (await _place(pool, client))[2] == Place(Position(epoch, 4), 99, 22, 9)


async def test_a_publisher_that_is_far_behind_begins_at_the_head(
    client: Redis, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_service.broker.publisher.LARGEST_BACKLOG", 3)
    await _add_items(pool, 5)
    epoch, head, _ = await _place(pool, client)
    await Stream(client, epoch).add(EntryId(1), Part(0, 1, frames(1), 77))
    assert (await _place(pool, client))[2] == Place(Position(epoch, head), 77, 0, 0)


@pytest.mark.parametrize("entry", [{"end": "4"}, {"prev": "8", "end": "9", "total": "1", "frames": ""}])
async def test_a_stream_that_does_not_belong_to_the_log_is_cleared(
    client: Redis, pool: Pool, entry: dict[str, str]
) -> None:
    await _add_items(pool, 5)
    epoch, head, _ = await _place(pool, client)
    await client.xadd(key(epoch, "log"), entry, id=f"{entry['end']}-0")  # type: ignore[arg-type]
    assert (await _place(pool, client))[2] == Place(Position(epoch, head))
    assert await client.xlen(key(epoch, "log")) == 0


async def test_a_stream_that_has_lost_all_its_entries_takes_new_ones(client: Redis, pool: Pool) -> None:
    await _add_items(pool, 5)
    epoch, head, _ = await _place(pool, client)
    stream = Stream(client, epoch)
    await stream.add(EntryId(head + 1), Part(0, head + 1, frames(head + 1), FRAME_BYTES))
    await client.xtrim(key(epoch, "log"), maxlen=0)
    assert (await _place(pool, client))[2] == Place(Position(epoch, head))
    assert await stream.add(EntryId(head, 1), Signal(head, "new", 1, 0))


async def test_a_publisher_stops_when_the_log_is_replaced(client: Redis) -> None:
    publishing = publisher(client, 10)
    assert publishing.start(Position(EPOCH, 12)) == Position(EPOCH, 10)
    for head in (Position("another", 12), Position(EPOCH, 9)):
        with pytest.raises(LogReplacedError):
            publishing.start(head)


def not_current() -> State:
    return State(is_caught_up=False, is_listening=False)


@contextlib.asynccontextmanager
async def signalling(publishing: Publisher, state: Callable[[], State] = not_current) -> AsyncIterator[None]:
    """Add the publisher's signals within the block."""
    task = asyncio.create_task(publishing.signal(state))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def next_signals(client: Redis, after: EntryId, count: int) -> list[Signal]:
    """The next signals of the stream."""
    found: list[Signal] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(found) < count:
            for each in await Stream(client, EPOCH).wait_for_entries(after, 0.5):
                assert isinstance(each.entry, Signal)
                assert each.id == EntryId(each.entry.end, each.entry.number)
                found.append(each.entry)
                after = each.id
    return found


async def test_signals_tell_whose_rights_may_have_changed(client: Redis) -> None:
    publishing = publisher(client, 7)
    async with signalling(publishing):
        publishing.signal_rights("12")
        (first,) = await next_signals(client, EntryId(0), 1)
        publishing.signal_rights("")
        (second,) = await next_signals(client, EntryId(7, first.number), 1)
    await publishing.stop()
    (third,) = await next_signals(client, EntryId(7, second.number), 1)
    assert [each.principal for each in (first, second, third)] == ["12", "", None]
    assert [each.is_last for each in (first, second, third)] == [False, False, True]
    assert [each.number - first.number for each in (first, second, third)] == [0, 1, 2]


@pytest.mark.parametrize("is_caught_up", [True, False])
async def test_signals_say_whether_the_log_may_have_more_events(client: Redis, is_caught_up: bool) -> None:
    publishing = publisher(client, 6)
    await publishing.take(frames(7))
    async with signalling(publishing, lambda: State(is_caught_up, is_listening=True)):
        signals = await next_signals(client, EntryId(7), 2)
    assert [(each.end, each.is_behind) for each in signals] == [(7, not is_caught_up)] * 2


async def test_a_publisher_that_can_not_do_its_work_gives_way(client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_service.broker.publisher.STUCK_SECONDS", 0.2)
    with pytest.raises(StuckError):
        await publisher(client).signal(not_current)
    assert await Stream(client, EPOCH).last() is None


async def test_a_publisher_whose_signals_are_refused_gives_way(client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_service.broker.publisher.STUCK_SECONDS", 0.2)
    stream = Stream(client, EPOCH)
    await stream.add(EntryId(9), Part(0, 9, frames(9), FRAME_BYTES))
    with pytest.raises(StuckError):
        await publisher(client, 7).signal(lambda: State(is_caught_up=True, is_listening=True))
    last = await stream.last()
    assert last is not None
    assert last.id == EntryId(9)


async def test_changes_of_rights_in_quick_succession_do_not_suppress_the_other_signals(client: Redis) -> None:
    publishing = publisher(client, 7)
    async with signalling(publishing, lambda: State(is_caught_up=True, is_listening=True)):
        changing = asyncio.create_task(_signal_rights_again_and_again(publishing))
        signals = await next_signals(client, EntryId(0), 60)
        changing.cancel()
    assert sum(each.principal is None for each in signals) >= 2


async def _signal_rights_again_and_again(publishing: Publisher) -> None:
    for number in itertools.count():
        publishing.signal_rights(str(number))
        await asyncio.sleep(0.02)


async def test_a_signal_that_is_refused_is_sent_again_with_a_higher_number(client: Redis) -> None:
    publishing, stream = publisher(client, 7), Stream(client, EPOCH)
    others = EntryId(7, 2**50)
    await stream.add(others, Signal(7, "other", others.number, 0))
    async with signalling(publishing):
        publishing.signal_rights("12")
        (signal,) = await next_signals(client, others, 1)
    assert signal.number == others.number + 1
    assert signal.principal == "12"


async def test_the_numbers_of_a_new_publisher_are_above_those_that_the_stream_has_lost(client: Redis) -> None:
    first = publisher(client, 7)
    await first.stop()
    last = await Stream(client, EPOCH).last()
    assert last is not None
    await client.flushall()
    await publisher(client, 7).stop()
    (signal,) = await next_signals(client, last.id, 1)
    assert signal.number > last.id.number


async def test_old_signals_are_deleted(client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_service.broker.publisher.SIGNALS_KEPT_SECONDS", 0.0)
    publishing = publisher(client, 7)
    async with signalling(publishing, lambda: State(is_caught_up=True, is_listening=True)):
        await next_signals(client, EntryId(0), 3)
    assert await lengths(client) <= 2
    assert await client.ttl(key(EPOCH, "log")) > 3_600


# The window


def ids_of(block: Block | None, after: int) -> list[int] | None:
    """The ids of the events that a block sends to a subscriber that has seen the event ``after``."""
    if block is None:
        return None
    data = b""
    while (span := block.span(after, None)).data:
        data, after = data + span.data, span.end
    return [int(event_id) for event_id in data.split()]


async def test_the_window_gives_all_events_between_two_ids_or_none(client: Redis) -> None:
    publishing, window = publisher(client, 10), Window(client, lambda: True)
    await publishing.take(frames(11, 12, 15))
    await Stream(client, EPOCH).add(EntryId(15, 1), Signal(15, "a", 1, 0))
    await publishing.take(frames(16, 20))
    await Stream(client, EPOCH).add(EntryId(30), Part(25, 30, frames(30), 0))

    async def read(after: int, up_to: int) -> list[int] | None:
        return ids_of(await window.read(BlockKey(EPOCH, after, up_to)), after)

    assert await read(10, 20) == [11, 12, 15, 16, 20]
    assert await read(11, 16) == [12, 15, 16]
    assert await read(13, 18) == [15, 16]
    assert await read(12, 14) == []
    assert await read(9, 20) is None, "the event 10 may be missing"
    assert await read(10, 21) is None, "what follows 20 is not there"
    assert await read(10, 30) is None, "there is a gap"
    assert await read(25, 30) == [30]
    assert await window.read(BlockKey("another", 10, 20)) is None


async def test_the_window_reads_more_entries_than_one_page(client: Redis) -> None:
    publishing = Publisher(
        Stream(client, EPOCH), Place(Position(EPOCH, 0)), OPTIONS._replace(max_bytes=1_000 * FRAME_BYTES)
    )
    for event_id in range(1, 151):
        await publishing.take(frames(event_id))
    assert ids_of(await Window(client, lambda: True).read(BlockKey(EPOCH, 0, 150)), 0) == list(range(1, 151))


async def test_without_a_broker_the_window_gives_nothing(tmp_path: Any) -> None:
    with running_broker(tmp_path) as server:
        async with Broker(server.url).connected() as client:
            await publisher(client).take(frames(1))
            assert await Window(client, lambda: True).read(BlockKey(EPOCH, 0, 1)) is not None
            server.kill()
            assert await Window(client, lambda: True).read(BlockKey(EPOCH, 0, 1)) is None
            with pytest.raises(BrokerUnavailableError):
                await Stream(client, EPOCH).last()


async def test_a_wrong_password_makes_the_broker_unavailable(server: BrokerServer) -> None:
    async with Broker(f"redis://127.0.0.1:{server.port}", "wrong").connected() as client:
        with pytest.raises(BrokerUnavailableError):
            await Stream(client, EPOCH).last()


# Snapshots


class Database:
    """Reads snapshots from the database, and counts them."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.reads = 0

    def read(self) -> AsyncGenerator[SnapshotPart]:
        self.reads += 1
        return select_snapshot(self.pool, None)


async def _take(shared: SharedSnapshots, database: Database) -> Sequence[SnapshotPart]:
    async with asyncio.timeout(20):
        return [part async for part in shared.parts(database.read)]


@pytest.fixture
async def database_reads(pool: Pool) -> Database:
    await pool.execute("INSERT INTO inventory (name, quantity) SELECT 'item', 1 FROM generate_series(1, 1200)")
    return Database(pool)


async def test_one_process_reads_a_snapshot_and_the_others_get_it_from_the_broker(
    client: Redis, pool: Pool, database_reads: Database
) -> None:
    epoch = await pool.fetchval("SELECT log_epoch()")
    processes = [SharedSnapshots(client, lambda: epoch, is_trusted=lambda: True, max_bytes=2**20) for _ in range(5)]
    snapshots = await asyncio.gather(*(_take(each, database_reads) for each in processes))
    assert database_reads.reads == 1
    assert all(each == snapshots[0] for each in snapshots)
    assert [part.is_last for part in snapshots[0]] == [False, False, True]
    assert snapshots[0] == [part async for part in select_snapshot(pool, None)]


async def test_a_snapshot_that_is_too_large_is_not_shared(client: Redis, pool: Pool, database_reads: Database) -> None:
    epoch = await pool.fetchval("SELECT log_epoch()")
    shared = SharedSnapshots(client, lambda: epoch, is_trusted=lambda: True, max_bytes=1_000)
    assert len(await _take(shared, database_reads)) == 3
    assert await client.keys("*") == [key(epoch, "snapshot").encode()], "which says that it is too large"
    assert len(await _take(shared, database_reads)) == 3
    assert database_reads.reads == 2


async def test_a_snapshot_that_has_lost_a_part_is_read_again(
    client: Redis, pool: Pool, database_reads: Database
) -> None:
    epoch = await pool.fetchval("SELECT log_epoch()")
    shared = SharedSnapshots(client, lambda: epoch, is_trusted=lambda: True, max_bytes=2**20)
    first = await _take(shared, database_reads)
    (parts,) = await client.keys("*:snapshot:*")
    await client.rpop(parts)
    assert await _take(shared, database_reads) == first
    assert database_reads.reads == 2


async def test_nobody_waits_for_long_for_a_process_that_died_while_it_read_a_snapshot(
    client: Redis, pool: Pool, database_reads: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_service.broker.shared_snapshots.WAIT_SECONDS", 0.3)
    epoch = await pool.fetchval("SELECT log_epoch()")
    await client.set(key(epoch, "reading"), "dead", px=100)
    shared = SharedSnapshots(client, lambda: epoch, is_trusted=lambda: True, max_bytes=2**20)
    assert len(await _take(shared, database_reads)) == 3
    await client.delete(*await client.keys("*"))
    await client.set(key(epoch, "reading"), "slow")
    assert len(await _take(shared, database_reads)) == 3
    assert database_reads.reads == 2
    assert await client.get(key(epoch, "reading")) == b"slow", "the lock of another process is left alone"


async def test_a_process_that_fails_to_read_a_snapshot_gives_way_at_once(
    client: Redis, pool: Pool, database_reads: Database
) -> None:
    async def failing() -> AsyncGenerator[SnapshotPart]:
        raise DatabaseUnavailableError("a test")
        yield

    epoch = await pool.fetchval("SELECT log_epoch()")
    shared = SharedSnapshots(client, lambda: epoch, is_trusted=lambda: True, max_bytes=2**20)
    with pytest.raises(DatabaseUnavailableError):
        async for _ in shared.parts(failing):
            pass
    assert await client.keys("*") == []


async def test_without_a_broker_each_process_reads_a_snapshot_itself(
    tmp_path: Any, pool: Pool, database_reads: Database
) -> None:
    epoch = await pool.fetchval("SELECT log_epoch()")
    with running_broker(tmp_path) as server:
        async with Broker(server.url).connected() as client:
            server.kill()
            shared = SharedSnapshots(client, lambda: epoch, is_trusted=lambda: True, max_bytes=2**20)
            assert len(await _take(shared, database_reads)) == 3
    assert database_reads.reads == 1


# Cancelling


@pytest.mark.parametrize("is_suspended", [False, True])
async def test_a_read_that_waits_can_be_cancelled_at_any_moment(
    server: BrokerServer, client: Redis, is_suspended: bool
) -> None:
    for number in range(12):
        async with Broker(server.url).connected() as other:
            stream = Stream(other, EPOCH)
            await stream.last()
            if is_suspended:
                server.pause()
            try:
                reading = asyncio.create_task(_read_forever(stream))
                for _ in range(number):
                    await asyncio.sleep(0)
                reading.cancel()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await asyncio.wait({reading})
                assert reading.cancelled()
            finally:
                server.resume()


async def _read_forever(stream: Stream) -> None:
    while True:
        with contextlib.suppress(BrokerUnavailableError):
            await stream.wait_for_entries(EntryId(0), 0.2)
