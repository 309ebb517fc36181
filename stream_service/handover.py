"""Takes streams over from the framework.

The handler of `GET /events` checks the request and answers with headers. Its request is then over for Quart, which
forgets it, and the stream goes on as the body of the response.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from stream_service.connection import AsgiConnection, can_take_over, take_over

if TYPE_CHECKING:
    from stream_service.connection import Receive, Scope, Send, StreamConnection
    from stream_service.starts import Subscription
    from stream_service.subscribers import Subscribers

SUBSCRIPTION = "stockstream.subscription"


def hand_over(scope: Any, subscription: Subscription) -> None:
    """Have the stream begin when the response of this request ends."""
    scope["state"][SUBSCRIPTION] = subscription


def with_streams(app: Any, subscribers: Subscribers, *, allow_direct: bool) -> Any:
    """ASGI middleware that serves the streams that handlers hand over."""

    async def asgi_app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, allow_direct=allow_direct)
        await app(scope, exchange.receive, exchange.send)
        stream = exchange.stream()
        if stream is not None:
            subscription = scope["state"][SUBSCRIPTION]
            scope["headers"] = []  # not needed any more, and otherwise kept as long as the stream
            del exchange
            await subscribers.serve(subscription, stream)

    return asgi_app


class _Exchange:
    """Watches one request. If a stream follows, it passes on the headers of the response but not its end."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, allow_direct: bool) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._allow_direct = allow_direct
        self._has_left = False
        self._is_stream = False

    async def receive(self) -> dict[str, Any]:
        message = await self._receive()
        self._has_left = self._has_left or message["type"] == "http.disconnect"
        return message

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._is_stream = SUBSCRIPTION in self._scope["state"] and message["status"] == HTTPStatus.OK
            if self._is_stream and self._is_direct():
                message["headers"] = [*message["headers"], (b"connection", b"close")]  # as after each direct stream
        elif self._is_stream:
            return
        await self._send(message)

    def stream(self) -> StreamConnection | None:
        """The connection of the stream that follows, unless there is none or the client has left."""
        if not self._is_stream or self._has_left:
            return None
        return take_over(self._scope) if self._is_direct() else AsgiConnection(self._receive, self._send)

    def _is_direct(self) -> bool:
        return self._allow_direct and can_take_over(self._scope)
