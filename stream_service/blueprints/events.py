"""`GET /events`: the stream."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from quart import Blueprint, Response, current_app, request

from shared.log.position import MalformedPositionError, Position
from shared.web.problems import Problem
from stream_service.asyncapi import MAX_ITEMS
from stream_service.filters import of_items
from stream_service.subscribers import Subscription

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stream_service.filters import Filter
    from stream_service.subscribers import Subscribers

blueprint = Blueprint("events", __name__)

DIRECT_SEND = "stockstream.send"

CONTENT_TYPE = "text/event-stream; charset=utf-8"  # without it, some clients assume Latin-1
HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


@blueprint.get("/events")
async def events() -> Response:
    """Subscribe to the changes of the stock.

    From `Last-Event-ID` (else `?last_event_id=`) on, or from now on. `?snapshot=1` sends the current items first;
    `?item=7&item=9` narrows the stream to these.
    """
    subscription = Subscription(
        client=request.remote_addr or "",
        positions=_positions(),
        snapshot=_snapshot(),
        wanted=_filter(),
    )
    subscribers: Subscribers = current_app.extensions["subscribers"]
    send = request.scope[DIRECT_SEND]  # type: ignore[literal-required]
    body = b"" if request.method == "HEAD" else _stream(subscribers, subscription, send)
    response = Response(body, headers=HEADERS, content_type=CONTENT_TYPE)
    response.timeout = None
    return response


async def _stream(subscribers: Subscribers, subscription: Subscription, send: Any) -> AsyncIterator[bytes]:
    """An empty body. The stream is written to the server directly, without the framework's loop over a body."""

    async def send_bytes(data: bytes) -> None:
        await send({"type": "http.response.body", "body": data, "more_body": True})

    await subscribers.serve(subscription, send_bytes)
    return
    yield b""  # makes this a generator: the framework starts it after the headers are sent


def with_direct_send(app: Any) -> Any:
    """ASGI middleware that gives handlers the server's ``send``."""

    async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
        scope[DIRECT_SEND] = send
        await app(scope, receive, send)

    return asgi_app


def _positions() -> list[Position]:
    """The positions in the request. If the header is there, only it counts.

    EventSource can't set a header on its first request, so a page puts a parameter into the address. A polyfill that
    appends a parameter of its own at each reconnect leaves the page's old one there, so there may be several.
    """
    header = request.headers.get("Last-Event-ID")
    if header:
        return [_parse_position("Last-Event-ID", header)]
    return [
        _parse_position(name, text)
        for name in ("last_event_id", "lastEventId")
        for text in request.args.getlist(name)
        if text
    ]


def _parse_position(source: str, text: str) -> Position:
    try:
        return Position.parse(text)
    except MalformedPositionError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"{source}: {error}.") from None


def _snapshot() -> bool:
    value = request.args.get("snapshot", "0")
    if value not in {"0", "1"}:
        raise Problem(HTTPStatus.BAD_REQUEST, "snapshot: must be 0 or 1.")
    return value == "1"


def _filter() -> Filter | None:
    values = request.args.getlist("item")
    if len(values) > MAX_ITEMS or not all(v.isascii() and v.isdigit() and len(v) < 20 for v in values):
        raise Problem(HTTPStatus.BAD_REQUEST, f"item: must be an item's id, {MAX_ITEMS} times at most.")
    return of_items(map(int, values))
