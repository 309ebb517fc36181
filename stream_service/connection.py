"""The connection of a stream: where its bytes leave the process.

Over plain HTTP/1.1, the stream takes the connection over from the server once the headers are sent, and writes chunks
of the response itself (RFC 9112, section 7.1). Nothing else of the server stays in memory. Other connections (HTTP/2,
HTTP/1.0, TLS) go through the server's ASGI interface.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, cast

from shared.process.server import CONNECTION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.process.server import ServerConnection

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_DISCARDED_BYTES = 64 * 1024  # what a client may send after its request


class StreamConnection(Protocol):
    """Takes the bytes of one stream. ``on_lost`` is called once, when the client has left or the stream has ended."""

    on_lost: Callable[[], None] | None

    async def send(self, data: bytes) -> None:
        """Send these bytes. Waits while the client reads too slowly. Raises OSError if it left."""

    async def end(self) -> None:
        """End the response."""

    def abort(self) -> None:
        """Close the connection at once, and drop what was not sent yet."""

    async def serve(self) -> None:
        """Keep the ASGI call open for as long as the server has to tell us that the client has left."""


class AsgiConnection:
    """Sends through the server's ASGI interface."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.on_lost: Callable[[], None] | None = None
        self._receive = receive
        self._send = send
        self._serving: asyncio.Task[None] | None = None
        self._is_aborted = False

    async def send(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def abort(self) -> None:
        self._is_aborted = True
        if self._serving is not None:
            self._serving.cancel()

    async def serve(self) -> None:
        self._serving = asyncio.create_task(self._receive_until_left())
        try:
            await self._serving
        except asyncio.CancelledError:
            if not self._is_aborted:
                raise
        finally:
            self._serving.cancel()
            if self.on_lost is not None:
                self.on_lost()

    async def _receive_until_left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass  # the rest of a request body


class DirectConnection(asyncio.Protocol):
    """Writes chunks to the transport.

    ``write`` takes a whole chunk (see ``chunk()``) and never waits. If ``unsent_bytes()`` is not 0 afterwards, the
    kernel's buffer is full, since the client reads too slowly.
    """

    __slots__ = ("_discarded_bytes", "_transport", "_writable", "_writer", "on_lost", "unsent_bytes", "write")

    def __init__(self, connection: ServerConnection) -> None:
        self.on_lost: Callable[[], None] | None = None
        self._discarded_bytes = 0
        self._writable: asyncio.Future[None] | None = None  # while the client reads too slowly
        self._writer = connection.take_over(self)
        self._transport = transport = cast("asyncio.Transport", self._writer.transport)
        transport.set_write_buffer_limits(high=0)  # write at once, and wait as soon as the kernel takes no more
        transport.resume_reading()
        self.write = transport.write
        self.unsent_bytes = transport.get_write_buffer_size

    async def send(self, data: bytes) -> None:
        self._raise_if_lost()
        if data:  # an empty chunk would end the response
            self._transport.writelines((b"%x\r\n" % len(data), data, b"\r\n"))
        if self._writable is not None:
            await self._writable
        self._raise_if_lost()

    def _raise_if_lost(self) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError

    async def end(self) -> None:
        self._raise_if_lost()
        self._transport.write(b"0\r\n\r\n")
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    async def serve(self) -> None:
        """Return at once: ``connection_lost`` will be called."""

    # Called by the transport

    def data_received(self, data: bytes) -> None:
        """Ignore what the client sends after its request. It waits for an answer in vain."""
        self._discarded_bytes += len(data)
        if self._discarded_bytes > MAX_DISCARDED_BYTES:
            self._transport.abort()

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        self.resume_writing()
        on_lost, self.on_lost = self.on_lost, None
        if on_lost is not None:
            on_lost()


def chunk(data: bytes) -> bytes:
    """Frame bytes, which must not be empty, as one chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def can_take_over(scope: Scope) -> bool:
    """Whether the stream of this request can be written to its connection directly."""
    connection: ServerConnection | None = scope["state"].get(CONNECTION)
    is_plain_http = (scope["http_version"], scope["scheme"]) == ("1.1", "http")
    return is_plain_http and connection is not None and not connection.writer.is_closing()


def take_over(scope: Scope) -> DirectConnection:
    """Take the connection of this request, whose response has begun, over from the server."""
    return DirectConnection(scope["state"][CONNECTION])
