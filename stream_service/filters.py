"""Filters: which events a subscriber receives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from stream_service.ring import Frame


@dataclass(frozen=True)
class Filter:
    """Selects the events of some items (None: of all) at some locations (None: at all).

    Equal filters select the same events.
    """

    item_ids: frozenset[int] | None = None
    locations: frozenset[int] | None = None

    def matches(self, event: Frame) -> bool:
        return (self.item_ids is None or event.item_id in self.item_ids) and (
            self.locations is None or event.location in self.locations
        )


def filter_of(item_ids: Collection[int], locations: Collection[int] | None) -> Filter | None:
    """Selects the events of these items, or of all if there are none, at these locations.

    None, which selects all events, if neither narrows them.
    """
    if not item_ids and locations is None:
        return None
    return Filter(
        frozenset(item_ids) if item_ids else None,
        None if locations is None else frozenset(locations),
    )
