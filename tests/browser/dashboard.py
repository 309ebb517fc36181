"""The dashboard as a person uses it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from playwright.sync_api import expect

from tests.browser.watched import NETWORK_CHANGED

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request

    from tests.stack import Stack

PATIENCE_MS = 20_000
RECOVERY_MS = 45_000  # a page that has failed often waits up to half a minute before it tries again
LOADS = 5
STATES = {"Not live": "silent"}  # whose words are not their names
READ_STOCK = """async () => {
    const { store } = await import("/static/scripts/main.js");
    const { currentItems } = await import("/static/scripts/stock.js");
    return [...currentItems(store.state.stock).values()];
}"""
COUNT_PENDING = """async () => {
    if (!document.querySelector(".stock-list")) return 0; // nothing is loaded yet
    const { store } = await import("/static/scripts/main.js");
    return store.state.pending.size;
}"""
KNOWS_THE_HEARTBEAT = """async () => {
    const { store } = await import("/static/scripts/main.js");
    while (store.state.connection.staleAfter > 5_000) await new Promise(requestAnimationFrame);
}"""
READ_ROWS = """rows => rows.map(row => ({
    id: Number(row.dataset.id),
    name: row.querySelector(".stock-row-name").textContent,
    quantity: Number(row.querySelector("data").value),
    version: Number(row.dataset.version),
}))"""


class Item(NamedTuple):
    id: int
    name: str
    quantity: int
    version: int


class Dashboard:
    """An open page of it."""

    def __init__(self, page: Page, stack: Stack) -> None:
        self.page = page
        self.stack = stack

    def open(self) -> Dashboard:
        """Load the page and wait until it is live."""
        self.load()
        self.is_now("Live")
        return self

    def without_shared_worker(self) -> Dashboard:
        """As in a browser that has none: the page follows the log itself, where the test can come between."""
        self.page.add_init_script("delete globalThis.SharedWorker")
        return self

    def load(self) -> None:
        """Load the page; again, when Chromium drops the requests since this machine's network changed meanwhile."""
        dropped: list[str] = []

        def note(request: Request) -> None:
            if request.failure and NETWORK_CHANGED in request.failure:
                dropped.append(request.url)

        self.page.on("requestfailed", note)
        for _ in range(LOADS):
            dropped.clear()
            self.page.goto(self.stack.api_url)
            if not dropped:
                break
        self.page.remove_listener("requestfailed", note)

    def knows_the_heartbeat(self) -> None:
        """Wait until the page has learned how often a heartbeat comes here, and so when silence means something."""
        self.page.evaluate(KNOWS_THE_HEARTBEAT)

    def is_now(self, word: str) -> None:
        """Wait until the connection is said to be this."""
        state = STATES.get(word, word.lower())
        self.page.locator(f'.connection[data-state="{state}"]').wait_for(timeout=RECOVERY_MS)
        expect(self.page.locator(".connection-word")).to_have_text(word)

    def items(self) -> list[Item]:
        """The rows that are drawn, from top to bottom."""
        return _items(self.page.locator(".stock-row").evaluate_all(READ_ROWS))

    def stock(self) -> list[Item]:
        """All items that the page has, drawn or not."""
        return _items(self.page.evaluate(READ_STOCK))

    def documents(self) -> list[dict[str, Any]]:
        """The same whole, by id."""
        found: list[dict[str, Any]] = self.page.evaluate(READ_STOCK)
        return sorted(found, key=lambda item: int(item["id"]))

    def row(self, name: str) -> Locator:
        names = self.page.locator(".stock-row-name").get_by_text(name, exact=True)
        return self.page.locator(".stock-row", has=names)

    def quantity(self, name: str) -> Locator:
        return self.row(name).locator("data")

    def shows(self, name: str, quantity: int) -> None:
        """Wait until this item has this quantity."""
        self.row(name).locator(f'data[value="{quantity}"]').wait_for(timeout=PATIENCE_MS)

    def shows_nothing_of(self, name: str) -> None:
        self.row(name).wait_for(state="detached", timeout=PATIENCE_MS)

    def add(self, name: str, quantity: int | str) -> None:
        self.page.get_by_label("Name", exact=True).fill(name)
        self.page.get_by_label("Quantity", exact=True).fill(str(quantity))
        self.page.get_by_role("button", name="Add item").click()

    def start_edit(self, name: str) -> Locator:
        """Open the quantity for editing; returns its input."""
        row = self.row(name)
        row.locator(".stock-row-edit").click()
        return row.locator(".quantity-edit-input")

    def edit(self, name: str, quantity: int | str) -> None:
        box = self.start_edit(name)
        box.fill(str(quantity))
        box.press("Enter")

    def step(self, name: str, by: int) -> None:
        """Press + or - so many times, as fast as it goes."""
        button = self.row(name).locator(".stock-row-more" if by > 0 else ".stock-row-less")
        for _ in range(abs(by)):
            button.click()

    def delete(self, name: str) -> None:
        self.row(name).locator(".stock-row-delete").click()

    def search(self, text: str) -> None:
        self.page.get_by_label("Search by name").fill(text)

    def open_item(self, name: str) -> Locator:
        """Open the item's drawer and return it."""
        self.row(name).locator(".stock-row-name").click()
        return self.page.locator(".item-drawer[open]")

    def notice(self, text: str) -> Locator:
        return self.page.locator(".notices .notice", has_text=text)

    def says(self, text: str) -> None:
        """Wait for a notice with this text."""
        self.notice(text).first.wait_for(timeout=PATIENCE_MS)

    def awaits_nothing(self) -> None:
        """Wait until each write has its answer. What the page shows before that may not be in the table yet."""
        deadline = time.monotonic() + PATIENCE_MS / 1_000
        while pending := self.page.evaluate(COUNT_PENDING):
            assert time.monotonic() < deadline, f"{pending} writes have no answer"
            self.next_frame()

    def sql(self, statement: str) -> list[tuple[str, ...]]:
        """What others do, or find in the table, once all that was done on the page is in there."""
        self.awaits_nothing()
        return self.stack.sql(statement)

    def equals_the_table(self) -> None:
        """Wait until the page has each item of the table, the same in all, and no other; and so has each row."""
        self.awaits_nothing()
        documents = documents_of(self.stack)
        table = set(_items(documents))
        deadline = time.monotonic() + PATIENCE_MS / 1_000
        while not (self.documents() == documents and set(self.items()) <= table) and time.monotonic() < deadline:
            self.next_frame()
        assert self.documents() == documents
        assert set(self.items()) <= table
        assert self.items() or not table

    def next_frame(self) -> None:
        self.page.evaluate("() => new Promise(requestAnimationFrame)")


def _items(documents: list[dict[str, Any]]) -> list[Item]:
    return [Item(*(document[field] for field in Item._fields)) for document in documents]


def documents_of(stack: Stack) -> list[dict[str, Any]]:
    """The items that the table holds, by id."""
    return [json.loads(row[0]) for row in stack.sql("SELECT item_document(i) FROM inventory AS i ORDER BY id")]


def table_of(stack: Stack) -> list[Item]:
    """What the table holds of what a row of the page shows."""
    return _items(documents_of(stack))
