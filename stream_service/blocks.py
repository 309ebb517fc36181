"""Blocks of old events, which subscribers that catch up share, and what can read them."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from stream_service.ring import SharedSpans, join

if TYPE_CHECKING:
    from shared.log.position import Position
    from stream_service.filters import Filter
    from stream_service.ring import Frame, Span

BLOCK_EVENTS = 1_000  # range of event ids in a block; about 300 KB of frames
SHARED_SPANS = 8  # joined spans that are kept for each block, which has about five


class BlockKey(NamedTuple):
    """Names the events of an epoch after the event ``after``, up to and including ``up_to``.

    Blocks begin at the same ids for everyone, so that readers at different places share them.
    """

    epoch: str
    after: int
    up_to: int

    @classmethod
    def of(cls, cursor: int, head: Position) -> Self:
        """The block with the next event after the cursor, in a log that was read up to ``head``."""
        after = cursor // BLOCK_EVENTS * BLOCK_EVENTS
        return cls(head.epoch, after, min(after + BLOCK_EVENTS, head.event_id))


class Block:
    """The events of a block, complete after the event ``floor``. There may be none."""

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


class Source(Protocol):
    """A place that blocks are read from: the database, or a copy of the log that costs it nothing."""

    @property
    def name(self) -> str:
        """The name in the metrics."""

    async def read(self, key: BlockKey) -> Block | None:
        """Read a block. None if this source can't prove that it has all of it.

        Only the last source, the database, raises: DatabaseUnavailableError.
        """
