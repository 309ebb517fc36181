"""Follows the log and publishes it: adds every event to the broker's stream, and signals between them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import structlog

from shared.log.follower import select_head
from stream_service import metrics
from stream_service.broker.entries import Part, Signal
from stream_service.broker.stream import BrokerFullError, EntryId
from stream_service.store import log as log_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.db.database import Connection
    from shared.log.position import Position
    from stream_service.broker.entries import Entry
    from stream_service.broker.stream import Stream
    from stream_service.ring import Frame

log = structlog.get_logger()

SIGNAL_SECONDS = 0.3  # time between two signals
FIRST_SIGNAL_SECONDS = 0.05  # before the first one, and between two attempts
CURRENT_SECONDS = 1.5  # a publisher that has published nothing and not come to the end for this long does not signal
STUCK_SECONDS = 5.0  # a publisher that has not signalled for this long gives way to others
SIGNALS_KEPT_SECONDS = 10.0  # readers that are further behind than this read everything again anyway
EXPIRE_SECONDS = 6 * 3600.0  # the stream of a log that nobody publishes any more is forgotten after this time
LARGEST_BACKLOG = 50_000  # events; with more to publish, the stream begins anew at the head
MARKS = 64  # the stream is trimmed in steps of 1/64 of the bytes that it may hold


class LogReplacedError(Exception):
    """The log was restored or replaced."""


class StuckError(Exception):
    """A publisher can't do its work."""


class State(NamedTuple):
    """Whether a publisher is at the end of the log, as far as it knows, and whether it is told of changes."""

    is_caught_up: bool
    is_listening: bool


class _Mark(NamedTuple):
    """How many bytes the stream had had when it came to this event."""

    event_id: int
    total: int


class Options(NamedTuple):
    """How to publish: the bytes of events that the broker keeps, and the minimum time between two parts under load."""

    max_bytes: int
    flush_seconds: float


class Place(NamedTuple):
    """Where a publisher goes on in a stream that others have begun."""

    position: Position  # of the last event that is published
    total: int = 0  # bytes of frames that the stream ever had
    kept: int = 0  # bytes of frames that it has now
    number: int = 0  # of the last signal


async def find_place(stream: Stream, connection: Connection) -> Place:
    """Where the stream ends, or the head of the log. Raises BrokerUnavailableError and DatabaseUnavailableError."""
    first, last = await stream.first_from(0), await stream.last()
    head = await select_head(connection)  # read after the last entry, so that the log must have what that has
    if first is None or last is None:
        await stream.clear()  # a stream that has lost all its entries still refuses ids up to its highest one
        return Place(head)
    if first.entry is None or last.entry is None or last.id.event_id > head.event_id:
        log.warning("the broker's stream does not belong to this log and is cleared", head=str(head))
        await stream.clear()
        return Place(head)
    total = last.entry.total
    is_far_behind = head.event_id - last.entry.end > LARGEST_BACKLOG
    position = head if is_far_behind else head._replace(event_id=last.entry.end)
    return Place(position, total, max(0, total - first.entry.total), last.id.number)


