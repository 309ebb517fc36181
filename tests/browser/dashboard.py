"""The dashboard as a person uses it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import expect

from tests.browser.watched import NETWORK_CHANGED

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request

    from tests.stack import Stack

PATIENCE_MS = 20_000
LOADS = 5
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

    def is_now(self, word: str) -> None:
        """Wait until the connection is said to be this."""
        self.page.locator(f'.connection[data-state="{word.lower()}"]').wait_for(timeout=PATIENCE_MS)
        expect(self.page.locator(".connection")).to_have_text(word)

    def items(self) -> list[Item]:
        """The rows, from top to bottom."""
        rows = self.page.locator(".stock-row").evaluate_all(READ_ROWS)
        return [Item(row["id"], row["name"], row["quantity"], row["version"]) for row in rows]

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
        return row.locator("input")

    def edit(self, name: str, quantity: int | str) -> None:
        box = self.start_edit(name)
        box.fill(str(quantity))
        box.press("Enter")

    def ask_to_delete(self, name: str) -> Locator:
        """Press the item's delete button; returns the dialog."""
        self.row(name).locator(".stock-row-delete").click()
        return self.page.get_by_role("dialog")

    def delete(self, name: str) -> None:
        self.ask_to_delete(name).get_by_role("button", name="Delete").click()

    def notice(self, text: str) -> Locator:
        return self.page.get_by_role("status").locator(".notice", has_text=text)

    def says(self, text: str) -> None:
        """Wait for a notice with this text."""
        self.notice(text).first.wait_for(timeout=PATIENCE_MS)

    def equals_the_table(self) -> None:
        """Wait until the page has each item of the table with the same name, quantity and version, and no other."""
        expect(self.page.locator(".is-pending")).to_have_count(0, timeout=PATIENCE_MS)
        table = table_of(self.stack)
        deadline = time.monotonic() + PATIENCE_MS / 1_000
        while (shown := sorted(self.items())) != table and time.monotonic() < deadline:
            self.page.evaluate("() => new Promise(requestAnimationFrame)")
        assert shown == table


def table_of(stack: Stack) -> list[Item]:
    """What the table holds."""
    rows = stack.sql("SELECT json_build_array(id, name, quantity, version) FROM inventory ORDER BY id")
    return [Item(*json.loads(row[0])) for row in rows]
