"""A page object of the dashboard."""

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
RECOVERY_MS = 45_000  # after several failures, a page waits up to half a minute before it tries again
LOADS = 5
STATES = {"Not live": "silent"}  # states whose displayed word differs from the name
HINT = "+20, \N{MINUS SIGN}20 or 74"  # what may be typed as a change of a quantity
NOT_A_CHANGE = f"Enter a whole number: {HINT}."
READ_STOCK = """async () => {
    const { store } = await import(new URL("main.js", document.querySelector("[type=module]").src));
    const { currentItems } = await import(new URL("state/stock.js", document.querySelector("[type=module]").src));
    return [...currentItems(store.state.stock).values()];
}"""
COUNT_PENDING = """async () => {
    if (!document.querySelector(".stock-list")) return 0; // nothing is loaded yet
    const { store } = await import(new URL("main.js", document.querySelector("[type=module]").src));
    return store.state.pending.size;
}"""
WAIT_FOR_HEARTBEAT_INTERVAL = """async () => {
    const { store } = await import(new URL("main.js", document.querySelector("[type=module]").src));
    while (store.state.connection.staleAfter > 5_000) await new Promise(requestAnimationFrame);
}"""
READ_ROWS = """rows => rows.map(row => ({
    id: Number(row.dataset.id),
    name: row.querySelector(".stock-row-name").textContent,
    quantity: Number(row.querySelector("data").value),
    version: Number(row.dataset.version),
}))"""


def next_frame(page: Page) -> None:
    """Wait for the next frame. Meanwhile, the test is told of the page's requests."""
    page.evaluate("() => new Promise(requestAnimationFrame)")


class Item(NamedTuple):
    id: int
    name: str
    quantity: int
    version: int


