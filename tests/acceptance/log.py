"""The log as the database has it, and what a reader makes of it: the model that the API's answers are held against."""

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


FOLLOWING = {"id", "version", "created_at", "updated_at"}  # fields that follow from a change
EVENTS_AFTER = """
SELECT event_id::text, item_id::text, operation, coalesce(before::text, 'null'), coalesce(after::text, 'null'), actor,
       rfc3339(changed_at)
FROM inventory_history
WHERE inventory_history.event_id > {}
ORDER BY inventory_history.event_id
"""


def read_log(stack: Stack, after: int = 0) -> list[Event]:
    """Every event after this one, straight from the table."""
    return [_event(*row) for row in stack.sql(EVENTS_AFTER.format(after))]


async def fetch_log(connection: Connection, after: int) -> list[Event]:
    """The same by a connection that is there."""
    return [_event(*row) for row in await connection.fetch(EVENTS_AFTER.format(after))]


def _event(event_id: str, item_id: str, operation: str, before: str, after: str, actor: str, changed_at: str) -> Event:
    moment = parse_time(changed_at)
    return Event(int(event_id), int(item_id), operation, json.loads(before), json.loads(after), actor, moment)


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def replay(events: Iterable[Event], state: State | None = None) -> State:
    """What a reader has who began with this state; each event must follow from what it finds."""
    state = dict(state or {})
    for event in events:
        assert state.get(event.item_id) == event.before, event
        if event.after is None:
            del state[event.item_id]
        else:
            state[event.item_id] = event.after
    return state


def newest_first(state: State) -> list[Item]:
    """As the list shows it."""
    return sorted(state.values(), key=lambda item: (item["updated_at"], item["id"]), reverse=True)


def entry(event: Event) -> dict[str, Any]:
    """What the API is to say of an event."""
    before, after = event.before or {}, event.after or {}
    return {
        "event_id": event.id,
        "item_id": event.item_id,
        "operation": event.operation,
        "actor": event.actor,
        "changed_at": event.changed_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "changes": {
            field: {"from": before.get(field), "to": after.get(field)}
            for field in after or before
            if field not in FOLLOWING and before.get(field) != after.get(field)
        },
        "before": event.before,
        "after": event.after,
    }
