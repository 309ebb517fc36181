"""The log as read from the database, and its replay: the model that API responses are compared with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.db.database import Connection
    from tests.stack import Stack

Item = dict[str, Any]
State = dict[int, Item]


@dataclass(frozen=True)
class Event:
    id: int
    item_id: int
    operation: str
    before: Item | None
    after: Item | None
    actor: str
    changed_at: datetime


DERIVED_FIELDS = {
    "id",
    "location",
    "counted_at",
    "version",
    "created_at",
    "updated_at",
}  # set by the database on every change
EVENTS_AFTER = """
SELECT event_id::text, item_id::text, operation, coalesce(before::text, 'null'), coalesce(after::text, 'null'), actor,
       rfc3339(changed_at)
FROM inventory_history
WHERE inventory_history.event_id > {}
ORDER BY inventory_history.event_id
"""


def read_log(stack: Stack, after: int = 0) -> list[Event]:
    """Return every event after this event id, read from the table by psql."""
    return [_event(*row) for row in stack.sql(EVENTS_AFTER.format(after))]


async def fetch_log(connection: Connection, after: int) -> list[Event]:
    """Return every event after this event id, read over an open connection."""
    return [_event(*row) for row in await connection.fetch(EVENTS_AFTER.format(after))]


def _event(event_id: str, item_id: str, operation: str, before: str, after: str, actor: str, changed_at: str) -> Event:
    moment = parse_time(changed_at)
    return Event(int(event_id), int(item_id), operation, json.loads(before), json.loads(after), actor, moment)


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def replay(events: Iterable[Event], state: State | None = None) -> State:
    """Apply events to a state and return the result. Checks each event's `before` against the state."""
    state = dict(state or {})
    for event in events:
        assert state.get(event.item_id) == event.before, event
        if event.after is None:
            del state[event.item_id]
        else:
            state[event.item_id] = event.after
    return state


def newest_first(state: State) -> list[Item]:
    """Return the items in the default order of the list."""
    return sorted(state.values(), key=lambda item: (item["updated_at"], item["id"]), reverse=True)


def entry(event: Event) -> dict[str, Any]:
    """Return the history entry that the API must show for an event."""
    before, after = event.before or {}, event.after or {}
    return {
        "event_id": event.id,
        "item_id": event.item_id,
        "operation": event.operation,
        "actor": event.actor,
        "on_behalf_of": None,
        "movement": None,
        "reason": None,
        "note": None,
        "changed_at": event.changed_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "changes": {
            field: {"from": before.get(field), "to": after.get(field)}
            for field in after or before
            if field not in DERIVED_FIELDS and before.get(field) != after.get(field)
        },
        "before": event.before,
        "after": event.after,
    }
