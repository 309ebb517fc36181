"""One open stream: a place in the log, and a way to send bytes.

Most of the time it is *live*: at the head, in the fan-out's set, written to in the one pass that the relay makes when
there is news. When a write has to wait (a slow reader), when it fell off the ring, or when it has just come, it is
*catching up*: in its own task, at its own pace, from the ring or the database, until it is at the head again. So a slow
reader costs only itself, and a fast one costs no task switch.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from shared.db.faults import DatabaseUnavailableError
from shared.log.position import Position
from stream_service import frames, metrics
from stream_service.eager import start
from stream_service.replay import PrunedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from stream_service.filters import Filter
    from stream_service.relay import Relay
    from stream_service.replay import Replay
    from stream_service.ring import Span

    Send = Callable[[bytes], Coroutine[Any, Any, None]]

log = structlog.get_logger()

DATABASE_RETRY_SECONDS = 0.5


class Subscriber:
    """A cursor into the log. ``live`` is the set that the fan-out passes over; it is in there only at the head."""

    def __init__(
        self, send: Send, relay: Relay, replay: Replay, live: dict[Subscriber, None], wanted: Filter | None
    ) -> None:
        self._send = send
        self._relay = relay
        self._replay = replay
        self._live = live
        self._wanted = wanted
        self._log_number = relay.log_number
        self._heartbeat_number = relay.heartbeat_number
        self._cursor = 0
        self._announced: int | None = 0  # the position that the client knows
        self._released: asyncio.Future[None] | None = None
        self._pending: asyncio.Task[None] | None = None
        self._ended = False

    async def run(self, opening: Sequence[bytes], cursor: int) -> None:
        """Send what the stream begins with, then everything after the cursor, until end() or cancellation."""
        self._cursor = self._announced = cursor
        try:
            for data in opening:
                await self._send(data)
            while not self._ended:
                if not await self._catch_up() and not self._ended:
                    await self._stay_live()
        finally:
            self._live.pop(self, None)
            if self._pending is not None:
                self._pending.cancel()

    def end(self) -> None:
        """Let the stream end, cleanly, at the next frame."""
        self._ended = True
        self._release()

    async def _catch_up(self) -> bool:
        """Send the next span; False at the head, where there is none."""
        if self._log_number != self._relay.log_number:
            return await self._start_over("the log was restored or replaced")
        try:
            data = self._take(await self._next_span())
        except PrunedError:
            return await self._start_over("what followed the position is not in the log any more")
        if data:
            await self._send(data)
            metrics.BYTES.inc(len(data))
        return bool(data) or self._cursor < self._relay.ring.head

    async def _start_over(self, reason: str) -> bool:
        """The client must load the stock again; from the head on it misses nothing."""
        self._log_number = self._relay.log_number
        self._cursor = self._announced = self._relay.ring.head
        await self._send(frames.reset(reason, str(self._head())))
        return True

    async def _stay_live(self) -> None:
        """Wait in the fan-out's set until it can't be served there any more."""
        self._released = asyncio.get_running_loop().create_future()
        self._live[self] = None
        await self._released
        if self._pending is not None:
            await self._pending
            self._pending = None

    def offer(self) -> int:
        """There is news: send it if that needs no waiting. Returns the bytes sent. The fan-out calls this."""
        ring = self._relay.ring
        if self._log_number != self._relay.log_number or not ring.holds(self._cursor):
            self._release()
            return 0
        wanted = self._wanted
        data = self._take(ring.span(self._cursor) if wanted is None else ring.filtered(self._cursor, wanted))
        if data:
            self._write(data)
        if self._cursor < ring.head:
            self._release()
        return len(data)

    def _write(self, data: bytes) -> None:
        try:
            self._pending = start(self._send(data))
        except Exception:  # whatever is wrong with this client's connection is wrong with it alone
            log.warning("a stream could not be written to", exc_info=True)
            self.end()
        else:
            if self._pending is not None:
                self._release()

    def _release(self) -> None:
        self._live.pop(self, None)
        if self._released is not None and not self._released.done():
            self._released.set_result(None)

    def _take(self, span: Span) -> bytes:
        """The span's bytes, with a heartbeat if one is due. Moves the cursor."""
        self._cursor = span.end
        if span.data:
            self._announced = span.end if self._wanted is None else None  # a filtered span may end in what it left out
        if self._heartbeat_number == self._relay.heartbeat_number:
            return span.data
        self._heartbeat_number = self._relay.heartbeat_number
        if self._announced == self._cursor:
            return span.data + self._relay.latest_heartbeat
        self._announced = self._cursor
        return (
            span.data + frames.progress(str(Position(self._head().epoch, self._cursor))) + self._relay.latest_heartbeat
        )

    async def _next_span(self) -> Span:
        """From the ring if it is still there, else from the database, which may take its time to come back."""
        while True:
            ring = self._relay.ring
            if ring.holds(self._cursor):
                return ring.span(self._cursor) if self._wanted is None else ring.filtered(self._cursor, self._wanted)
            metrics.RING_MISSES.inc()
            try:
                return await self._replay.span(self._cursor, self._head(), self._wanted)
            except DatabaseUnavailableError:
                await asyncio.sleep(DATABASE_RETRY_SECONDS)

    def _head(self) -> Position:
        head = self._relay.head
        assert head is not None  # noqa: S101 - nobody is admitted before
        return head
