"""A ring buffer with the newest events as encoded frames. A subscriber is a cursor into it."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_service.filters import Filter

SPAN_BYTES = 64 * 1024  # limit of one write, and so of the memory that a slow reader can occupy
SHARED_SPANS = 64  # number of joined spans that are kept for other cursors at the same position
_TRIM_SLACK = 1.25  # how far the ring may exceed its capacity before the oldest events are removed


class Frame(NamedTuple):
    """An event of the log, ready to send."""

    event_id: int
    item_id: int
    data: bytes


class Span(NamedTuple):
    """Bytes to send, and the event id that they lead to."""

    data: bytes
    end: int


class Ring:
    """Frames of consecutive events, limited in bytes. Gaps between event ids are normal.

    ``floor`` is where it begins: a cursor below it has fallen off. ``head`` is where it ends.
    """

    def __init__(self, capacity_bytes: int, head: int = 0) -> None:
        self._capacity = capacity_bytes
        self.clear(head)

    def clear(self, head: int) -> None:
        """Remove all events. The log continues after ``head``."""
        self.floor = self.head = head
        self.size = 0
        self._ids: list[int] = []
        self._frames: list[Frame] = []
        self._spans: dict[int, Span] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def append(self, frames: Sequence[Frame]) -> None:
        """Add the next events, in order."""
        self._frames += frames
        self._ids += [frame.event_id for frame in frames]
        self.size += sum(len(frame.data) for frame in frames)
        self.head = self._ids[-1] if frames else self.head
        self._spans.clear()
        if self.size > self._capacity * _TRIM_SLACK:
            self._trim()

    def holds(self, cursor: int) -> bool:
        """Whether all events after the cursor are in the ring."""
        return cursor >= self.floor

    def span(self, cursor: int) -> Span:
        """The next events after the cursor, joined once for all cursors at this position."""
        span = self._spans.get(cursor)
        if span is None:
            start = bisect_right(self._ids, cursor)
            if len(self._spans) == SHARED_SPANS:
                del self._spans[next(iter(self._spans))]
            span = self._spans[cursor] = join(self._frames, start, max(cursor, self.head))
        return span

    def filtered(self, cursor: int, wanted: Filter) -> Span:
        """The next events after the cursor that the filter selects. The end is behind those that it leaves out."""
        chosen = [frame for frame in self._frames[bisect_right(self._ids, cursor) :] if wanted.matches(frame)]
        return join(chosen, 0, max(cursor, self.head))

    def _trim(self) -> None:
        surplus, count = self.size - self._capacity, 0
        for frame in self._frames:
            if surplus <= 0:
                break
            surplus -= len(frame.data)
            count += 1
        self.floor = self._ids[count - 1]
        self.size = self._capacity + surplus
        del self._frames[:count], self._ids[:count]


def join(frames: Sequence[Frame], start: int, end: int) -> Span:
    """Join frames from index ``start`` on. The span leads to ``end``, unless it is cut at SPAN_BYTES."""
    size, chosen = 0, []
    for index in range(start, len(frames)):
        frame = frames[index]
        chosen.append(frame.data)
        size += len(frame.data)
        if size >= SPAN_BYTES and index + 1 < len(frames):
            end = frame.event_id
            break
    return Span(b"".join(chosen), end)
