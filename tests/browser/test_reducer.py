"""The reducer: every order of snapshots, events and responses leads to the correct state."""

from __future__ import annotations

import random
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

ORIGIN = "http://frontend.test"
EPOCH = "3f9c"
DRIVER = (Path(__file__).parent / "reducer_driver.js").read_text()
HISTORIES = 60
ORDERS = 20

Message = dict[str, Any]


@pytest.fixture
def reducer(page: Page) -> Page:
    """An empty page that can import the frontend modules, served from their files."""

    def serve(route: Route) -> None:
        path = ROOT / "frontend" / route.request.url.removeprefix(f"{ORIGIN}/")
        if path.suffix == ".js":
            route.fulfill(path=path, content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    page.route(f"{ORIGIN}/**", serve)
    page.goto(f"{ORIGIN}/")
    return page


def results(reducer: Page, orders: list[list[Message]]) -> list[Any]:
    """Run each order through the reducer. Returns the distinct results `{items, isComplete, reached, regressions}`."""
    messages = list({id(message): message for order in orders for message in order}.values())
    places = {id(message): place for place, message in enumerate(messages)}
    told = [[places[id(message)] for message in order] for order in orders]
    result: list[Any] = reducer.evaluate(DRIVER, [messages, told])
    return result


class History:
    """A log, recorded as the messages that a page may receive."""

    def __init__(self) -> None:
        self.table: dict[int, dict[str, Any]] = {}
        self.versions: dict[int, int] = {}
        self.messages: list[Message] = []
        self.head = 0

    def write(self, item_id: int, quantity: int | None, *, is_answered: bool = False) -> None:
        """Set the quantity of an item. None deletes the item."""
        before = self.table.get(item_id)
        self.head += 1
        version = self.versions[item_id] = self.versions.get(item_id, 0) + 1
        item = None if quantity is None else self._document(item_id, quantity, version)
        event = "DELETE" if item is None else "UPDATE" if before else "INSERT"
        change = {"position": self._place(), "event": event, "item": item or before}
        self.messages.append({"type": "changes", "changes": [change]})
        if item is None:
            del self.table[item_id]
        else:
            self.table[item_id] = item
        if is_answered:
            answer = {"item": item, "version": version, "epoch": EPOCH}
            self.messages.append({"type": "write_ended", "id": item_id, "answer": answer})

    def snapshot(self) -> None:
        self.messages.append({"type": "snapshot", "position": self._place(), "items": list(self.table.values())})

    def _document(self, item_id: int, quantity: int, version: int) -> dict[str, Any]:
        updated_at = f"2026-01-01T00:00:{self.head % 60:02}.000000Z"
        return {
            "id": item_id,
            "name": f"Item {item_id}",
            "quantity": quantity,
            "version": version,
            "updated_at": updated_at,
        }

    def _place(self) -> dict[str, Any]:
        return {"epoch": EPOCH, "number": self.head}

    @property
    def end(self) -> list[list[int]]:
        return sorted([item["id"], item["quantity"], item["version"]] for item in self.table.values())


def test_every_order_of_a_short_history_ends_in_the_table(reducer: Page) -> None:
    """Create, edit with a response, delete, re-create, and a snapshot in between: 40,320 orders."""
    history = History()
    history.write(1, 10)
    history.write(2, 20)
    history.snapshot()
    history.write(1, 11, is_answered=True)
    history.write(2, None)
    history.write(1, None)
    history.write(2, 22)
    assert len(history.messages) == 8
    orders = [list(order) for order in permutations(history.messages)]
    assert results(reducer, orders) == [
        {"items": history.end, "isComplete": True, "reached": history.head, "regressions": 0}
    ]


def test_any_order_of_a_long_history_with_several_snapshots_ends_in_the_table(reducer: Page) -> None:
    for seed in range(HISTORIES):
        chance = random.Random(seed)
        history = random_history(chance)
        orders = [chance.sample(history.messages, len(history.messages)) for _ in range(ORDERS)]
        expected = [{"items": history.end, "isComplete": True, "reached": history.head, "regressions": 0}]
        assert results(reducer, orders) == expected, f"history {seed}"


def random_history(chance: random.Random) -> History:
    history = History()
    for _ in range(40):
        item_id = chance.randrange(1, 7)
        is_deletion = item_id in history.table and chance.random() < 0.3
        history.write(item_id, None if is_deletion else chance.randrange(100), is_answered=chance.random() < 0.3)
        if chance.random() < 0.1:
            history.snapshot()
    history.snapshot()
    for item_id in (1, 2):
        history.write(item_id, 7)
    return history


def test_repeated_messages_change_nothing(reducer: Page) -> None:
    history = random_history(random.Random(1))
    chance = random.Random(2)
    orders = [chance.sample(history.messages * 2, 2 * len(history.messages)) for _ in range(ORDERS)]
    assert results(reducer, orders) == [
        {"items": history.end, "isComplete": True, "reached": history.head, "regressions": 0}
    ]


def test_a_snapshot_removes_missing_items_and_keeps_newer_ones(reducer: Page) -> None:
    history = History()
    history.write(1, 10)
    history.write(1, None)
    history.snapshot()
    history.write(2, 20)
    first, _, snapshot, later = history.messages
    (end,) = results(reducer, [[first, later, snapshot]])
    assert end["items"] == [[2, 20, 1]]


def test_after_a_reset_only_the_new_log_counts(reducer: Page) -> None:
    """After a restored backup, versions may be lower than those seen before."""
    old, new = History(), History()
    old.write(1, 10)
    for quantity in (11, 12, 13):
        old.write(1, quantity)
    old.write(2, 20)
    old.snapshot()
    new.write(1, 10)
    new.snapshot()
    new.write(1, 5)
    reset = {"type": "reset", "head": {"epoch": "beef", "number": 1}}
    for message in new.messages:
        place = message["position"] if message["type"] == "snapshot" else message["changes"][0]["position"]
        place["epoch"] = "beef"
    late = old.messages[-1]
    answer = {"type": "write_ended", "id": 1, "answer": {"item": None, "version": 9, "epoch": EPOCH}}
    orders = [
        [*old.messages, reset, *order] for order in permutations([new.messages[1], new.messages[2], late, answer])
    ]
    (end,) = results(reducer, orders)
    assert (end["items"], end["reached"]) == ([[1, 5, 2]], 2)


def test_a_snapshot_older_than_the_reset_is_ignored(reducer: Page) -> None:
    history = History()
    history.write(1, 10)
    history.snapshot()
    history.write(2, 20)
    history.snapshot()
    first, old, _, new = history.messages
    reset = {"type": "reset", "head": {"epoch": EPOCH, "number": 2}}
    (waiting,) = results(reducer, [[first, reset], [first, reset, old]])
    assert not waiting["isComplete"]
    (end,) = results(reducer, [[first, reset, old, new], [first, reset, new, old]])
    assert end["items"] == [[1, 10, 1], [2, 20, 1]]
