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

from shared.db.errors import DatabaseUnavailableError
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
    """A cursor into the log. It is in ``live``, the set that fan_out() writes to, only while it is at the head."""

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
        self._sent_position: int | None = 0  # the position that was sent to the client; None if it is not exact
        self._released: asyncio.Future[None] | None = None
        self._pending: asyncio.Task[None] | None = None
        self._ended = False

    async def run(self, opening: Sequence[bytes], cursor: int) -> None:
        """Send the first frames, then every event after the cursor, until end() or cancellation."""
        self._cursor = self._sent_position = cursor
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
        """End the stream at the next frame."""
        self._ended = True
        self._release()

    async def _catch_up(self) -> bool:
        """Send the next span. False at the head, where there is none."""
        if self._log_number != self._relay.log_number:
            return await self._start_over("the log was restored or replaced")
        try:
            data = self._advance(await self._next_span())
        except PrunedError:
            return await self._start_over("what followed the position is not in the log any more")
        if data:
            await self._send(data)
            metrics.BYTES.inc(len(data))
        return bool(data) or self._cursor < self._relay.ring.head

    async def _start_over(self, reason: str) -> bool:
        """Tell the client to load the stock again, and continue at the head."""
        self._log_number = self._relay.log_number
        self._cursor = self._sent_position = self._relay.ring.head
        await self._send(frames.reset(reason, str(self._head())))
        return True

    async def _stay_live(self) -> None:
        """Stay in the live set until this subscriber has to catch up."""
        self._released = asyncio.get_running_loop().create_future()
        self._live[self] = None
        await self._released
        if self._pending is not None:
            await self._pending
            self._pending = None

    def offer(self) -> int:
        """Send new events, if possible without waiting. Returns the number of bytes. Called by fan_out()."""
        ring = self._relay.ring
        if self._log_number != self._relay.log_number or not ring.holds(self._cursor):
            self._release()
            return 0
        wanted = self._wanted
        data = self._advance(ring.span(self._cursor) if wanted is None else ring.filtered(self._cursor, wanted))
        if data:
            self._write(data)
        if self._cursor < ring.head:
            self._release()
        return len(data)

    def _write(self, data: bytes) -> None:
        try:
            self._pending = start(self._send(data))
        except Exception:  # an error of one client's connection must not affect the others
            log.warning("a stream could not be written to", exc_info=True)
            self.end()
        else:
            if self._pending is not None:
                self._release()

    def _release(self) -> None:
        self._live.pop(self, None)
        if self._released is not None and not self._released.done():
            self._released.set_result(None)

    def _advance(self, span: Span) -> bytes:
        """The bytes of the span, and a heartbeat if one is due. Moves the cursor."""
        self._cursor = span.end
        if span.data:
            # A filtered span may end with events that it leaves out.
            self._sent_position = span.end if self._wanted is None else None
        if self._heartbeat_number == self._relay.heartbeat_number:
            return span.data
        self._heartbeat_number = self._relay.heartbeat_number
        if self._sent_position == self._cursor:
            return span.data + self._relay.latest_heartbeat
        self._sent_position = self._cursor
        return (
            span.data + frames.progress(str(Position(self._head().epoch, self._cursor))) + self._relay.latest_heartbeat
        )

    async def _next_span(self) -> Span:
        """The next span, from the ring or else from the database. Waits while that is unavailable."""
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
