"""The log as the database has it, and what a reader makes of it: the model that the API's answers are held against."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def read_log(stack: Stack, after: int = 0) -> list[Event]:
    """Every event after this one, straight from the table."""
    rows = stack.sql(
        "SELECT event_id, item_id, operation, coalesce(before, 'null'), coalesce(after, 'null'), actor,"
        f" rfc3339(changed_at) FROM inventory_history WHERE event_id > {after} ORDER BY event_id"
    )
    return [
        Event(int(number), int(item), operation, json.loads(before), json.loads(became), actor, parse_time(at))
        for number, item, operation, before, became, actor, at in rows
    ]


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
