"""One open stream: a cursor into the log, and a connection.

A subscriber *catches up* in a task of its own, at its own pace, from the ring or the database. At the head it becomes
*live*: it has no task, and `Live` writes new events to it, together with all others. As soon as a write would have to
wait, it catches up again. So a slow reader delays nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import structlog

from shared.db.errors import DatabaseUnavailableError
from shared.log.position import Position
from stream_service import frames, metrics
from stream_service.busy import BusyError, retry
from stream_service.filters import filter_of
from stream_service.replay import PrunedError
from stream_service.ring import Span

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.access.principals import Locations
    from stream_service.connection import StreamConnection
    from stream_service.filters import Filter
    from stream_service.relay import Relay
    from stream_service.replay import Replay
    from stream_service.starts import Start

    FindStart = Callable[[], Awaitable[Start]]

log = structlog.get_logger()

DATABASE_RETRY_SECONDS = 0.5
LAST_FRAME_SECONDS = 1.0  # for the client to read why its stream ends


class Subscriber:
    """Sends the log to one client."""

    __slots__ = (
        "_cursor",
        "_heartbeat_number",
        "_is_ending",
        "_last_frame",
        "_log_number",
        "_relay",
        "_replay",
        "_reset_reason",
        "_task",
        "connection",
        "sent_position",
        "wanted",
    )

    def __init__(self, connection: StreamConnection, relay: Relay, replay: Replay, wanted: Filter | None) -> None:
        self.connection = connection
        self.wanted = wanted
        self.sent_position: int | None = None  # the last position that the client was sent; None if it was passed since
        self._relay = relay
        self._replay = replay
        self._log_number = 0
        self._heartbeat_number = relay.heartbeat_number
        self._cursor = 0  # the event after which to continue; not updated while live
        self._task: asyncio.Task[None] | None = None
        self._is_ending = False
        self._last_frame = b""
        self._reset_reason: str | None = None

    def start(self, find_start: FindStart) -> None:
        """Send the first frames, then every event after them, until end() or close()."""
        self._task = asyncio.create_task(self._run(find_start))

    def catch_up(self, cursor: int | None = None) -> None:
        """Send what follows this event (by default, the cursor), then become live again."""
        self._cursor = self._cursor if cursor is None else cursor
        self._task = asyncio.create_task(self._run())

    def leave(self, sent_position: int | None) -> None:
        """Note what was sent to the subscriber until now, while it was live."""
        self.sent_position = sent_position
        self._heartbeat_number = self._relay.heartbeat_number

    def reset(self, reason: str, locations: Locations) -> None:
        """Tell the client to load the stock again, and continue at the head with the events at these locations."""
        is_live = self._task is None and not self._is_ending
        if is_live:
            self._relay.live.discard(self)  # before its filter changes, by which it is found
        item_ids = self.wanted and self.wanted.item_ids
        self.wanted = filter_of(item_ids or (), locations)
        self._reset_reason = reason
        if is_live:
            self.catch_up()

    def sign_out(self, reason: str) -> None:
        """Tell the client why the stream ends, and end it. A client that does not read is cut off."""
        self._last_frame = frames.signed_out(reason)
        self.end()
        asyncio.get_running_loop().call_later(LAST_FRAME_SECONDS, self.connection.abort)

    def end(self) -> None:
        """End the response in good order, after the current frame."""
        if self._is_ending:
            return
        self._is_ending = True
        self._relay.live.discard(self)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def close(self) -> None:
        """Drop the stream: its client is gone, or it has ended."""
        self._is_ending = True
        self._relay.live.discard(self)
        task, self._task = self._task, None  # a cancelled task refers to all that it was sending
        if task is not None:
            task.cancel()

    async def _run(self, find_start: FindStart | None = None) -> None:
        try:
            if await self._catch_up_to_the_head(find_start):
                self._task = None
                self._relay.live.add(self)
                return
        except OSError:
            pass  # the client is gone
        except Exception:  # ends this stream; its client reconnects
            log.exception("a stream failed")
        with contextlib.suppress(OSError):
            if self._last_frame:
                await self.connection.send(self._last_frame)
            await self.connection.end()

    async def _catch_up_to_the_head(self, find_start: FindStart | None) -> bool:
        """Send everything up to the head. False if the stream has to end."""
        try:
            if find_start is not None:
                await self._send_start(await find_start())
            else:
                await self.connection.send(b"")  # wait for what was written while it was live
            while not self._is_ending:
                if not await self._send_next() and not self._is_ending and self._reset_reason is None:
                    return True
        except BusyError as busy:
            metrics.STREAMS.labels("busy").inc()
            await self.connection.send(busy.encode())
        return False

    async def _send_start(self, start: Start) -> None:
        self._log_number = start.log_number
        self._cursor = self.sent_position = start.cursor
        await self.connection.send(retry())
        async for data in start.frames:
            if self._is_ending or self._reset_reason is not None:
                return
            await self.connection.send(data)

    async def _send_next(self) -> bool:
        """Send the next span. False at the head, where there is none."""
        if self._log_number != self._relay.log_number:
            self._reset_reason = "the log was restored or replaced"
        if self._reset_reason is not None:
            reason, self._reset_reason = self._reset_reason, None
            return await self._start_over(reason)
        try:
            span = await self._next_span()
        except PrunedError:
            return await self._start_over("what followed the position is not in the log any more")
        if self._is_ending or self._reset_reason is not None or self._log_number != self._relay.log_number:
            return True  # while this was read, the stream had to end or to start over
        data = self._take(span)
        if data:
            await self.connection.send(data)
            metrics.BYTES.inc(len(data))
        return bool(data) or self._cursor < self._relay.ring.head

    async def _start_over(self, reason: str) -> bool:
        """Tell the client to load the stock again, and continue at the head."""
        self._log_number = self._relay.log_number
        self._cursor = self.sent_position = self._relay.ring.head
        await self.connection.send(frames.reset(reason, str(self._relay.head)))
        return True

    def _take(self, span: Span) -> bytes:
        """The bytes of the span, and a heartbeat if one is due. Moves the cursor."""
        self._cursor = span.end
        if span.data:
            # A filtered span may end with events that it leaves out.
            self.sent_position = span.end if self.wanted is None else None
        if self._heartbeat_number == self._relay.heartbeat_number:
            return span.data
        self._heartbeat_number = self._relay.heartbeat_number
        if self.sent_position == self._cursor:
            return span.data + self._relay.latest_heartbeat
        self.sent_position = self._cursor
        position = Position(self._relay.head.epoch, self._cursor)
        return span.data + frames.progress(str(position)) + self._relay.latest_heartbeat

    async def _next_span(self) -> Span:
        """The next span, from the ring or else from the database. Waits while that is unavailable."""
        while not self._is_ending:
            if self._relay.ring.holds(self._cursor):
                return self._relay.ring.span(self._cursor, self.wanted)
            metrics.RING_MISSES.inc()
            try:
                return await self._replay.span(self._cursor, self._relay.head, self.wanted)
            except DatabaseUnavailableError:
                await asyncio.sleep(DATABASE_RETRY_SECONDS)
        return Span(b"", self._cursor)
