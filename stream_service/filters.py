"""Which events a subscriber wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from stream_service.ring import Frame


@dataclass(frozen=True)
class Filter:
    """Lets some events pass. Filters with equal keys let the same ones pass."""

    key: Hashable
    matches: Callable[[Frame], bool]


def of_items(item_ids: Iterable[int]) -> Filter | None:
    """Lets the events of these items pass; None, which lets all pass, if there are none."""
    wanted = frozenset(item_ids)
    return Filter(("items", wanted), lambda frame: frame.item_id in wanted) if wanted else None
