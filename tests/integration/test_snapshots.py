"""Snapshots: one is read for many, in parts, and none is kept longer than it is needed."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from shared.log.follower import select_head
from stream_service.busy import BusyError
from stream_service.filters import filter_of
from stream_service.snapshots import MAX_WHOLE_SNAPSHOTS, Snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.db.database import Pool
    from shared.log.position import Position
    from stream_service.snapshots import Snapshot

ITEMS = 1_200


@pytest.fixture
async def stocked(pool: Pool) -> Pool:
    await pool.execute(
        "INSERT INTO inventory (name, quantity) SELECT 'item ' || n, n FROM generate_series(1, $1::int) AS n", ITEMS
    )
    return pool


@contextlib.contextmanager
def snapshots_of(pool: Pool, can_replay: Callable[[Position], bool] = lambda _: True) -> Iterator[Snapshots]:
    snapshots = Snapshots(pool, can_replay)
    yield snapshots
    snapshots.close()


async def parts(snapshot: Snapshot) -> list[bytes]:
    async with asyncio.timeout(20):
        return [part async for part in snapshot.parts()]


def items(frames: list[bytes]) -> list[dict[str, Any]]:
    return [item for frame in frames for item in json.loads(frame.split(b"data: ", 1)[1])]


async def test_it_is_the_stock_at_its_position(stocked: Pool) -> None:
    with snapshots_of(stocked) as snapshots:
        snapshot = await snapshots.take(None)
        await stocked.execute("UPDATE inventory SET quantity = quantity + 1")
        frames = await parts(snapshot)
        assert [item["quantity"] for item in items(frames)] == list(range(1, ITEMS + 1))
        assert [frame.startswith(b"id: ") for frame in frames] == [False, False, True]
        assert frames[-1].startswith(f"id: {snapshot.position}\n".encode())
    async with stocked.acquire() as connection:
        head = await select_head(connection)
    assert snapshot.position is not None
    assert head.event_id == snapshot.position.event_id + ITEMS


@pytest.mark.parametrize("count", [0, 500, 501, 1_000])
async def test_the_last_part_has_the_position_whatever_the_number_of_items(pool: Pool, count: int) -> None:
    await pool.execute("INSERT INTO inventory (name, quantity) SELECT 'x', 0 FROM generate_series(1, $1::int)", count)
    with snapshots_of(pool) as snapshots:
        frames = await parts(await snapshots.take(None))
    assert len(items(frames)) == count
    assert [frame.startswith(b"id: ") for frame in frames].index(True) == len(frames) - 1


async def test_it_is_read_once_for_all_who_ask_at_the_same_time(stocked: Pool) -> None:
    with snapshots_of(stocked) as snapshots:
        taken = await asyncio.gather(*(snapshots.take(None) for _ in range(50)))
        assert len(set(map(id, taken))) == 1
        sent = await asyncio.gather(*(parts(snapshot) for snapshot in taken))
        assert all(part is first for frames in sent for part, first in zip(frames, sent[0], strict=True))


async def test_a_filter_selects_its_items(stocked: Pool) -> None:
    ids = [row["id"] for row in await stocked.fetch("SELECT id FROM inventory ORDER BY id LIMIT 2")]
    with snapshots_of(stocked) as snapshots:
        frames = await parts(await snapshots.take(filter_of([*reversed(ids), 10**9], None)))
    assert [item["id"] for item in items(frames)] == ids
    assert len(frames) == 1
    assert frames[0].startswith(b"id: ")


async def test_its_memory_is_freed_when_it_was_sent(stocked: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_service.snapshots.FRESH_SECONDS", 0)
    with snapshots_of(stocked) as snapshots:
        snapshot = await snapshots.take(None)
        await parts(snapshot)
        reference = weakref.ref(snapshot)
        del snapshot
        async with asyncio.timeout(10):
            while reference() is not None:
                await asyncio.sleep(0.01)
                gc.collect()


async def test_slow_readers_share_the_latest_while_the_ring_can_replay_from_there(
    stocked: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _stale_at_once(monkeypatch), snapshots_of(stocked) as snapshots:
        slow = await _take_one_after_the_other(snapshots, MAX_WHOLE_SNAPSHOTS)
        assert await snapshots.take(None) is slow[-1]
        assert len({id(snapshot) for snapshot in slow}) == MAX_WHOLE_SNAPSHOTS


async def test_otherwise_the_slowest_reader_has_to_start_over(stocked: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    with _stale_at_once(monkeypatch), snapshots_of(stocked, lambda _: False) as snapshots:
        slow = await _take_one_after_the_other(snapshots, MAX_WHOLE_SNAPSHOTS)
        new = await snapshots.take(None)
        assert new not in slow
        with pytest.raises(BusyError):
            await parts(slow[0])
        assert len(items(await parts(slow[1]))) == len(items(await parts(new))) == ITEMS


async def test_a_database_that_is_away_is_no_snapshot(stocked: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_service.snapshots.WAIT_SECONDS", 0.01)
    with snapshots_of(stocked) as snapshots:
        async with snapshots._readers, snapshots._readers:
            with pytest.raises(BusyError, match="too many"):
                await snapshots.take(None)
    await stocked.close()
    with snapshots_of(stocked) as snapshots, pytest.raises(BusyError, match="database"):
        await snapshots.take(None)


@contextlib.contextmanager
def _stale_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("stream_service.snapshots.FRESH_SECONDS", 0)
    yield


async def _take_one_after_the_other(snapshots: Snapshots, count: int) -> list[Snapshot]:
    taken = []
    for _ in range(count):
        taken.append(await snapshots.take(None))
        async with asyncio.timeout(10):
            while snapshots._latest:
                await asyncio.sleep(0.01)
    return taken
