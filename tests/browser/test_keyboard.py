"""Everything on the page can be done with the keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.dashboard import Dashboard

MAX_TABS = 60
TYPING_MS = 60  # between the keys of a person: faster ones, followed by Enter, are those of a scanner
OUTLINE = "element => getComputedStyle(element).outlineStyle"


@pytest.fixture
def stocked(dashboard: Dashboard) -> Dashboard:
    """The page with Item 1 to Item 30 in descending order."""
    dashboard.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 30) n")
    dashboard.open()
    dashboard.shows("Item 30", 30)
    return dashboard


def tab_to(dashboard: Dashboard, wanted: Locator) -> None:
    """Press Tab until an element has the focus. Checks that each focused element has a visible outline."""
    for _ in range(MAX_TABS):
        dashboard.page.keyboard.press("Tab")
        focused = dashboard.page.locator(":focus")
        if focused.get_attribute("type") != "file":  # its label shows the outline
            assert focused.evaluate(OUTLINE) != "none"
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("the Tab key does not lead there")


def test_add_change_select_delete_and_undo_from_the_keyboard(stocked: Dashboard) -> None:
    keys = stocked.page.keyboard
    keys.press("n")
    expect(stocked.page.get_by_label("Name", exact=True)).to_be_focused()
    keys.type("Bolts")
    keys.press("Tab")
    keys.type("12")
    keys.press("Enter")
    stocked.shows("Bolts", 12)
    keys.press("Escape")
    tab_to(stocked, stocked.row("Bolts").locator(".stock-row-name"))
    for key in "+++-":
        keys.press(key)
    stocked.shows("Bolts", 14)
    expect(stocked.row("Bolts")).not_to_have_class("stock-row is-pending")
    keys.press("e")
    expect(stocked.row("Bolts").locator(".quantity-edit-input")).to_be_focused()
    keys.type("20")
    keys.press("Enter")
    stocked.shows("Bolts", 20)
    stocked.equals_the_table()
    keys.press("x")
    expect(stocked.page.locator(".selection-count")).to_have_text("1 selected")
    keys.press("x")
    expect(stocked.page.locator(".selection")).to_be_hidden()
    keys.press("Delete")
    stocked.says("Bolts was deleted.")
    expect(stocked.row("Item 30").locator(".stock-row-edit")).to_be_focused()
    keys.press("u")
    stocked.shows("Bolts", 20)
    stocked.equals_the_table()


def test_search_history_and_help_from_the_keyboard(stocked: Dashboard) -> None:
    page, keys = stocked.page, stocked.page.keyboard
    keys.press("/")
    expect(page.get_by_label("Search by name")).to_be_focused()
    keys.type("item 7")
    stocked.shows_nothing_of("Item 30")
    tab_to(stocked, stocked.row("Item 7").locator(".stock-row-name"))
    keys.press("h")
    drawer = page.locator(".item-drawer")
    expect(drawer.locator(".item-drawer-title")).to_have_text("Item 7")
    expect(drawer.get_by_role("button", name="Close")).to_be_focused()
    keys.press("Escape")
    expect(drawer).to_be_hidden()
    expect(stocked.row("Item 7").locator(".stock-row-name")).to_be_focused()
    keys.press("?")
    help_dialog = page.get_by_role("dialog", name="Keyboard")
    expect(help_dialog).to_be_visible()
    tab_to(stocked, help_dialog.get_by_label("Use these keys"))
    keys.press("Space")
    keys.press("Escape")
    keys.press("/")
    expect(page.get_by_label("Search by name")).not_to_be_focused()
    page.reload()
    stocked.is_now("Live")
    keys.press("?")
    expect(help_dialog).to_be_hidden()


def test_the_rows_are_walked_through_and_the_focus_stays_with_its_item(stocked: Dashboard) -> None:
    keys = stocked.page.keyboard
    button = ".stock-row-more"
    stocked.row("Item 30").locator(button).focus()
    for key, name in (("ArrowDown", "29"), ("PageDown", "19"), ("End", "1"), ("ArrowUp", "2"), ("Home", "30")):
        keys.press(key)
        expect(stocked.row(f"Item {name}").locator(button)).to_be_focused()
    keys.press("ArrowDown")
    stocked.sql("UPDATE inventory SET quantity = 500 WHERE name = 'Item 3'")
    stocked.shows("Item 3", 500)
    expect(stocked.row("Item 29").locator(button)).to_be_focused()
    assert stocked.row("Item 29").get_attribute("aria-posinset") == "2"


def test_an_import_from_the_keyboard(stocked: Dashboard) -> None:
    page, keys = stocked.page, stocked.page.keyboard
    page.on("filechooser", lambda _: None)  # `expect_file_chooser` alone starts intercepting too late
    tab_to(stocked, page.get_by_role("button", name="Import", exact=True))
    keys.press("Enter")
    dialog = page.get_by_role("dialog", name="Import a CSV file")
    box = dialog.get_by_label("Choose a file")
    tab_to(stocked, box)
    with page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files({"name": "s.csv", "mimeType": "text/csv", "buffer": b"name,quantity\nBolts,12\n"})
    expect(dialog.get_by_role("button", name="Import")).to_be_focused()
    keys.press("Enter")
    stocked.shows("Bolts", 12)
