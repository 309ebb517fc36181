"""What the steps put into items, and what the log must say of their changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tests.acceptance.log import DERIVED_FIELDS
from tests.acceptance.rights.model import document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.acceptance.log import Event, Item
    from tests.acceptance.rights.world import World

MAX_ITEMS = 50
LONG_NOTE = " and warm" * 200  # so that streams are resumed from the database, since the events do not fit in the ring
FIELDS = ("name", "quantity", "code", "unit", "minimum", "note")
CODES = ("c-one", "c-two", "c-three")  # that items in different places share


class Change(NamedTuple):
    """A change that must be in the log: the item after it (before a deletion), without what the database sets."""

    operation: str
    location: int
    fields: dict[str, Any]
    item_id: int | None = None  # None: a new one


def check_events(actor: str, events: Sequence[Event], changes: Sequence[Change]) -> None:
    """Check that the log has got exactly these changes, by this actor."""
    assert all(event.actor == actor for event in events)
    found = [
        Change(event.operation, document(event)["location"], fields_of(document(event)), event.item_id)
        for event in events
    ]
    wanted = list(changes)
    for change in found:
        match = next((each for each in wanted if each in (change, change._replace(item_id=None))), None)
        assert match is not None, (change, wanted)
        wanted.remove(match)
    assert wanted == []


def draw_fields(world: World, *, full: bool) -> dict[str, Any]:
    """Fields of an item, with new words. If not ``full``, some are left out."""
    rng, words = world.rng, world.words
    fields: dict[str, Any] = {
        "name": f"{words.new()} {rng.choice(['bolt', 'nut', 'gear'])}",
        "quantity": rng.randrange(100),
        "code": rng.choice([None, f"c-{words.new()}", *CODES]),
        "unit": rng.choice([None, words.new()]),
        "minimum": rng.choice([None, 20, 60]),
        "note": rng.choice([None, f"keep {words.new()} dry\nand warm", words.new() + LONG_NOTE]),
    }
    if not full:
        fields = {name: value for name, value in fields.items() if name == "quantity" or rng.random() < 0.4}
    return {name: value for name, value in fields.items() if value is not None or not full}


def place_words(world: World, body: dict[str, Any], location: int | None) -> None:
    """Note that these words will be used at a location, before a stream can show them."""
    if location is not None:
        for value in body.values():
            world.words.place(str(value), location)


def fields_of(item: Item) -> dict[str, Any]:
    """The fields of an item that people write."""
    return {name: value for name, value in item.items() if name not in DERIVED_FIELDS}
