"""The HTTP server: Hypercorn's protocols on a listening socket of our own.

Hypercorn's own `serve()` hides the connection of a request from the app. Here an app finds it in the request's ASGI
state, and can take it over from the server to write to it directly.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, cast

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.lifespan import Lifespan
from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.tcp_server import MAX_RECV, TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.events import Closed
from hypercorn.protocol import ProtocolWrapper
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable

    from hypercorn.config import Config

CONNECTION = "stockstream.connection"  # key in the ASGI state of a request: its ServerConnection


class _Protocol(asyncio.StreamReaderProtocol):
    """asyncio's protocol for streams, which also tells our connection when the client is gone."""

    connection: ServerConnection | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        connection, self.connection = self.connection, None  # each refers to the other
        if connection is not None:
            connection.stop_reading()


class _IdleTimer:
    """Closes a connection that is idle for too long. Replaces Hypercorn's idle task, and has its methods."""

    def __init__(self, writer: asyncio.StreamWriter, seconds: float, context: WorkerContext) -> None:
        self._writer = writer
        self._seconds = seconds
        self._context = context
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        return self._timer is not None

    async def restart(self, *_: Any) -> None:
        await self.stop()
        if self._context.terminated.is_set():
            self._writer.close()
        else:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._writer.close)

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _TaskGroup(TaskGroup):
    """Tells an app that its client has left, even if the app reads no more of the request.

    Hypercorn's would wait until the app has taken earlier messages, and so for ever if it has ended.
    """

    async def spawn_app(self, app: Any, config: Any, scope: Any, send: Any) -> Callable[[Any], Awaitable[None]]:
        put = await super().spawn_app(app, config, scope, send)
        queue: asyncio.Queue[Any] = cast("Any", put).__self__

        async def put_message(message: Any) -> None:
            if message["type"] == "http.disconnect":
                while not queue.empty():
                    queue.get_nowait()
            await put(message)

        return put_message


class ServerConnection(TCPServer):
    """A connection that frees everything as soon as its client has left.

    Hypercorn's own keeps its tasks until the idle timeout, or for ever if the client has sent another request already.
    """

    idle_task: _IdleTimer  # type: ignore[assignment]  # has the same methods
    _reader_task: asyncio.Task[Any] | None = None
    _must_stop_reading = False
    _is_taken_over = False

    def close_if_idle(self) -> None:
        if self.idle_task.is_idle:
            self.writer.close()

    def stop_reading(self) -> None:
        """Stop reading: the connection is lost, or taken over."""
        self._must_stop_reading = True
        if self._reader_task is not None:
            self._reader_task.cancel()

    def take_over(self, protocol: asyncio.Protocol) -> asyncio.StreamWriter:
        """Give the connection to another protocol, which has to close it. Nothing of the server stays with it.

        Keep the StreamWriter: it closes the connection when it is freed.
        """
        self._is_taken_over = True
        transport = self.writer.transport
        old = cast("_Protocol", transport.get_protocol())
        transport.set_protocol(protocol)
        old.connection_lost(None)  # stops reading, and frees what the old protocol refers to
        return self.writer

    async def run(self) -> None:
        """Serve the requests of this connection. As Hypercorn's, without TLS."""
        try:
            socket = self.writer.get_extra_info("socket")
            client = parse_socket_addr(socket.family, socket.getpeername())
            server = parse_socket_addr(socket.family, socket.getsockname())
            state = ConnectionState({**self.state, CONNECTION: self})
            async with _TaskGroup(self.loop) as group:
                self._task_group = group
                self.protocol = ProtocolWrapper(
                    self.app,
                    self.config,
                    self.context,
                    group,
                    state,
                    False,
                    client,
                    server,
                    self.protocol_send,
                    "http/1.1",
                )
                await self.protocol.initiate()
                await self.idle_task.restart()
                await self._read_data()
        except OSError:
            pass
        finally:
            await self._close()
            self.__dict__.pop("protocol", None)  # it refers to this connection, too

    async def _read_data(self) -> None:
        self._reader_task = asyncio.current_task()
        assert self._reader_task is not None  # noqa: S101 - a coroutine runs in a task
        try:
            if not self.writer.is_closing():  # closing: the connection was lost before anything was read
                await super()._read_data()
        except asyncio.CancelledError:
            if not self._must_stop_reading:
                raise
            self._reader_task.uncancel()
            await self.protocol.handle(Closed())
        finally:
            self._reader_task = None

    async def _close(self) -> None:
        if self._is_taken_over:
            while await self.reader.read(MAX_RECV):
                pass  # it has ended: this frees what it had received
            return
        with contextlib.suppress(OSError):
            await super()._close()


async def serve(
    app: Any, config: Config, listener: socket.socket, backlog: int, until: Callable[[], Awaitable[None]]
) -> None:
    """Serve the app until ``until()`` returns.

    Then nothing new is accepted, and current requests have ``config.graceful_timeout`` to end. Those that don't are
    cancelled. Connections that the app has taken over are its own concern.
    """
    wrapped = ASGIWrapper(app)
    context = WorkerContext(None)
    loop = asyncio.get_running_loop()
    async with _lifespan(wrapped, config) as state:
        connections: dict[asyncio.Task[None], ServerConnection] = {}

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - the callback of a server runs in a task
            connection = ServerConnection(wrapped, loop, config, context, state, reader, writer)
            connection.idle_task = _IdleTimer(writer, config.keep_alive_timeout, context)
            cast("_Protocol", writer.transport.get_protocol()).connection = connections[task] = connection
            task.add_done_callback(connections.pop)
            await connection.run()

        server = await loop.create_server(
            lambda: _Protocol(asyncio.StreamReader(loop=loop), handle, loop), sock=listener, backlog=backlog
        )
        try:
            await until()
        finally:
            await context.terminated.set()  # closes connections when their request is over
            server.close()
            await asyncio.sleep(0)  # connections that were just accepted begin
            for connection in list(connections.values()):
                connection.close_if_idle()
            await _wait_or_cancel(set(connections), config.graceful_timeout)
            await server.wait_closed()


async def _wait_or_cancel(tasks: set[asyncio.Task[None]], grace_seconds: float) -> None:
    """Wait for the tasks, and cancel those that don't end in time."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=grace_seconds)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late)


@contextlib.asynccontextmanager
async def _lifespan(app: ASGIWrapper, config: Config) -> AsyncIterator[Any]:
    """Start the app and stop it, by ASGI's lifespan protocol. Yields the state of its connections."""
    state: dict[str, Any] = {}
    lifespan = Lifespan(app, config, asyncio.get_running_loop(), state)
    running = asyncio.create_task(lifespan.handle_lifespan())
    await lifespan.wait_for_startup()
    if running.done():
        await running  # raises the error of the start
    try:
        yield state
    finally:
        await lifespan.wait_for_shutdown()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
