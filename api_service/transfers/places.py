"""The locations that the rows of an import name."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from api_service.store import locations
from shared.access.principals import contains

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.access.principals import Locations
    from shared.db.database import Connection


class PlaceError(Exception):
    """No item can be added at the location that a row names. The text says why."""


class Places:
    """The locations that the client may see, by their paths and names, and where it may change items."""

    def __init__(self, paths: Mapping[int, str], editable: Locations, default: int) -> None:
        self._paths = paths
        self._editable = None if editable is None else frozenset(editable)  # many rows are looked up in it
        self._default = default
        self._by_path: defaultdict[str, set[int]] = defaultdict(set)
        self._by_name: defaultdict[str, set[int]] = defaultdict(set)
        for location, path in paths.items():
            self._by_path[_key(path)].add(location)
            self._by_name[_key(path.rpartition("/")[2])].add(location)

    def of_new_item(self, text: str | None) -> int:
        """The location with this path or name; without one, the usual location. Raises PlaceError."""
        if text is None:
            return self._default
        found = self._find(text)
        if not found:
            raise PlaceError(f'"{text}" is not a location')
        if len(found) > 1:
            raise PlaceError(f'"{text}" is the name of several locations: write the whole path, as in "Main/Shelf 3"')
        (location,) = found
        if not contains(self._editable, location):
            raise PlaceError(f'you may only read at "{text}"')
        return location

    def refusal(self, item_id: int, location: int, text: str | None) -> tuple[str, str] | None:
        """Why a row with this text can't change an item at this location: the field, and the reason. None if it can."""
        if not contains(self._editable, location):
            return "id", f"you may only read at the location of item {item_id}"
        if text is not None and location not in self._find(text):
            return "location", f'item {item_id} stays at "{self._paths.get(location)}": an import can\'t move it'
        return None

    def _find(self, text: str) -> set[int]:
        return self._by_path.get(_key(text)) or self._by_name.get(_key(text)) or set()


async def read_places(connection: Connection, visible: Locations, editable: Locations) -> Places:
    """The places of an import by somebody who may see and change the items at these locations."""
    paths = await locations.select_paths(connection, visible)
    default = editable[0] if editable else await locations.select_default_location(connection)
    return Places(paths, editable, default)


def _key(path: str) -> str:
    """A form of a path in which case and the white space around slashes do not count."""
    return "/".join(part.strip() for part in path.split("/")).casefold()
