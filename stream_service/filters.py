"""Filters: which events a subscriber receives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from stream_service.ring import Frame


@dataclass(frozen=True)
class Filter:
    """Selects events. Filters with equal keys select the same ones."""

    key: Hashable
    matches: Callable[[Frame], bool]


def of_items(item_ids: Iterable[int]) -> Filter | None:
    """Selects the events of these items. None, which selects all events, if there are no items."""
    wanted = frozenset(item_ids)
    return Filter(("items", wanted), lambda frame: frame.item_id in wanted) if wanted else None
