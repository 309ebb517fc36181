"""The tasks of booking: receive, pick, count and move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.stack import Stack

FIND = "Scan, or type a part of the name or code"


def open_task(page: Page, task: str) -> Locator:
    """Open a task with its button, and return its view."""
    name = page.locator(".rail").get_by_role("button", name=task)
    if name.is_visible():
        name.click()
    else:  # on a phone, it is in the menu
        page.locator(".rail-last").click()
        page.get_by_role("dialog", name="You and more").get_by_role("button", name=task).click()
    view = page.locator("section.booking")
    expect(view.get_by_role("heading", level=1)).to_have_text(task)
    expect(view.get_by_label(FIND)).to_be_focused()
    return view


def find(view: Locator, text: str) -> None:
    """Type into the search of a task."""
    view.get_by_label(FIND).fill(text)


def matches(view: Locator) -> Locator:
    return view.get_by_role("listbox", name="Matches").get_by_role("option")


def add_line(view: Locator, name: str, amount: str) -> None:
    """Add the first item that is found, with this amount."""
    find(view, name)
    matches(view).filter(has_text=name).first.click()
    focused = view.locator(".booking-line-amount:focus")
    focused.fill(amount)


def lines(view: Locator) -> Locator:
    return view.locator(".booking-line")


def amounts(view: Locator) -> list[str]:
    found: list[str] = view.locator(".booking-line-amount").evaluate_all("inputs => inputs.map(({ value }) => value)")
    return found


def save(view: Locator) -> Locator:
    return view.locator(".booking-save")


def quantities(stack: Stack) -> list[tuple[str, ...]]:
    """The names and quantities in the table."""
    return stack.sql("SELECT name, quantity FROM inventory ORDER BY location, name")
