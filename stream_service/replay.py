"""Reads events that are no longer in the ring, in blocks that subscribers share."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from stream_service import metrics
from stream_service.blocks import BlockKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.log.position import Position
    from stream_service.blocks import Block, Source
    from stream_service.filters import Filter
    from stream_service.ring import Span

CACHED_BLOCKS = 24


class PrunedError(Exception):
    """Events after the cursor are no longer in the log."""


class Replay:
    """Reads each block from the first source that has it. The last source has every block.

    A block is read once however many wait for it, and a few are read at a time; the latest are kept. While one is sent
    the next is read already.
    """

    def __init__(self, sources: Sequence[Source], readers: int) -> None:
        self._sources = sources
        self._gate = asyncio.Semaphore(readers)
        self._blocks: OrderedDict[BlockKey, asyncio.Task[Block]] = OrderedDict()

    async def span(self, cursor: int, head: Position, wanted: Filter | None) -> Span:
        """The next events after the cursor, at most one block. Raises DatabaseUnavailableError and PrunedError."""
        key = BlockKey.of(cursor, head)
        block = await asyncio.shield(self._fetch(key))
        if cursor < block.floor:
            raise PrunedError
        if key.up_to < head.event_id:
            self._fetch(BlockKey.of(key.up_to, head))
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
        async with self._gate:
            for source in self._sources:
                block = await source.read(key)
                if block is not None:
                    metrics.BLOCKS.labels(source.name).inc()
                    return block
        raise AssertionError("the last source has every block")

    def _forget_failure(self, key: BlockKey, task: asyncio.Task[Block]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._blocks.pop(key, None)
