"""Those who are subscribed: who is let in, what each is sent, and how all of them are sent home."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.database import DatabaseUnavailableError
from shared.position import Position
from stream_service import frames
from stream_service.store import log as log_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.database import Pool
    from stream_service.relay import Relay
    from stream_service.replay import Replay
    from stream_service.ring import Span
    from stream_service.settings import StreamSettings

RETRY_MILLISECONDS = (1_000, 4_000)
BUSY_RETRY_MILLISECONDS = (15_000, 60_000)
REFRESH_SECONDS = 5.0
DATABASE_RETRY_SECONDS = 0.5
LAST_WRITE_SECONDS = 1.0  # what a reader that is slow to take its last bytes gets at a drain


@dataclass(frozen=True)
class Subscription:
    """What a client asked for. ``position`` None: from now on; ``items`` None: all of them."""

    client: str
    position: Position | None = None
    snapshot: bool = False
    items: frozenset[int] | None = None


class BusyError(Exception):
    """No stream can be served to this client now; the text says why."""


class Subscribers:
    """Every open stream of this process."""

    def __init__(self, settings: StreamSettings) -> None:
        self.is_draining = False
        self.count = 0
        self._settings = settings
        self._per_client: Counter[str] = Counter()
        self._all_gone = asyncio.Event()
        self._relay: Relay
        self._replay: Replay
        self._pool: Pool

    def connect(self, relay: Relay, replay: Replay, pool: Pool) -> None:
        """Where events come from; known once the app serves."""
        self._relay, self._replay, self._pool = relay, replay, pool

    async def drain(self) -> None:
        """Let no one in any more and end every stream, spread over the drain time."""
        self.is_draining = True
        self._all_gone.clear()
        if self.count:
            self._relay.wake()
            with contextlib.suppress(TimeoutError):
                patience = self._settings.stream_drain_seconds + LAST_WRITE_SECONDS
                await asyncio.wait_for(self._all_gone.wait(), patience)

    async def stream(self, subscription: Subscription) -> AsyncIterator[bytes]:
        """The bytes of one stream, from its first line to its end."""
        try:
            with self._admitted(subscription.client):
                yield frames.retry(random.randint(*RETRY_MILLISECONDS))  # noqa: S311 - spreads load, hides nothing
                async for data in self._follow(subscription):
                    yield data
        except BusyError as busy:
            span = RETRY_MILLISECONDS if self.is_draining else BUSY_RETRY_MILLISECONDS
            yield frames.retry(random.randint(*span)) + frames.busy(str(busy))  # noqa: S311

    @contextlib.contextmanager
    def _admitted(self, client: str) -> Iterator[None]:
        if self.is_draining:
            raise BusyError("this server is about to stop")
        if self._relay.head is None:
            raise BusyError("the log has not been read yet")
        if self.count >= self._settings.stream_max_subscribers:
            raise BusyError("too many streams are open")
        if self._per_client[client] >= self._settings.stream_max_per_client:
            raise BusyError("too many streams are open from this address")
        self.count += 1
        self._per_client[client] += 1
        try:
            yield
        finally:
            self.count -= 1
            self._per_client[client] -= 1
            if not self._per_client[client]:
                del self._per_client[client]
            if not self.count:
                self._all_gone.set()

    async def _follow(self, subscription: Subscription) -> AsyncIterator[bytes]:
        relay, items = self._relay, subscription.items
        log_number, beats = relay.log_number, relay.beats
        opening, cursor = await self._open(subscription)
        for data in opening:
            yield data
        announced: int | None = cursor  # the position that the client knows
        deadline: float | None = None
        while deadline is None or time.monotonic() < deadline:
            tick = relay.tick
            if log_number != relay.log_number:
                log_number, cursor = relay.log_number, relay.events.head
                yield frames.reset("the log was restored or replaced", str(relay.head))
            span = await self._next_span(cursor, items)
            cursor = span.end
            if span.data:
                announced = cursor if items is None else None  # the span may end in events left out
                yield span.data
            elif relay.events.head > cursor:
                continue  # a stretch of the log with nothing for this subscriber
            elif beats != relay.beats:
                beats = relay.beats
                yield relay.pulse if announced == cursor else frames.progress(self._position(cursor)) + relay.pulse
                announced = cursor
            else:
                if self.is_draining and deadline is None:
                    deadline = time.monotonic() + random.random() * self._settings.stream_drain_seconds  # noqa: S311
                await _wait(tick, deadline)

    async def _open(self, subscription: Subscription) -> tuple[list[bytes], int]:
        """What a stream begins with, and the event id that its reader has then reached."""
        if subscription.position is not None:
            return await self._resume(subscription.position)
        if subscription.snapshot:
            return await self._snapshot()
        return self._go_live()

    async def _snapshot(self) -> tuple[list[bytes], int]:
        """The current items; everything after them follows."""
        try:
            snapshot = await log_store.select_snapshot(self._pool)
        except DatabaseUnavailableError:
            raise BusyError("the database can't be reached") from None
        return [*snapshot.frames, self._relay.heartbeat()], snapshot.position.event_id

    def _go_live(self) -> tuple[list[bytes], int]:
        """From the head on; said at once, so that a resume works even before the first event."""
        head = self._head()
        return [frames.progress(str(head)), self._relay.heartbeat()], head.event_id

    async def _resume(self, asked: Position) -> tuple[list[bytes], int]:
        """From the asked position on, or a reset to the head."""
        if asked.epoch == self._relay.epoch and asked.event_id > self._relay.events.head:
            await self._refresh()  # the client may have seen what we have not read yet
        head = self._head()
        if asked.epoch == head.epoch and asked.event_id <= head.event_id:
            return [self._relay.heartbeat()], asked.event_id
        reason = "ahead of the log" if asked.epoch == head.epoch else "of another log"
        return [frames.reset(f"the position is {reason}", str(head)), self._relay.heartbeat()], head.event_id

    async def _refresh(self) -> None:
        try:
            await asyncio.wait_for(self._relay.refresh(), REFRESH_SECONDS)
        except TimeoutError:
            raise BusyError("the database can't be reached") from None

    async def _next_span(self, cursor: int, items: frozenset[int] | None) -> Span:
        """From the ring if it is still there, else from the database, which may take its time to come back."""
        while True:
            ring, head = self._relay.events, self._head()
            if ring.holds(cursor):
                return ring.span(cursor) if items is None else ring.narrowed(cursor, items)
            try:
                return await self._replay.span(cursor, head, items)
            except DatabaseUnavailableError:
                await asyncio.sleep(DATABASE_RETRY_SECONDS)

    def _head(self) -> Position:
        head = self._relay.head
        assert head is not None  # noqa: S101 - nobody is admitted before
        return head

    def _position(self, cursor: int) -> str:
        return str(Position(self._head().epoch, cursor))


async def _wait(tick: asyncio.Event, deadline: float | None) -> None:
    if deadline is None:
        await tick.wait()
    else:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(tick.wait(), max(0, deadline - time.monotonic()))
