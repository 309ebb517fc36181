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
# Whether the heads of the columns are on the screen, and the row is below them and above the end of the screen.
IS_IN_VIEW = """row => {
    const [{ top, bottom }, heads] = [row, document.querySelector(".stock-list-columns")].map(
        (element) => element.getBoundingClientRect());
    return heads.top >= 0 && top >= heads.bottom && bottom <= innerHeight;
}"""
TYPE_AND_ENTER = """(input, text) => {
    input.value = text;
    input.dispatchEvent(new InputEvent("input", { bubbles: true }));
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
}"""
OUTLINE = "element => getComputedStyle(element).outlineStyle"


@pytest.fixture
def stocked(dashboard: Dashboard) -> Dashboard:
    """The page with Item 1 to Item 30."""
    dashboard.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 30) n")
    dashboard.open()
    dashboard.shows("Item 1", 1)
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
    keys.type("Bolts", delay=TYPING_MS)
    keys.press("Tab")
    keys.type("12", delay=TYPING_MS)
    keys.press("Enter")
    stocked.shows("Bolts", 12)
    keys.press("Escape")
    expect(stocked.page.get_by_role("heading", name="Stock")).to_be_focused()
    name = stocked.row("Bolts").locator(".stock-row-name")
    tab_to(stocked, name)
    for first, rest, quantity in (("+", "3", 15), ("-", "1", 14), ("=", "200", 200)):
        type_change(stocked, "Bolts", first, rest)
        stocked.shows("Bolts", quantity)
        stocked.wait_for_pending_writes()
    keys.press("e")
    expect(stocked.row("Bolts").locator(".quantity-edit-input")).to_be_focused()
    keys.type("20", delay=TYPING_MS)
    keys.press("Enter")
    stocked.shows("Bolts", 20)
    stocked.equals_the_table()
    keys.press("x")
    expect(stocked.page.locator(".selection-count")).to_have_text("Bolts selected")
    keys.press("x")
    expect(stocked.page.locator(".selection")).to_be_hidden()
    keys.press("Delete")
    stocked.says("Bolts was deleted.")
    expect(stocked.row("Bolts").locator(".stock-row-edit")).to_be_focused()
    keys.press("u")
    stocked.says("Bolts was restored.")
    stocked.shows("Bolts", 20)
    expect(stocked.row("Bolts").locator(".stock-row-edit")).to_be_focused()
    stocked.equals_the_table()


def type_change(stocked: Dashboard, name: str, first: str, rest: str) -> None:
    """Begin to change a quantity with a sign, and type the rest once the field is there."""
    keys = stocked.page.keyboard
    keys.press(first)
    expect(stocked.row(name).locator(".quantity-edit-input")).to_have_value(first)
    keys.type(rest, delay=TYPING_MS)
    keys.press("Enter")
    expect(stocked.row(name).locator(".stock-row-edit")).to_be_focused()


def test_undo_also_works_with_ctrl_z_but_not_while_typing(stocked: Dashboard) -> None:
    stocked.edit("Item 1", 5)
    stocked.says("Item 1: set to 5, was 1")
    search = stocked.page.get_by_label("Search or scan")
    search.focus()
    stocked.page.keyboard.type("ab", delay=TYPING_MS)
    stocked.page.keyboard.press("Control+z")
    expect(search).not_to_have_value("ab")
    stocked.search("")
    stocked.shows("Item 1", 5)
    search.blur()
    stocked.page.keyboard.press("Control+z")
    stocked.says("Item 1: undone, 1 now")
    stocked.shows("Item 1", 1)
    stocked.equals_the_table()


