"""Receiving, picking, counting and moving: lists that are booked as a whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard
from tests.browser.people import open_as
from tests.browser.places import ONE_PLACE, RESTART_IDS, STOCK, STOCK_OF_VAN, grant
from tests.browser.tasks import FIND, add_line, amounts, find, lines, matches, open_task, quantities, save
from tests.browser.test_keyboard import TYPING_MS, tab_to
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.watched import Watch
    from tests.stack import Stack

WIDTHS = pytest.mark.parametrize("width", [360, 1280])
READ_NEWS = """async () => {
    const { store } = await import(document.querySelector("[type=module]").src);
    return [...store.state.news.values()].map(({ quantity }) => quantity);
}"""
TYPE_AND_ENTER = """(input, text) => {
    input.value = text;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
}"""

LINES_OF_THE_LAST_MOVEMENT = """
    SELECT count(*), min(reason) FROM inventory_history WHERE movement = (SELECT max(id) FROM movement)
"""


@WIDTHS
def test_a_delivery_is_received_and_undone(stocked: Dashboard, width: int) -> None:
    page = stocked.page
    page.set_viewport_size({"width": width, "height": 800})
    view = open_task(page, "Receive")
    expect(view.get_by_label("Reason").locator("option")).to_have_text(["Received", "Returned", "Corrected"])
    expect(save(view)).to_have_attribute("aria-disabled", "true")
    check_accessibility(page, f"receive-empty-{width}")
    view.get_by_label("Note").fill("Delivery note 4711")
    add_line(view, "Bolts", "12")
    add_line(view, "Rope", "1")
    find(view, "n-2")
    expect(matches(view)).to_have_text([re.compile("Nuts")])
    check_accessibility(page, f"receive-search-{width}")
    view.get_by_label(FIND).press("Enter")
    expect(view.get_by_label("Amount of Nuts")).to_be_focused()
    view.get_by_label("Amount of Nuts").fill("3")
    expect(view.locator(".booking-line-stock")).to_have_text(["40 → 52", "3 → 4 m", "12 → 15 pcs"])
    stocked.stack.sql("UPDATE inventory SET quantity = 39 WHERE name = 'Bolts'")
    expect(view.locator(".booking-line-stock").first).to_have_text("39 → 51")
    expect(lines(view).first).to_contain_text("Changed since: it was 40, it is 39 now.")
    check_accessibility(page, f"receive-lines-{width}")
    view.get_by_role("button", name="Remove Rope").click()
    expect(save(view)).to_have_text("Book 2 lines")
    save(view).click()
    stocked.says("2 items were received.")
    expect(lines(view)).to_have_count(0)
    assert not {51, 15} & set(page.evaluate(READ_NEWS)), "the own booking is no news"
    stocked.notice("2 items were received.").get_by_role("button", name="Undo").click()
    stocked.says("The booking was undone.")
    page.locator('.rail [data-view="stock"]').click()
    stocked.shows("Bolts", 39)
    stocked.shows("Nuts", 12)
    stocked.equals_the_table()
    why = stocked.open_item("Bolts").locator(".history-entry-why")
    expect(why.last).to_have_text("Received: Delivery note 4711")
    check_accessibility(page, f"receive-history-{width}")


def test_an_undo_that_is_not_possible_says_why(stocked: Dashboard, watch: Watch) -> None:
    watch.expect("status of 409")
    view = open_task(stocked.page, "Receive")
    add_line(view, "Bolts", "12")
    save(view).click()
    stocked.says("Bolts was received.")
    stocked.sql("UPDATE inventory SET quantity = 7 WHERE name = 'Bolts'")
    save(view).focus()
    stocked.page.keyboard.press("u")
    stocked.says("The booking was not undone: Bolts has 7 now.")
    stocked.page.keyboard.press("s")
    stocked.equals_the_table()


def test_a_list_from_the_keyboard_alone(stocked: Dashboard) -> None:
    page, keys = stocked.page, stocked.page.keyboard
    view = page.locator("section.booking")
    keys.press("p")
    expect(view.get_by_label(FIND)).to_be_focused()
    keys.press("Shift+Tab")
    expect(view.get_by_label("Note")).to_be_focused()
    keys.type("Order 12", delay=TYPING_MS)
    keys.press("Shift+Tab")
    expect(view.get_by_label("Reason")).to_be_focused()
    keys.type("So", delay=TYPING_MS)
    expect(view.get_by_label("Reason")).to_have_value("sold")
    tab_to(stocked, view.get_by_label(FIND))
    for name, amount in (("Bolt", "4"), ("Nut", "2")):
        keys.type(name, delay=TYPING_MS)
        keys.press("Enter")
        expect(view.get_by_label(f"Amount of {name}")).to_be_focused()
        keys.type(amount, delay=TYPING_MS)
        keys.press("Enter")
        expect(view.get_by_label(FIND)).to_be_focused()
    keys.press("Control+Enter")
    stocked.says("2 items were picked.")
    keys.press("Tab")
    keys.press("s")
    stocked.shows("Bolts", 36)
    stocked.shows("Nuts", 10)
    keys.press("u")
    stocked.shows("Bolts", 40)
    stocked.shows("Nuts", 12)
    stocked.equals_the_table()


def test_enter_adds_what_was_typed_even_if_the_last_key_is_not_drawn_yet(stocked: Dashboard) -> None:
    view = open_task(stocked.page, "Pick")
    find(view, "bolts")
    expect(matches(view).first).to_contain_text("Bolts")
    view.get_by_label(FIND).evaluate(TYPE_AND_ENTER, "nuts")
    expect(lines(view)).to_have_count(1)
    expect(lines(view)).to_contain_text("Nuts")


def test_the_arrow_keys_choose_among_the_matches(store_and_van: Dashboard) -> None:
    page = store_and_van.page
    view = open_task(page, "Pick")
    page.keyboard.type("bolts", delay=TYPING_MS)
    expect(matches(view)).to_have_count(2)
    box = view.get_by_label(FIND)
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(matches(view).nth(1)).to_have_attribute("aria-selected", "true")
    active = box.get_attribute("aria-activedescendant")
    assert matches(view).nth(1).get_attribute("id") == active
    page.keyboard.press("Enter")
    expect(view.get_by_label("Amount of Bolts at Van")).to_be_focused()


@WIDTHS
def test_a_shortage_is_picked_as_far_as_possible_and_noted(stocked: Dashboard, width: int) -> None:
    page = stocked.page
    page.set_viewport_size({"width": width, "height": 800})
    view = open_task(page, "Pick")
    add_line(view, "Rope", "5")
    expect(view.locator(".booking-line-stock")).to_have_text("3 → 0 m")
    expect(lines(view)).to_contain_text("3 there, 2 short")
    check_accessibility(page, f"pick-short-{width}")
    save(view).click()
    stocked.says("was picked.")
    assert stocked.sql("SELECT quantity FROM inventory WHERE name LIKE 'Rope%'") == [("0",)]
    note = stocked.sql("SELECT note FROM movement ORDER BY id DESC LIMIT 1")
    assert note == [("2 short of Rope with a rather long name, for towing",)]


@WIDTHS
def test_a_wrong_amount_is_named_and_nothing_typed_is_lost(stocked: Dashboard, width: int) -> None:
    page = stocked.page
    page.set_viewport_size({"width": width, "height": 800})
    view = open_task(page, "Pick")
    view.get_by_label("Note").fill("Order 12")
    add_line(view, "Bolts", "4")
    add_line(view, "Nuts", "none")
    save(view).click()
    expect(lines(view).nth(1)).to_contain_text("Enter a whole number, 1 or more.")
    expect(view.get_by_label("Amount of Nuts")).to_be_focused()
    expect(view.get_by_label("Amount of Nuts")).to_have_attribute("aria-invalid", "true")
    check_accessibility(page, f"pick-wrong-{width}")
    assert quantities(stocked.stack)[0] == ("Bolts", "40")
    page.locator('.rail [data-view="stock"]').click()
    expect(view).to_be_hidden()
    view = open_task(page, "Pick")
    expect(view.get_by_label("Note")).to_have_value("Order 12")
    assert amounts(view) == ["4", "none"]
    view.get_by_label("Amount of Nuts").fill("2")
    save(view).click()
    stocked.says("2 items were picked.")
    assert [quantity for _, quantity in quantities(stocked.stack)] == ["36", "10", "3"]


def test_an_item_that_is_deleted_meanwhile_is_named(stocked: Dashboard) -> None:
    view = open_task(stocked.page, "Receive")
    add_line(view, "Bolts", "4")
    add_line(view, "Nuts", "2")
    stocked.stack.sql("DELETE FROM inventory WHERE name = 'Bolts'")
    expect(lines(view).first).to_contain_text("Deleted")
    save(view).click()
    expect(lines(view).first).to_contain_text("This item was deleted. Remove the line.")
    view.get_by_role("button", name="Remove Bolts").click()
    save(view).click()
    stocked.says("Nuts was received.")
    assert quantities(stocked.stack)[0] == ("Nuts", "14")


def test_selected_items_are_taken_into_a_list(stocked: Dashboard) -> None:
    page = stocked.page
    stocked.row("Bolts").locator(".stock-row-select").check()
    stocked.row("Nuts").locator(".stock-row-select").check()
    page.locator(".selection").get_by_role("button", name="Receive").click()
    view = page.locator("section.booking")
    expect(lines(view)).to_have_count(2)
    expect(page.locator('.rail [data-lines="receive"]')).to_have_text("2")
    page.locator('.rail [data-view="stock"]').click()
    expect(page.locator(".selection")).to_be_hidden()


@WIDTHS
def test_a_location_is_counted_and_what_matches_is_recorded(store_and_van: Dashboard, width: int) -> None:
    page = store_and_van.page
    page.set_viewport_size({"width": width, "height": 800})
    view = open_task(page, "Count")
    expect(view.get_by_text("Choose the location to count")).to_be_visible()
    view.get_by_label("Location").select_option("Main")
    progress = view.locator(".booking-progress")
    expect(progress).to_have_text("0 of 3 counted")
    names = ["Bolts", "Nuts", "Rope with a rather long name, for towing"]
    expect(view.locator(".booking-line-name")).to_have_text(names)
    view.get_by_label("Counted quantity of Bolts").focus()
    for amount in ("40", "10"):
        page.keyboard.type(amount, delay=TYPING_MS)
        page.keyboard.press("Enter")
    expect(view.get_by_label("Counted quantity of Rope")).to_be_focused()
    expect(progress).to_have_text("2 of 3 counted")
    expect(view.locator(".booking-line-stock")).to_have_text(["40 → 40", "12 → 10 pcs (-2)", "3 m"])
    check_accessibility(page, f"count-{width}")
    view.get_by_label("Only differences").check()
    expect(view.locator(".booking-line-name")).to_have_text(["Nuts"])
    check_accessibility(page, f"count-differences-{width}")
    save(view).click()
    store_and_van.says("2 items were counted.")
    counted = store_and_van.sql("SELECT name, quantity FROM inventory WHERE counted_at IS NOT NULL ORDER BY name")
    assert counted == [("Bolts", "40"), ("Nuts", "10")]
    assert store_and_van.sql(LINES_OF_THE_LAST_MOVEMENT) == [("2", "counted")]
    page.locator('.rail [data-view="stock"]').click()
    panel = store_and_van.open_item("Nuts")
    expect(panel.locator(".history-entry").first).to_contain_text("12 → 10")


def test_a_count_does_not_overwrite_what_others_changed_since(stocked: Dashboard, watch: Watch) -> None:
    watch.expect("status of 409")
    view = open_task(stocked.page, "Count")
    box = view.get_by_label("Counted quantity of Bolts")
    box.fill("38")
    stocked.stack.sql("UPDATE inventory SET quantity = 30 WHERE name = 'Bolts'")
    expect(lines(view).first).to_contain_text("Changed since: it was 40, it is 30 now.")
    save(view).click()
    expect(lines(view).first).to_contain_text("It has changed since it was counted: there are 30 now.")
    expect(box).to_be_focused()
    assert quantities(stocked.stack)[0] == ("Bolts", "30")
    save(view).click()
    stocked.says("Bolts was counted.")
    assert quantities(stocked.stack)[0] == ("Bolts", "38")


@WIDTHS
def test_items_are_moved_as_one_movement_and_both_pages_see_it(
    store_and_van: Dashboard, new_page: Callable[[], Page], watch: Watch, width: int
) -> None:
    watch.expect("status of 409")
    page = store_and_van.page
    page.set_viewport_size({"width": width, "height": 800})
    other = Dashboard(new_page(), store_and_van.stack).open()
    view = open_task(page, "Move")
    view.get_by_label("From").select_option("Main")
    add_line(view, "Bolts", "10")
    add_line(view, "Nuts", "2")
    save(view).click()
    expect(view.get_by_text("Choose the location to move to.")).to_be_visible()
    expect(view.get_by_label("To", exact=True)).to_be_focused()
    check_accessibility(page, f"move-{width}")
    view.get_by_label("To", exact=True).select_option("Van")
    save(view).click()
    store_and_van.says("2 items were moved to Van.")
    expected = [("Bolts", "30"), ("Nuts", "10"), ("Rope with a rather long name, for towing", "3")]
    assert quantities(store_and_van.stack) == [*expected, ("Bolts", "15"), ("Nuts", "2"), ("Tarp", "2")]
    assert store_and_van.sql(LINES_OF_THE_LAST_MOVEMENT) == [("4", "moved")]
    other.equals_the_table()
    store_and_van.notice("2 items were moved to Van.").get_by_role("button", name="Undo").click()
    store_and_van.says("The booking was undone.")
    other.equals_the_table()
    assert quantities(store_and_van.stack)[:2] == [("Bolts", "40"), ("Nuts", "12")]


def test_only_what_may_be_changed_can_be_booked(page: Page, accounts: Stack) -> None:
    accounts.sql(ONE_PLACE)
    accounts.sql(RESTART_IDS)
    accounts.sql(STOCK)
    accounts.sql(STOCK_OF_VAN)
    grant(accounts, "bob", {1: "viewer", 2: "editor"})
    dashboard = open_as(page, accounts, "bob")
    dashboard.shows("Tarp", 2)
    view = open_task(page, "Receive")
    expect(page.locator('.rail [data-view="move"]')).to_be_hidden()
    find(view, "b-100")
    expect(matches(view)).to_have_text([re.compile("Van")])
    find(view, "nuts")
    expect(view.get_by_text("No item that you may change has that name or code.")).to_be_visible()
    check_accessibility(page, "booking-rights")
    grant(accounts, "bob", {None: "viewer"})
    expect(view).to_be_hidden()
    page.keyboard.press("r")
    expect(page.locator('.rail [data-view="receive"]')).to_be_hidden()
    expect(view).to_be_hidden()
