"""The model: locations, grants and the log, and what follows from them for who may see and change what."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tests.acceptance.log import replay

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from tests.acceptance.log import Event, Item, State

    Scope = frozenset[int] | None  # the ids of locations; None stands for all, also for those that were deleted

NOWHERE: frozenset[int] = frozenset()


def contains(scope: Scope, location: int) -> bool:
    return scope is None or location in scope


class Place(NamedTuple):
    """A location."""

    name: str
    parent: int | None


class Tree:
    """The locations, by id."""

    def __init__(self) -> None:
        self.places: dict[int, Place] = {}

    def above(self, location: int) -> Iterator[int]:
        """The location, and those that it lies in, up to the top."""
        at: int | None = location
        while at is not None:
            yield at
            at = self.places[at].parent

    def below(self, location: int) -> frozenset[int]:
        """The location with everything below it; nothing if there is no such location."""
        return frozenset(each for each in self.places if location in self.above(each))

    def path(self, location: int, visible: Scope) -> str:
        """The names from the topmost visible location down to this one."""
        names = [self.places[each].name for each in self.above(location) if contains(visible, each)]
        return "/".join(reversed(names))

    def has_name(self, name: str, parent: int | None, *, besides: int | None = None) -> bool:
        """Whether a location with this parent has this name."""
        return any(
            place.parent == parent and place.name.lower() == name.lower()
            for location, place in self.places.items()
            if location != besides
        )


class ScopeChange(NamedTuple):
    """The head of the log when an account came to see something else, and what it has seen before and after."""

    head: int
    before: Scope
    after: Scope


@dataclass(eq=False)
class Account:
    """An account, and the headers that it sends. Its grants are roles by location (None: everywhere)."""

    id: int
    name: str
    headers: dict[str, str]
    grants: dict[int | None, str] = field(default_factory=dict)
    changes: list[ScopeChange] = field(default_factory=list)
    changed_at: float = 0.0  # when its rights were written last (seconds since 1970)


class Model:
    """The whole state, and the rules of who may see and change what."""

    def __init__(self) -> None:
        self.tree = Tree()
        self.tree_changed_at = 0.0  # seconds since 1970
        self.log: list[Event] = []
        self.state: State = {}
        self.location_of: dict[int, int] = {}  # of every item that ever was
        self.last_event: dict[int, Event] = {}  # of every item that ever was
        self._ids: list[int] = []

    def append(self, events: Sequence[Event]) -> None:
        """Add the next events of the log."""
        self.state = replay(events, self.state)
        for event in events:
            self.log.append(event)
            self._ids.append(event.id)
            self.location_of[event.item_id] = document(event)["location"]
            self.last_event[event.item_id] = event

    @property
    def head(self) -> int:
        return self._ids[-1] if self._ids else 0

    def since(self, event_id: int) -> list[Event]:
        """The events after this one."""
        return self.log[bisect_right(self._ids, event_id) :]

    def up_to(self, event_id: int) -> list[Event]:
        """The events up to this one."""
        return self.log[: bisect_right(self._ids, event_id)]

    def event_at(self, moment: datetime) -> int:
        """The last event up to this time; 0 if there is none."""
        index = bisect_right(self.log, moment, key=lambda event: event.changed_at)
        return self._ids[index - 1] if index else 0

    def time_of(self, event_id: int) -> float:
        """When the last event up to this one was committed (seconds since 1970); 0 if there is none."""
        index = bisect_left(self._ids, event_id + 1)
        return self.log[index - 1].changed_at.timestamp() if index else 0.0

    def state_at(self, event_id: int) -> State:
        """The items as they were after this event."""
        return self.state if event_id >= self.head else replay(self.up_to(event_id))

    # Rights

    def visible(self, account: Account) -> Scope:
        """Where an account may read."""
        return None if None in account.grants else self._below(location for location in account.grants)

    def editable(self, account: Account) -> Scope:
        """Where an account may change items."""
        if account.grants.get(None) in {"editor", "admin"}:
            return None
        return self._below(location for location, role in account.grants.items() if role != "viewer")

    def _below(self, locations: Iterable[int | None]) -> frozenset[int]:
        return NOWHERE.union(*(self.tree.below(location) for location in locations if location is not None))

    def scope(self, account: Account, asked: Sequence[int] = ()) -> Scope:
        """Those of these locations that the account may see, with everything below them; none asked: all it may see.

        Of a location that it may not see, not even what is visible below it: that would tell what this lies in.
        """
        visible = self.visible(account)
        return self._below(location for location in asked if contains(visible, location)) if asked else visible

    def sees(self, account: Account, location: int | None) -> bool:
        return location is not None and contains(self.visible(account), location)

    def edits(self, account: Account, location: int | None) -> bool:
        return location is not None and contains(self.editable(account), location)

    def sees_item(self, account: Account, item_id: int) -> bool:
        """Whether an account may see an item that exists or existed."""
        return self.sees(account, self.location_of.get(item_id))

    def gate(self, account: Account, role: str) -> str | None:
        """Why the account may send no requests of this kind, wherever they lead; None if it may."""
        may = {
            "viewer": self.visible(account) != NOWHERE,
            "editor": self.editable(account) != NOWHERE,
            "admin": account.grants.get(None) == "admin",
        }
        return None if may[role] else f"{account.name} may not do this: it needs the role {role}."

    # Items

    def owner_of_code(self, code: str | None, location: int, *, besides: int | None = None) -> Item | None:
        """The other item at a location that has this code."""
        found = (
            item
            for item in self.state.values()
            if code is not None and item["code"] == code and item["location"] == location and item["id"] != besides
        )
        return next(found, None)


def document(event: Event) -> Item:
    """The item of an event: after it, or before its deletion."""
    item = event.after or event.before
    assert item is not None
    return item
