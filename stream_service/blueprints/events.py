"""`GET /events`: the stream."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import Blueprint, Response, request

from shared.log.documents import MAX_ID
from shared.log.position import MalformedPositionError, Position
from shared.web.problems import Problem
from stream_service.admission import admitted
from stream_service.asyncapi import MAX_ITEMS
from stream_service.filters import of_items
from stream_service.handover import hand_over
from stream_service.starts import Subscription

if TYPE_CHECKING:
    from stream_service.filters import Filter

blueprint = Blueprint("events", __name__)

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
    subscription = await admitted(
        Subscription(
            client=request.remote_addr or "",
            positions=_positions(),
            snapshot=_snapshot(),
            wanted=_filter(),
        )
    )
    if request.method != "HEAD":
        hand_over(request.scope, subscription)
    response = Response(b"", headers=HEADERS, content_type=CONTENT_TYPE)
    del response.headers["Content-Length"]  # the body follows
    return response


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
    are_ids = all(value.isascii() and value.isdigit() and len(value) < 20 and int(value) <= MAX_ID for value in values)
    if len(values) > MAX_ITEMS or not are_ids:
        raise Problem(HTTPStatus.BAD_REQUEST, f"item: must be an item's id, {MAX_ITEMS} times at most.")
    return of_items(map(int, values))