def test_selected_items_are_booked_from_the_keyboard(stocked: Dashboard) -> None:
    page, keys = stocked.page, stocked.page.keyboard
    stocked.row("Item 1").locator(".stock-row-name").focus()
    for key in ("x", "ArrowDown", "x"):
        keys.press(key)
    expect(page.locator(".selection-count")).to_have_text("2 selected: Item 1, Item 2")
    tab_to(stocked, page.locator(".selection").get_by_role("button", name="Pick"))
    keys.press("Enter")
    expect(page.locator(".booking-line-name")).to_have_text(["Item 1", "Item 2"])
    for label in ("Note", "Reason"):
        keys.press("Shift+Tab")
        expect(page.locator(".booking").get_by_label(label)).to_be_focused()
    keys.press("Shift+Tab")
    expect(page.get_by_role("button", name="Clear")).to_be_focused()
    keys.press("s")
    expect(page.locator(".booking")).to_be_hidden()
    expect(page.locator(".selection")).to_be_hidden()
    expect(page.get_by_role("heading", name="Stock")).to_be_focused()


def test_undo_is_reached_with_tab_and_the_focus_is_not_lost(stocked: Dashboard) -> None:
    name = stocked.row("Item 1").locator(".stock-row-name")
    name.focus()
    stocked.edit("Item 1", 5)
    stocked.says("Item 1: set to 5, was 1")
    tab_to(stocked, stocked.notice("set to 5").get_by_role("button", name="Undo"))
    stocked.page.keyboard.press("Enter")
    stocked.says("Item 1: undone, 1 now")
    expect(stocked.page.get_by_role("heading", name="Stock")).to_be_focused()
    tab_to(stocked, name)


def test_search_history_and_help_from_the_keyboard(stocked: Dashboard) -> None:
    page, keys = stocked.page, stocked.page.keyboard
    search = page.get_by_label("Search or scan")
    keys.press("/")
    expect(search).to_be_focused()
    keys.type("item 7", delay=TYPING_MS)
    stocked.shows_nothing_of("Item 30")
    tab_to(stocked, stocked.row("Item 7").locator(".stock-row-name"))
    keys.press("h")
    panel = page.locator(".item-panel")
    expect(panel.locator(".item-panel-title")).to_have_text("Item 7")
    expect(panel.get_by_label("Amount")).to_be_focused()
    keys.press("Escape")
    expect(panel).to_be_hidden()
    expect(stocked.row("Item 7").locator(".stock-row-name")).to_be_focused()
    keys.press("?")
    help_dialog = page.get_by_role("dialog", name="Keyboard")
    expect(help_dialog).to_be_visible()
    tab_to(stocked, help_dialog.get_by_label("Use these keys"))
    keys.press("Space")
    keys.press("Escape")
    keys.press("/")
    expect(search).not_to_be_focused()
    page.reload()
    stocked.is_now("Live")
    keys.press("?")
    expect(help_dialog).to_be_hidden()


def test_the_keyboard_dialog_lists_all_that_works(stocked: Dashboard) -> None:
    page, keys = stocked.page, stocked.page.keyboard
    row = stocked.row("Item 1")
    row.locator(".stock-row-name").focus()
    keys.press("ArrowRight")
    expect(row.locator(".stock-row-edit")).to_be_focused()
    for _ in range(2):
        keys.press("ArrowLeft")
    expect(row.locator(".stock-row-select")).to_be_focused()
    keys.press("?")
    keys_of = {what: page.locator(".shortcuts dl > div", has_text=what).locator("kbd") for what in ("Undo", "Within")}
    expect(keys_of["Within"]).to_have_text(["\N{LEFTWARDS ARROW}", "\N{RIGHTWARDS ARROW}"])
    expect(keys_of["Undo"]).to_have_text(["u", "Ctrl+Z"])


def test_enter_in_the_search_opens_the_first_result_and_escape_leads_back(stocked: Dashboard) -> None:
    page, keys = stocked.page, stocked.page.keyboard
    keys.press("/")
    keys.type("item 12", delay=TYPING_MS)
    stocked.shows_nothing_of("Item 30")
    keys.press("Enter")
    panel = page.locator(".item-panel")
    expect(panel.locator(".item-panel-title")).to_have_text("Item 12")
    expect(panel.get_by_label("Amount")).to_be_focused()
    keys.type("2", delay=TYPING_MS)
    for verb in ("Take", "Add", "Set"):
        tab_to(stocked, panel.get_by_role("button", name=verb))
    keys.press("Enter")
    stocked.says("Item 12: set to 2, was 12")
    keys.press("Escape")
    expect(panel).to_be_hidden()
    expect(stocked.row("Item 12").locator(".stock-row-name")).to_be_focused()
    stocked.equals_the_table()