class Dashboard:
    """The dashboard in one page."""

    def __init__(self, page: Page, stack: Stack) -> None:
        self.page = page
        self.stack = stack

    def open(self) -> Dashboard:
        """Load the page and wait until it is live."""
        self.load()
        self.is_now("Live")
        return self

    def without_shared_worker(self) -> Dashboard:
        """Remove SharedWorker, so that the page itself opens the stream and the test can intercept it."""
        self.page.add_init_script("delete globalThis.SharedWorker")
        return self

    def load(self) -> None:
        """Load the page, and retry if Chromium drops requests because the network of the machine changed."""
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

    def wait_for_heartbeat_interval(self) -> None:
        """Wait until the page knows the interval of the heartbeats, from which it derives when a stream is stale."""
        self.page.evaluate(WAIT_FOR_HEARTBEAT_INTERVAL)

    def is_now(self, word: str) -> None:
        """Wait until the page shows this connection state."""
        state = STATES.get(word, word.lower())
        self.page.locator(f'.connection[data-state="{state}"]').wait_for(timeout=RECOVERY_MS)
        expect(self.page.locator(".connection-word")).to_have_text(word)

    def items(self) -> list[Item]:
        """Return the rendered rows, from top to bottom."""
        return _items(self.page.locator(".stock-row").evaluate_all(READ_ROWS))

    def stock(self) -> list[Item]:
        """Return all items that the page holds, rendered or not."""
        return _items(self.page.evaluate(READ_STOCK))

    def documents(self) -> list[dict[str, Any]]:
        """Return the full documents of all items that the page holds, ordered by id."""
        found: list[dict[str, Any]] = self.page.evaluate(READ_STOCK)
        return sorted(found, key=lambda item: int(item["id"]))

    def row(self, name: str) -> Locator:
        names = self.page.locator(".stock-row-name").get_by_text(name, exact=True)
        return self.page.locator(".stock-row", has=names)

    def quantity(self, name: str) -> Locator:
        return self.row(name).locator("data")

    def shows(self, name: str, quantity: int) -> None:
        """Wait until the row of the item shows this quantity."""
        self.row(name).locator(f'data[value="{quantity}"]').wait_for(timeout=PATIENCE_MS)

    def shows_nothing_of(self, name: str) -> None:
        self.row(name).wait_for(state="detached", timeout=PATIENCE_MS)

    def open_add(self) -> Locator:
        """Open the dialog that adds items, unless it is open, and return it."""
        dialog = self.page.locator(".add-dialog")
        if not dialog.is_visible():
            self.page.locator(".stock-list-add").click()
        return dialog

    def add(self, name: str, quantity: int | str) -> None:
        """Add an item. The dialog stays open after an error."""
        dialog = self.open_add()
        dialog.get_by_label("Name", exact=True).fill(name)
        dialog.get_by_label("Quantity", exact=True).fill(str(quantity))
        dialog.get_by_role("button", name="Add item").click()

    def close_add(self) -> None:
        self.page.locator(".add-dialog .dialog-head .dialog-close").click()

    def leave_list(self) -> None:
        """Move the pointer and the focus out of the list, so that it is not held any more."""
        self.page.mouse.move(0, 0)
        self.page.evaluate("document.activeElement.blur()")

    def start_edit(self, name: str) -> Locator:
        """Open the quantity for editing and return its input."""
        row = self.row(name)
        row.locator(".stock-row-edit").click()
        return row.locator(".quantity-edit-input")

    def edit(self, name: str, quantity: int | str) -> None:
        box = self.start_edit(name)
        box.fill(str(quantity))
        box.press("Enter")

    def step(self, name: str, by: int) -> None:
        """Click "Add" or "Take" `by` times, as fast as possible."""
        button = self.open_item(name).get_by_role("button", name="Add" if by > 0 else "Take")
        for _ in range(abs(by)):
            button.click()

    def delete(self, name: str) -> None:
        self.row(name).locator(".stock-row-name").press("Delete")

    def search(self, text: str) -> None:
        self.page.get_by_label("Search or scan").fill(text)

    def open_item(self, name: str) -> Locator:
        """Open the panel of the item and return it."""
        self.row(name).locator(".stock-row-name").click()
        panel = self.page.locator(".item-panel")
        panel.locator(".item-panel-title").get_by_text(name, exact=True).wait_for()
        return panel

    def open_fields(self, name: str) -> Locator:
        """Open the panel of the item with its fields, and return it."""
        panel = self.open_item(name)
        about = panel.locator(".item-panel-about")
        if about.get_attribute("open") is None:
            about.locator("summary").click()
        return panel

    def open_menu(self) -> Locator:
        """Open the dialog with what is needed less often, and return it."""
        self.page.locator('[data-opens="menu"]:visible').first.click()
        return self.page.get_by_role("dialog", name="You and more")

    def notice(self, text: str) -> Locator:
        return self.page.locator(".notices .notice", has_text=text)

    def says(self, text: str) -> None:
        """Wait for a notice with this text."""
        self.notice(text).first.wait_for(timeout=PATIENCE_MS)

    def wait_for_pending_writes(self) -> None:
        """Wait until all writes are answered, and that is drawn. Before, the page may show what is not in the table."""
        deadline = time.monotonic() + PATIENCE_MS / 1_000
        while pending := self.page.evaluate(COUNT_PENDING):
            assert time.monotonic() < deadline, f"{pending} writes have no answer"
            self.next_frame()
        self.next_frame()  # until it is drawn, a row refuses another edit

    def sql(self, statement: str) -> list[tuple[str, ...]]:
        """Run SQL once all writes of the page are answered."""
        self.wait_for_pending_writes()
        return self.stack.sql(statement)

    def equals_the_table(self) -> None:
        """Wait until the page holds exactly the items of the table, and every rendered row matches its item."""
        self.wait_for_pending_writes()
        documents = documents_of(self.stack)
        table = set(_items(documents))
        deadline = time.monotonic() + PATIENCE_MS / 1_000
        while not (self.documents() == documents and set(self.items()) <= table) and time.monotonic() < deadline:
            self.next_frame()
        assert self.documents() == documents
        assert set(self.items()) <= table
        assert self.items() or not table

    def press(self, pressed: Locator) -> None:
        """Press the mouse button over something, and keep it pressed."""
        pressed.hover()
        self.page.mouse.down()

    def next_frames(self) -> None:
        """Wait for more frames than the page needs to draw a change."""
        for _ in range(3):
            self.next_frame()

    def next_frame(self) -> None:
        next_frame(self.page)


def _items(documents: list[dict[str, Any]]) -> list[Item]:
    return [Item(*(document[field] for field in Item._fields)) for document in documents]


def documents_of(stack: Stack) -> list[dict[str, Any]]:
    """Return the documents of all items in the table, ordered by id."""
    return [json.loads(row[0]) for row in stack.sql("SELECT item_document(i) FROM inventory AS i ORDER BY id")]


def table_of(stack: Stack) -> list[Item]:
    """Return the items in the table, reduced to the fields that a row shows."""
    return _items(documents_of(stack))
