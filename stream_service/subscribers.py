"""All open streams: admits new ones, finds where they start, sends events to all, and ends them at a stop."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.db.errors import DatabaseUnavailableError
from stream_service import frames, metrics
from stream_service.store import log as log_store
from stream_service.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.db.database import Pool
    from shared.log.position import Position
    from stream_service.filters import Filter
    from stream_service.relay import Relay
    from stream_service.replay import Replay
    from stream_service.settings import StreamSettings
    from stream_service.subscriber import Send

RETRY_MILLISECONDS = (1_000, 4_000)
FULL_RETRY_MILLISECONDS = (15_000, 60_000)
FIRST_READ_SECONDS = 2.0  # how long a stream waits for the first read of the log
REFRESH_SECONDS = 5.0
LAST_WRITE_SECONDS = 0.5  # time for slow readers to receive their last bytes when the service stops


@dataclass(frozen=True)
class Subscription:
    """A client's request. Without ``positions`` it starts now; without ``wanted`` it receives every event."""

    client: str
    positions: Sequence[Position] = ()
    snapshot: bool = False
    wanted: Filter | None = None


class BusyError(Exception):
    """This client can't be served now. The text says why.

    ``is_full`` is whether a limit is reached: the client is then told to stay away for longer.
    """

    def __init__(self, reason: str, *, is_full: bool = False) -> None:
        super().__init__(reason)
        self.is_full = is_full


class Subscribers:
    """Every open stream of this process."""

    def __init__(self, settings: StreamSettings) -> None:
        self.is_draining = False
        self.count = 0
        self._settings = settings
        self._per_client: Counter[str] = Counter()
        self._open: set[Subscriber] = set()
        self._live: dict[Subscriber, None] = {}
        self._all_gone = asyncio.Event()
        self._relay: Relay
        self._replay: Replay
        self._pool: Pool

    def set_sources(self, relay: Relay, replay: Replay, pool: Pool) -> None:
        """Set the sources of events, which exist once the app serves."""
        self._relay, self._replay, self._pool = relay, replay, pool

    def fan_out(self) -> None:
        """Send new events to all live subscribers. Called by the relay."""
        metrics.BYTES.inc(sum(subscriber.offer() for subscriber in list(self._live)))

    async def serve(self, subscription: Subscription, send: Send) -> None:
        """Serve a stream from its first line to its end."""
        try:
            with self._admitted(subscription.client):
                await self._wait_for_the_log()
                subscriber = Subscriber(send, self._relay, self._replay, self._live, subscription.wanted)
                opening, cursor = await self._start(subscription)
                with self._opened(subscriber):
                    await subscriber.run([_retry(RETRY_MILLISECONDS), *opening], cursor)
        except BusyError as busy:
            metrics.STREAMS.labels("busy").inc()
            retry = _retry(FULL_RETRY_MILLISECONDS if busy.is_full else RETRY_MILLISECONDS)
            await send(retry + frames.busy(str(busy), is_full=busy.is_full))

    async def drain(self) -> None:
        """Admit no new streams and end all open ones, spread over the drain time."""
        self.is_draining = True
        self._all_gone.clear()
        if not self.count:
            return
        loop, seconds = asyncio.get_running_loop(), self._settings.stream_drain_seconds
        for subscriber in self._open:
            loop.call_later(random.random() * seconds, subscriber.end)  # noqa: S311 - spreads load, hides nothing
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds + LAST_WRITE_SECONDS):
                await self._all_gone.wait()

    @contextlib.contextmanager
    def _admitted(self, client: str) -> Iterator[None]:
        if self.is_draining:
            raise BusyError("this server is about to stop")
        if self.count >= self._settings.stream_max_subscribers:
            raise BusyError("too many streams are open", is_full=True)
        if self._per_client[client] >= self._settings.stream_max_per_client:
            raise BusyError("too many streams are open from this address", is_full=True)
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

    @contextlib.contextmanager
    def _opened(self, subscriber: Subscriber) -> Iterator[None]:
        if self.is_draining:
            raise BusyError("this server is about to stop")  # a drain began after it was admitted
        self._open.add(subscriber)
        metrics.SUBSCRIBERS.inc()
        try:
            yield
        finally:
            self._open.discard(subscriber)
            metrics.SUBSCRIBERS.dec()

    async def _wait_for_the_log(self) -> None:
        """Wait for the first read of the log: up to 40 ms after a start, longer while the database is unavailable."""
        if self._relay.head is not None:
            return
        try:
            async with asyncio.timeout(FIRST_READ_SECONDS):
                await self._relay.started.wait()
        except TimeoutError:
            raise BusyError("the log has not been read yet") from None

    async def _start(self, subscription: Subscription) -> tuple[list[bytes], int]:
        """The first frames of a stream, and the event id that they lead to."""
        if subscription.positions:
            return await self._resume(self._latest(subscription.positions))
        if subscription.snapshot:
            return await self._snapshot()
        return self._go_live()

    async def _snapshot(self) -> tuple[list[bytes], int]:
        """Start with the current items."""
        try:
            snapshot = await log_store.select_snapshot(self._pool)
        except DatabaseUnavailableError:
            raise BusyError("the database can't be reached") from None
        metrics.STREAMS.labels("snapshot").inc()
        return [*snapshot.frames, self._relay.heartbeat()], snapshot.position.event_id

    def _go_live(self) -> tuple[list[bytes], int]:
        """Start at the head. The position is sent at once, so that a client can resume before its first event."""
        metrics.STREAMS.labels("live").inc()
        head = self._head()
        return [frames.progress(str(head)), self._relay.heartbeat()], head.event_id

    def _latest(self, positions: Sequence[Position]) -> Position:
        """The latest position in this log; one of another log only if all are."""
        return max(positions, key=lambda position: (position.epoch == self._head().epoch, position.event_id))

    async def _resume(self, asked: Position) -> tuple[list[bytes], int]:
        """Start after the requested position, or with a reset to the head."""
        if asked.epoch == self._relay.epoch and asked.event_id > self._relay.ring.head:
            await self._refresh()  # the client may have seen events that are not read here yet
        head = self._head()
        if asked.epoch == head.epoch and asked.event_id <= head.event_id:
            metrics.STREAMS.labels("resume").inc()
            if asked.event_id < head.event_id:
                metrics.REPLAYS.labels("ring" if self._relay.ring.holds(asked.event_id) else "database").inc()
            return [self._relay.heartbeat()], asked.event_id
        metrics.STREAMS.labels("reset").inc()
        reason = "ahead of the log" if asked.epoch == head.epoch else "of another log"
        return [frames.reset(f"the position is {reason}", str(head)), self._relay.heartbeat()], head.event_id

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(REFRESH_SECONDS):
                await self._relay.follower.refresh()
        except TimeoutError:
            raise BusyError("the database can't be reached") from None

    def _head(self) -> Position:
        head = self._relay.head
        assert head is not None  # noqa: S101 - nobody is admitted before
        return head


def _retry(span: tuple[int, int]) -> bytes:
    return frames.retry(random.randint(*span))  # noqa: S311 - spreads load, hides nothing