class Publisher:
    """Adds the log to the broker's stream, which keeps the newest part of it.

    It reads the log as the relay of each process does: under load at most every ``flush_seconds``.
    """

    def __init__(self, stream: Stream, place: Place, options: Options) -> None:
        self._stream = stream
        self._begin = place.position
        self._options = options
        self._prev = place.position.event_id  # everything up to this event is published
        self._total = place.total  # bytes of frames that the stream ever had
        self._kept_of_others = place.kept  # bytes of frames of former publishers that are in the stream
        self._marks = deque([_Mark(self._prev, self._total)])  # the first one is where our part of the stream begins
        # Above all numbers before, also if the stream has lost them: readers wait for the numbers that follow.
        self._number = max(place.number, _new_number())
        self._name = secrets.token_hex(4)
        self._principals: dict[str, None] = {}  # whose rights may have changed; a dict keeps the order
        self._has_rights_to_signal = asyncio.Event()
        self._signals: deque[tuple[float, EntryId]] = deque()  # that are in the stream, and since when
        self._published_at = float("-inf")
        self._publishes = False  # whether the broker has taken anything

    # Called by the follower

    def start(self, head: Position) -> Position:
        """Go on where the stream ends."""
        if head.epoch != self._begin.epoch or head.event_id < self._prev:
            raise LogReplacedError(f"the log now ends at {head}")
        return self._begin

    async def pause(self) -> None:
        """Wait until ``flush_seconds`` have passed since the last events were published."""
        since = time.monotonic() - self._published_at
        if since < self._options.flush_seconds:
            await asyncio.sleep(self._options.flush_seconds - since)

    async def read(self, connection: Connection, after: Position, limit: int) -> Sequence[Frame]:
        return await log_store.select_events(connection, after.epoch, after=after.event_id, page=limit)

    async def take(self, events: Sequence[Frame]) -> None:
        """Publish these events. Raises BrokerUnavailableError.

        If the broker refuses them, another publisher was faster. Readers notice whatever the stream then lacks.
        """
        self._published_at = time.monotonic()
        total = self._total + sum(len(frame.data) for frame in events)
        part = Part(self._prev, events[-1].event_id, events, total)
        await self._add(EntryId(part.end), part)
        self._prev, self._total = part.end, total
        metrics.PUBLISHED.inc(len(events))
        if total - self._marks[-1].total >= self._options.max_bytes / MARKS:
            self._marks.append(_Mark(part.end, total))
            await self._trim(self._options.max_bytes)

    async def _add(self, entry_id: EntryId, entry: Entry) -> bool:
        try:
            is_added = await self._stream.add(entry_id, entry)
        except BrokerFullError:
            if self._publishes:
                log.warning("the broker's memory is full: half of the stream is deleted")
            await self._trim((self._total - self._marks[0].total) // 2)
            is_added = await self._stream.add(entry_id, entry)
        if not self._publishes:
            log.info("publishes the log")
            self._publishes = True
        return is_added

    async def _trim(self, keep_bytes: int) -> None:
        """Trim the stream to about this size. What former publishers left is deleted as a whole, but late."""
        own_bytes = self._total - self._marks[0].total
        delete_up_to = 0
        if own_bytes > keep_bytes / 2 or self._kept_of_others + own_bytes > 1.5 * keep_bytes:
            self._kept_of_others, delete_up_to = 0, self._begin.event_id
        while len(self._marks) > 1 and self._marks[0].total <= self._total - keep_bytes:
            delete_up_to = self._marks.popleft().event_id
        if delete_up_to:
            await self._stream.trim(delete_up_to + 1)

    # Signals

    def signal_rights(self, principal: str) -> None:
        """Signal soon that the rights of this principal may have changed; of anybody, if it is empty."""
        self._principals[principal] = None
        self._has_rights_to_signal.set()

    async def signal(self, state: Callable[[], State]) -> None:
        """Add signals until cancelled: when rights change, and every SIGNAL_SECONDS while this publishes what it can.

        Raises BrokerUnavailableError; StuckError if this publisher could not do its work for STUCK_SECONDS.
        """
        worked_at = time.monotonic()
        due_at = worked_at + FIRST_SIGNAL_SECONDS
        await self._stream.expire(EXPIRE_SECONDS)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(due_at - time.monotonic()):
                    await self._has_rights_to_signal.wait()
            await self._signal_rights()
            now = time.monotonic()
            if now < due_at:
                continue
            is_caught_up, is_listening = state()
            is_current = is_listening and (is_caught_up or now - self._published_at < CURRENT_SECONDS)
            if is_current and await self._add_signal(is_behind=not is_caught_up):
                worked_at = now
            elif now - worked_at > STUCK_SECONDS:
                raise StuckError("the log could not be read, nothing was heard of changes, or no signal was accepted")
            due_at = now + (SIGNAL_SECONDS if worked_at == now else FIRST_SIGNAL_SECONDS)
            await self._delete_old_signals(now)

    async def stop(self) -> None:
        """Signal that this publisher stops, so that another begins at once. Raises BrokerUnavailableError."""
        await self._add_signal(is_last=True)

    async def _signal_rights(self) -> None:
        self._has_rights_to_signal.clear()
        principals, self._principals = self._principals, {}
        for principal in principals:
            if not await self._add_signal(principal):
                self._principals[principal] = None  # with the next signal

    async def _delete_old_signals(self, now: float) -> None:
        if self._signals and self._signals[0][0] < now - SIGNALS_KEPT_SECONDS:
            while self._signals and self._signals[0][0] < now - SIGNALS_KEPT_SECONDS / 2:
                await self._stream.delete(self._signals.popleft()[1])
            await self._stream.expire(EXPIRE_SECONDS)

    async def _add_signal(
        self, principal: str | None = None, *, is_behind: bool = False, is_last: bool = False
    ) -> bool:
        """Add a signal. False if the broker refuses it, since another publisher is ahead."""
        self._number += 1
        signal = Signal(self._prev, self._name, self._number, self._total, principal, is_behind, is_last)
        entry_id = EntryId(signal.end, signal.number)
        is_added = await self._add(entry_id, signal)
        if is_added:
            self._signals.append((time.monotonic(), entry_id))
        else:
            last = await self._stream.last()
            self._number = max(self._number, _new_number(), 0 if last is None else last.id.number)
        return is_added


def _new_number() -> int:
    """A number above those of all signals before, which are fewer than one for each millisecond."""
    return int(time.time() * 1000)
