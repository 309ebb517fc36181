"""The AsyncAPI document of the stream, generated from the models of its payloads."""

from __future__ import annotations

import functools
import json
from typing import Any, NamedTuple

from shared.access.credentials import COOKIE
from shared.log.documents import MAX_ID
from shared.log.position import POSITION_PATTERN
from shared.web.schemas import VERSION, named_schema
from stream_service.documents import Busy, Heartbeat, Reset, SignedOut, Snapshot, Update

MAX_ITEMS = 1_000
MAX_LOCATIONS = 100

Document = dict[str, Any]

DESCRIPTION = """\
Every change of the stock, as server-sent events. An `id` is a position in the log: come back with the last one that
you had in `Last-Event-ID` (or as `last_event_id`, since EventSource can't set a header on its first request), and
nothing is missed and nothing comes twice, however long you were away. `retry` says when to come back after the stream
has ended.

With `AUTH=login`, send a token as `Authorization: Bearer sst_…`, or the cookie of a session. Without the right to read,
the answer is 401 (nobody is signed in) or 403 (the account has no role). The stream has the events of the locations
that the account may see; when these change, it sends `reset`."""

POSITION = {"type": "string", "pattern": POSITION_PATTERN, "examples": ["3f9c01ab-1042"]}


class Event(NamedTuple):
    """A kind of frame; ``carries_position`` is whether it may have an `id`."""

    title: str
    payload: Any
    carries_position: bool


EVENTS = {
    "inventory_update": Event("An item was changed", Update, carries_position=True),
    "heartbeat": Event("The stream is alive", Heartbeat, carries_position=False),
    "snapshot": Event("A part of the stock as it is; the last part has the `id`", Snapshot, carries_position=True),
    "reset": Event("The position can't be served: load the stock again", Reset, carries_position=True),
    "signed_out": Event("The stream ends, since you may not read it any more", SignedOut, carries_position=False),
    "busy": Event("No place now: come back later", Busy, carries_position=False),
}

SECURITY_SCHEMES: Document = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of an account, which starts with sst_"},
    "session": {"type": "httpApiKey", "in": "cookie", "name": COOKIE},
}
QUERY = {
    "last_event_id": {**POSITION, "description": "Where to begin; without it, now"},
    "snapshot": {"type": "string", "enum": ["0", "1"], "description": "1 sends the stock first"},
    "item": {
        "type": "array",
        "items": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
        "maxItems": MAX_ITEMS,
        "description": "Only these items, as in `item=7&item=9`",
    },
    "location": {
        "type": "array",
        "items": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
        "maxItems": MAX_LOCATIONS,
        "description": "Only these locations and everything below them",
    },
}


@functools.cache
def text() -> str:
    """The document as JSON."""
    return json.dumps(document())


def document() -> Document:
    """The AsyncAPI 3.0 document."""
    messages, schemas = _messages()
    references = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "stockstream", "version": VERSION, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {"events": {"address": "/events", "title": "The stream", "messages": references}},
        "operations": {"sendEvents": _operation(list(messages))},
        "components": {"messages": messages, "schemas": schemas, "securitySchemes": SECURITY_SCHEMES},
    }


def _operation(messages: list[str]) -> Document:
    query = {"type": "object", "properties": QUERY}
    return {
        "action": "send",
        "channel": {"$ref": "#/channels/events"},
        "summary": "Every change from a position on, then as they happen",
        "messages": [{"$ref": f"#/channels/events/messages/{name}"} for name in messages],
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in SECURITY_SCHEMES],
        "bindings": {"http": {"method": "GET", "query": query, "bindingVersion": "0.3.0"}},
    }


def _messages() -> tuple[Document, Document]:
    messages: Document = {}
    schemas: Document = {}
    for name, event in EVENTS.items():
        payload, models = named_schema(event.payload, "serialization")
        schemas |= models
        messages[name] = {
            "name": name,
            "title": event.title,
            "contentType": "application/json",
            "headers": _fields(name, event),
            "payload": payload,
        }
    return messages, schemas


def _fields(name: str, event: Event) -> Document:
    """The fields of a frame other than its data."""
    fields: Document = {"event": {"type": "string", "const": name}}
    if event.carries_position:
        fields["id"] = POSITION
    return {"type": "object", "properties": fields, "required": ["event"]}
