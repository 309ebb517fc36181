"""`GET /events`: the stream."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import Blueprint, Response, current_app, request

from shared.log.documents import MAX_ID
from shared.log.position import MalformedPositionError, Position
from shared.web.problems import Problem
from stream_service.admission import admitted
from stream_service.asyncapi import MAX_ITEMS, MAX_LOCATIONS
from stream_service.handover import hand_over
from stream_service.starts import Subscription

if TYPE_CHECKING:
    from stream_service.subscribers import Subscribers

blueprint = Blueprint("events", __name__)

_A = {"item": "an item", "location": "a location"}
FAILOVER = "X-Failover"  # set by a proxy that sends the request to another process if this one answers 503
CONTENT_TYPE = "text/event-stream; charset=utf-8"  # without it, some clients assume Latin-1
HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


@blueprint.get("/events")
async def events() -> Response:
    """Subscribe to the changes of the stock.

    From `Last-Event-ID` (else `?last_event_id=`) on, or from now on. `?snapshot=1` sends the current items first;
    `?item=7&item=9` narrows the stream to these, and `?location=3` to a location and everything below it.
    """
    _refuse_if_another_process_can_serve()
    subscription = await admitted(
        Subscription(
            client=request.remote_addr or "",
            positions=_positions(),
            snapshot=_snapshot(),
            item_ids=frozenset(_ids("item", MAX_ITEMS)),
            locations=tuple(sorted(frozenset(_ids("location", MAX_LOCATIONS)))),
        )
    )
    if request.method != "HEAD":
        hand_over(request.scope, subscription)
    response = Response(b"", headers=HEADERS, content_type=CONTENT_TYPE)
    del response.headers["Content-Length"]  # the body follows
    return response


def _refuse_if_another_process_can_serve() -> None:
    """While this process stops, raise a 503 problem to a proxy that tries another process. Others need a 200."""
    subscribers: Subscribers = current_app.extensions["subscribers"]
    if subscribers.is_draining and FAILOVER in request.headers:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "This server is about to stop.")


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


def _ids(name: str, most: int) -> list[int]:
    """The ids that this parameter has. Raises a 400 problem."""
    values = request.args.getlist(name)
    are_ids = all(value.isascii() and value.isdigit() and len(value) < 20 and int(value) <= MAX_ID for value in values)
    if len(values) > most or not are_ids:
        raise Problem(HTTPStatus.BAD_REQUEST, f"{name}: must be the id of {_A[name]}, {most} times at most.")
    return [int(value) for value in values]
