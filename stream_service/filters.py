"""Filters: which events a subscriber receives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream_service.ring import Frame


@dataclass(frozen=True)
class Filter:
    """Selects the events of some items. Equal filters select the same events."""

    item_ids: frozenset[int]

    def matches(self, event: Frame) -> bool:
        return event.item_id in self.item_ids


def of_items(item_ids: Iterable[int]) -> Filter | None:
    """Selects the events of these items. None, which selects all events, if there are no items."""
    wanted = frozenset(item_ids)
    return Filter(wanted) if wanted else None
