"""A ring buffer with the newest events as encoded frames. A subscriber is a cursor into it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from heapq import merge
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from stream_service.filters import Filter

SPAN_BYTES = 64 * 1024  # limit of one write, and so of the memory that a slow reader can occupy
SHARED_SPANS = 64  # number of joined spans that are kept for other cursors
_TRIM_SLACK = 1.25  # how far the ring may exceed its capacity before the oldest events are removed


class Frame(NamedTuple):
    """An event of the log, ready to send."""

    event_id: int
    item_id: int
    location: int
    data: bytes
    changed_at: float  # seconds since 1970, by the database's clock


class Span(NamedTuple):
    """Bytes to send, and the event id that they lead to."""

    data: bytes
    end: int


class SharedSpans:
    """The latest spans, joined once for all cursors at the same position with the same filter."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._spans: dict[tuple[int, Filter | None], Span] = {}

    def get(self, cursor: int, wanted: Filter | None, join_span: Callable[[int, Filter | None], Span]) -> Span:
        key = (cursor, wanted)
        span = self._spans.get(key)
        if span is None:
            if len(self._spans) == self._limit:
                del self._spans[next(iter(self._spans))]
            span = self._spans[key] = join_span(cursor, wanted)
        return span

    def clear(self) -> None:
        self._spans.clear()


class _Index:
    """The frames of a ring by a key, such as their item. It is made when a filter first needs it."""

    def __init__(self, key: Callable[[Frame], int], frames: Sequence[Frame]) -> None:
        self._key = key
        self._all = frames
        self._frames: dict[int, list[Frame]] | None = None

    def add(self, frames: Iterable[Frame]) -> None:
        """Add these frames, which are newer than the others."""
        if self._frames is not None:
            for frame in frames:
                self._frames.setdefault(self._key(frame), []).append(frame)

    def remove_oldest(self, frames: Iterable[Frame]) -> None:
        """Remove these frames, which are the oldest ones."""
        if self._frames is None:
            return
        for key, count in Counter(map(self._key, frames)).items():
            rest = self._frames[key]
            del rest[:count]
            if not rest:
                del self._frames[key]

    def after(self, cursor: int, keys: Iterable[int]) -> Iterator[Frame]:
        """The frames with these keys after the cursor, in order."""
        if self._frames is None:
            self._frames = {}
            self.add(self._all)
        return merge(*(_frames_after(cursor, self._frames.get(key, ())) for key in keys))


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
        self._by_item = _Index(lambda frame: frame.item_id, self._frames)
        self._by_location = _Index(lambda frame: frame.location, self._frames)
        self._spans = SharedSpans(SHARED_SPANS)

    def __len__(self) -> int:
        return len(self._frames)

    def append(self, frames: Sequence[Frame]) -> None:
        """Add the next events, in order."""
        self._frames += frames
        self._ids += [frame.event_id for frame in frames]
        self.size += sum(len(frame.data) for frame in frames)
        self.head = self._ids[-1] if frames else self.head
        self._spans.clear()
        self._by_item.add(frames)
        self._by_location.add(frames)
        if self.size > self._capacity * _TRIM_SLACK:
            self._trim()

    def holds(self, cursor: int) -> bool:
        """Whether all events after the cursor are in the ring."""
        return cursor >= self.floor

    def span(self, cursor: int, wanted: Filter | None = None) -> Span:
        """The next events after the cursor that the filter selects.

        The end is behind the events that the filter leaves out.
        """
        return self._spans.get(cursor, wanted, self._join)

    def _join(self, cursor: int, wanted: Filter | None) -> Span:
        end = max(cursor, self.head)
        if wanted is None:
            return join(self._frames, bisect_right(self._ids, cursor), end)
        return join(list(self._selected(cursor, wanted)), 0, end)

    def _selected(self, cursor: int, wanted: Filter) -> Iterator[Frame]:
        """The events after the cursor that the filter selects, as many as a span can hold."""
        frames: Iterator[Frame]
        if wanted.item_ids is not None:
            frames = filter(wanted.matches, self._by_item.after(cursor, wanted.item_ids))
        else:
            frames = self._by_location.after(cursor, wanted.locations or ())
        size = 0
        for frame in frames:
            yield frame
            if size > SPAN_BYTES:  # one more than a span can hold, so that it is seen to be cut
                return
            size += len(frame.data)

    def time_of(self, cursor: int) -> float | None:
        """When the last event up to the cursor was committed (seconds since 1970); None if it is not in the ring."""
        index = bisect_right(self._ids, cursor) - 1
        return self._frames[index].changed_at if index >= 0 else None

    def _trim(self) -> None:
        surplus, count = self.size - self._capacity, 0
        for frame in self._frames:
            if surplus <= 0:
                break
            surplus -= len(frame.data)
            count += 1
        self._by_item.remove_oldest(self._frames[:count])
        self._by_location.remove_oldest(self._frames[:count])
        self.floor = self._ids[count - 1]
        self.size = self._capacity + surplus
        del self._frames[:count], self._ids[:count]


def _frames_after(cursor: int, frames: Sequence[Frame]) -> Iterator[Frame]:
    start = bisect_right(frames, cursor, key=lambda frame: frame.event_id)
    return (frames[index] for index in range(start, len(frames)))


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
