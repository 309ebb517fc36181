"""Reads events that are no longer in the ring from the database, in blocks that subscribers share."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from shared.db.database import acquire
from stream_service.ring import SharedSpans, join
from stream_service.store import log as log_store

if TYPE_CHECKING:
    from shared.db.database import Pool
    from shared.log.position import Position
    from stream_service.filters import Filter
    from stream_service.ring import Frame, Span

BLOCK_EVENTS = 1_000  # range of event ids in a block; about 300 KB of frames
CACHED_BLOCKS = 24
SHARED_SPANS = 8  # joined spans that are kept for each block, which has about five


class BlockKey(NamedTuple):
    epoch: str
    number: int
    up_to: int


class Block:
    """The events up to an id, complete after the event ``floor``."""

    def __init__(self, frames: list[Frame], up_to: int, floor: int) -> None:
        self.floor = floor
        self._frames = frames
        self._up_to = up_to
        self._spans = SharedSpans(SHARED_SPANS)

    def span(self, cursor: int, wanted: Filter | None) -> Span:
        return self._spans.get(cursor, wanted, self._join)

    def _join(self, cursor: int, wanted: Filter | None) -> Span:
        start = bisect_right(self._frames, cursor, key=lambda frame: frame.event_id)
        if wanted is None:
            return join(self._frames, start, self._up_to)
        return join([frame for frame in self._frames[start:] if wanted.matches(frame)], 0, self._up_to)


class PrunedError(Exception):
    """Events after the cursor are no longer in the log."""


class Replay:
    """Blocks begin at the same ids for everyone, so that readers at different places share them.

    A block is fetched once however many wait for it, by one of a few connections; the latest are kept. While one is
    sent the next is fetched already.
    """

    def __init__(self, pool: Pool, readers: int) -> None:
        self._pool = pool
        self._gate = asyncio.Semaphore(readers)
        self._blocks: OrderedDict[BlockKey, asyncio.Task[Block]] = OrderedDict()

    async def span(self, cursor: int, head: Position, wanted: Filter | None) -> Span:
        """The next events after the cursor, at most one block. Raises DatabaseUnavailableError and PrunedError."""
        key = _key(cursor, head)
        block = await asyncio.shield(self._fetch(key))
        if cursor < block.floor:
            raise PrunedError
        if key.up_to < head.event_id:
            self._fetch(_key(key.up_to, head))
        return block.span(cursor, wanted)

    def _fetch(self, key: BlockKey) -> asyncio.Task[Block]:
        task = self._blocks.get(key)
        if task is None:
            task = self._blocks[key] = asyncio.create_task(self._read(key))
            task.add_done_callback(lambda done: self._forget_failure(key, done))
            while len(self._blocks) > CACHED_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(key)
        return task

    async def _read(self, key: BlockKey) -> Block:
        async with self._gate, acquire(self._pool) as connection:
            frames = await log_store.select_events(
                connection, key.epoch, after=key.number * BLOCK_EVENTS, up_to=key.up_to, page=BLOCK_EVENTS
            )
            # Read the floor after the events, so that it is above all that was pruned before.
            return Block(frames, key.up_to, await log_store.select_floor(connection))

    def _forget_failure(self, key: BlockKey, task: asyncio.Task[Block]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._blocks.pop(key, None)


def _key(cursor: int, head: Position) -> BlockKey:
    number = cursor // BLOCK_EVENTS
    return BlockKey(head.epoch, number, min((number + 1) * BLOCK_EVENTS, head.event_id))
