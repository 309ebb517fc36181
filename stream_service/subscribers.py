"""All open streams: admits new ones, and ends them when the service stops."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from stream_service import metrics
from stream_service.busy import BusyError
from stream_service.subscriber import Subscriber

if TYPE_CHECKING:
    from stream_service.access import Access
    from stream_service.connection import StreamConnection
    from stream_service.relay import Relay
    from stream_service.replay import Replay
    from stream_service.settings import StreamSettings
    from stream_service.starts import Starts, Subscription

LAST_WRITE_SECONDS = 0.5  # time for slow readers to receive their last bytes when the service stops


class Subscribers:
    """Every open stream of this process."""

    def __init__(self, settings: StreamSettings) -> None:
        self.is_draining = False
        self._settings = settings
        self._per_client: Counter[str] = Counter()
        self._open: set[Subscriber] = set()
        self._all_gone = asyncio.Event()
        self._relay: Relay
        self._replay: Replay
        self._starts: Starts
        self._access: Access

    def set_sources(self, relay: Relay, replay: Replay, starts: Starts) -> None:
        """Set the sources of events, which exist once the app serves."""
        self._relay, self._replay, self._starts = relay, replay, starts

    def set_access(self, access: Access) -> None:
        """Set who may read, where there are accounts."""
        self._access = access

    async def serve(self, subscription: Subscription, connection: StreamConnection) -> None:
        """Open a stream, or refuse it. With a direct connection this returns at once, and the stream goes on."""
        try:
            self._admit(subscription)
        except BusyError as busy:
            metrics.STREAMS.labels("busy").inc()
            with contextlib.suppress(OSError):
                await connection.send(busy.encode())
                await connection.end()
            return
        subscriber = Subscriber(connection, self._relay, self._replay, subscription.wanted)
        connection.on_lost = partial(self._forget, subscriber, subscription)
        self._open.add(subscriber)
        if subscription.admission is not None:
            self._access.add(subscriber, subscription.admission)
        metrics.SUBSCRIBERS.inc()
        subscriber.start(partial(self._starts.find, subscription))
        await connection.serve()

    async def drain(self) -> None:
        """Admit no new streams and end all open ones, spread over the drain time."""
        self.is_draining = True
        self._all_gone.clear()
        if not self._open:
            return
        loop, seconds = asyncio.get_running_loop(), self._settings.stream_drain_seconds
        for subscriber in self._open:
            loop.call_later(random.random() * seconds, subscriber.end)  # noqa: S311 - spreads load, hides nothing
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds + LAST_WRITE_SECONDS):
                await self._all_gone.wait()
        for subscriber in list(self._open):  # their clients don't read
            subscriber.connection.abort()

    def _admit(self, subscription: Subscription) -> None:
        """Count a stream. Raises BusyError if there are too many, or it can't be served now."""
        client = subscription.client
        if subscription.busy is not None:
            raise BusyError(subscription.busy)
        if self.is_draining:
            raise BusyError("this server is about to stop")
        if len(self._open) >= self._settings.stream_max_subscribers:
            raise BusyError("too many streams are open", is_full=True)
        if self._per_client[client] >= self._settings.stream_max_per_client:
            raise BusyError("too many streams are open from this address", is_full=True)
        self._per_client[client] += 1

    def _forget(self, subscriber: Subscriber, subscription: Subscription) -> None:
        """Forget a stream whose client has left."""
        client = subscription.client
        subscriber.close()
        if subscription.admission is not None:
            self._access.discard(subscriber, subscription.admission)
        self._open.discard(subscriber)
        metrics.SUBSCRIBERS.dec()
        self._per_client[client] -= 1
        if not self._per_client[client]:
            del self._per_client[client]
        if not self._open:
            self._all_gone.set()