def test_enter_opens_what_was_typed_last_even_if_it_is_not_drawn_yet(stocked: Dashboard) -> None:
    stocked.page.get_by_label("Search or scan").evaluate(TYPE_AND_ENTER, "item 25")
    expect(stocked.page.locator(".item-panel-title")).to_have_text("Item 25")


def test_the_rows_are_walked_through_and_the_focus_stays_with_its_item(stocked: Dashboard) -> None:
    keys = stocked.page.keyboard
    button = ".stock-row-edit"
    stocked.page.get_by_label("Order").select_option("Most in stock first")
    stocked.row("Item 30").locator(button).focus()
    for key, name in (("ArrowDown", "29"), ("PageDown", "19"), ("End", "1"), ("ArrowUp", "2"), ("Home", "30")):
        keys.press(key)
        expect(stocked.row(f"Item {name}").locator(button)).to_be_focused()
    keys.press("ArrowDown")
    stocked.sql("UPDATE inventory SET quantity = 500 WHERE name = 'Item 20'")
    stocked.shows("Item 20", 500)
    expect(stocked.row("Item 29").locator(button)).to_be_focused()
    expect(stocked.row("Item 29")).to_have_attribute("aria-rowindex", "3")
    expect(stocked.row("Item 20")).to_have_attribute("aria-rowindex", "12")
    stocked.page.get_by_role("button", name="1 changed: update order").press("Enter")
    expect(stocked.row("Item 20")).to_have_attribute("aria-rowindex", "2")
    expect(stocked.row("Item 29")).to_have_attribute("aria-rowindex", "4")
    expect(stocked.page.get_by_role("heading", name="Stock")).to_be_focused()


def test_the_focused_row_is_never_under_the_heads_of_the_columns(stocked: Dashboard) -> None:
    keys = stocked.page.keyboard
    stocked.row("Item 1").locator(".stock-row-name").focus()
    for key in ("End", *["ArrowUp"] * 29, "End", "PageUp", "PageUp", "Home"):
        keys.press(key)
        row = stocked.page.locator(".stock-row:focus-within")
        assert row.evaluate(IS_IN_VIEW), key
    expect(stocked.row("Item 1").locator(".stock-row-name")).to_be_focused()


def test_the_controls_of_a_row_are_reached_sideways_and_tab_leaves_the_list(stocked: Dashboard) -> None:
    row, keys = stocked.row("Item 3"), stocked.page.keyboard
    name, select, edit = (row.locator(f".stock-row-{control}") for control in ("name", "select", "edit"))
    name.focus()
    for key, control in (("ArrowLeft", select), ("ArrowLeft", select), ("ArrowRight", name), ("ArrowRight", edit)):
        keys.press(key)
        expect(control).to_be_focused()
    keys.press("Tab")
    expect(stocked.page.locator(".stock-row :focus")).to_have_count(0)
    keys.press("Shift+Tab")
    expect(name).to_be_focused()
    keys.press("Space")
    expect(stocked.page.locator(".item-panel-title")).to_have_text("Item 3")


def test_an_import_from_the_keyboard(stocked: Dashboard) -> None:
    page, keys = stocked.page, stocked.page.keyboard
    page.on("filechooser", lambda _: None)  # `expect_file_chooser` alone starts intercepting too late
    tab_to(stocked, page.locator(".person"))
    keys.press("Enter")
    tab_to(stocked, page.get_by_role("button", name="Import", exact=True))
    keys.press("Enter")
    view = page.locator(".import")
    expect(view.get_by_role("heading", name="Import")).to_be_focused()
    box = view.get_by_label("Choose a file")
    tab_to(stocked, box)
    with page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files({"name": "s.csv", "mimeType": "text/csv", "buffer": b"name,quantity\nBolts,12\n"})
    expect(view.get_by_role("heading", name="What the columns are")).to_be_focused()
    tab_to(stocked, view.locator(".import-send"))
    keys.press("Enter")
    stocked.shows("Bolts", 12)
