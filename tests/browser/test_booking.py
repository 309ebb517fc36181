"""Booking on the page: what was received, sold, counted, moved, and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard
from tests.browser.people import open_as
from tests.browser.places import ONE_PLACE, RESTART_IDS, STOCK, STOCK_OF_VAN, grant
from tests.browser.test_keyboard import TYPING_MS, tab_to
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Locator, Page

    from tests.browser.cable import Cable, CabledStack
    from tests.browser.watched import Watch
    from tests.stack import Stack

WIDTHS = pytest.mark.parametrize("width", [360, 1280])
NETWORK = "net::ERR_|Failed to load resource"
READ_NEWS = """async () => {
    const { store } = await import("/static/scripts/main.js");
    return [...store.state.news.values()].map(({ quantity }) => quantity);
}"""


def open_booking(page: Page) -> Locator:
    page.locator(".stock-tools").get_by_role("button", name="Book").click()
    dialog = page.get_by_role("dialog", name="Book")
    expect(dialog.get_by_label("Add an item")).to_be_focused()
    return dialog


def add_line(dialog: Locator, name: str, amount: str) -> None:
    dialog.get_by_label("Add an item").fill(name)
    dialog.get_by_role("list", name="Matches").get_by_role("button", name=name).first.click()
    expect(dialog.locator(".booking-line-amount").last).to_be_focused()
    dialog.locator(".booking-line-amount").last.fill(amount)


def lines(dialog: Locator) -> Locator:
    return dialog.locator(".booking-line")


def save(dialog: Locator) -> Locator:
    return dialog.locator(".booking-save")


def quantities(stack: Stack) -> list[tuple[str, ...]]:
    return stack.sql("SELECT name, quantity FROM inventory ORDER BY location, name")


@WIDTHS
def test_a_delivery_is_booked_and_undone(stocked: Dashboard, width: int) -> None:
    page = stocked.page
    page.set_viewport_size({"width": width, "height": 800})
    dialog = open_booking(page)
    expect(dialog.get_by_label("Reason").locator("option")).to_have_count(8)
    expect(save(dialog)).to_have_attribute("aria-disabled", "true")
    check_accessibility(page, f"booking-empty-{width}")
    dialog.get_by_label("Note").fill("Delivery note 4711")
    add_line(dialog, "Bolts", "12")
    add_line(dialog, "Rope", "1")
    dialog.get_by_label("Add an item").fill("n-2")
    expect(dialog.get_by_role("list", name="Matches").get_by_role("button")).to_have_text([re.compile("Nuts")])
    check_accessibility(page, f"booking-search-{width}")
    dialog.get_by_label("Add an item").press("Enter")
    expect(dialog.get_by_label("Amount of Nuts")).to_be_focused()
    dialog.get_by_label("Amount of Nuts").fill("3")
    expect(lines(dialog).locator(".booking-line-stock")).to_have_text(["40 → 52", "3 → 4 m", "12 → 15 pcs"])
    stocked.stack.sql("UPDATE inventory SET quantity = 39 WHERE name = 'Bolts'")
    expect(lines(dialog).first.locator(".booking-line-stock")).to_have_text("39 → 51")
    check_accessibility(page, f"booking-lines-{width}")
    dialog.get_by_role("button", name="Remove Rope").click()
    expect(save(dialog)).to_have_text("Book 2 items")
    save(dialog).click()
    stocked.says("2 items received.")
    expect(dialog).to_be_hidden()
    stocked.shows("Bolts", 51)
    stocked.shows("Nuts", 15)
    assert not {51, 15} & set(page.evaluate(READ_NEWS)), "the own booking is no news"
    check_accessibility(page, f"booking-booked-{width}")

    drawer = stocked.open_item("Bolts")
    entry = drawer.locator(".history-entry").first
    expect(entry).to_contain_text("39 → 51")
    expect(entry.locator(".history-entry-why")).to_have_text("Received: Delivery note 4711")
    expect(drawer.locator(".history-entry-why")).to_have_count(1)
    check_accessibility(page, f"booking-history-{width}")
    drawer.get_by_role("button", name="Close").click()
    stocked.notice("2 items received.").get_by_role("button", name="Undo").click()
    stocked.says("The booking was undone.")
    stocked.shows("Bolts", 39)
    stocked.shows("Nuts", 12)
    stocked.equals_the_table()


def test_an_undo_that_is_not_possible_says_why(stocked: Dashboard, watch: Watch) -> None:
    watch.expect("status of 409")
    dialog = open_booking(stocked.page)
    add_line(dialog, "Bolts", "12")
    save(dialog).click()
    stocked.says("Bolts was received.")
    stocked.shows("Bolts", 52)
    stocked.stack.sql("UPDATE inventory SET quantity = 7 WHERE name = 'Bolts'")
    stocked.shows("Bolts", 7)
    stocked.page.keyboard.press("u")
    stocked.says("The booking was not undone: Bolts has 7 now.")
    stocked.equals_the_table()


def test_a_whole_booking_from_the_keyboard_alone(stocked: Dashboard) -> None:
    page, keys = stocked.page, stocked.page.keyboard
    dialog = page.get_by_role("dialog", name="Book")
    keys.press("b")
    expect(dialog.get_by_label("Add an item")).to_be_focused()
    keys.press("Shift+Tab")
    expect(dialog.get_by_label("Note")).to_be_focused()
    keys.type("Order 12", delay=TYPING_MS)
    keys.press("Shift+Tab")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    keys.type("So", delay=TYPING_MS)
    expect(dialog.get_by_label("Reason")).to_have_value("sold")
    tab_to(stocked, dialog.get_by_label("Add an item"))
    keys.type("bolt", delay=TYPING_MS)
    keys.press("Enter")
    expect(dialog.get_by_label("Amount of Bolts")).to_be_focused()
    keys.type("4", delay=TYPING_MS)
    keys.press("Enter")
    expect(dialog.get_by_label("Add an item")).to_be_focused()
    keys.type("nut", delay=TYPING_MS)
    keys.press("Enter")
    expect(dialog.get_by_label("Amount of Nuts")).to_be_focused()
    keys.type("2", delay=TYPING_MS)
    keys.press("Enter")
    expect(dialog.get_by_label("Add an item")).to_be_focused()
    tab_to(stocked, save(dialog))
    keys.press("Enter")
    stocked.says("2 items sold.")
    stocked.shows("Bolts", 36)
    stocked.shows("Nuts", 10)
    keys.press("u")
    stocked.shows("Bolts", 40)
    stocked.shows("Nuts", 12)
    keys.press("b")
    expect(dialog).to_be_visible()
    keys.press("Escape")
    expect(dialog).to_be_hidden()
    stocked.equals_the_table()


@WIDTHS
def test_a_refused_line_says_what_is_in_stock_and_nothing_typed_is_lost(
    stocked: Dashboard, watch: Watch, width: int
) -> None:
    watch.expect("status of 409")
    page = stocked.page
    page.set_viewport_size({"width": width, "height": 800})
    dialog = open_booking(page)
    dialog.get_by_label("Reason").select_option("Sold")
    dialog.get_by_label("Note").fill("Order 12")
    add_line(dialog, "Bolts", "4")
    add_line(dialog, "Nuts", "none")
    add_line(dialog, "Rope", "5")
    expect(lines(dialog).last.locator(".booking-line-stock")).to_have_text("3 → -2 m")
    save(dialog).click()
    expect(lines(dialog).nth(1)).to_contain_text("Enter a whole number, 1 or more.")
    expect(dialog.get_by_label("Amount of Nuts")).to_be_focused()
    dialog.get_by_label("Amount of Nuts").fill("2")
    save(dialog).click()
    expect(lines(dialog).last).to_contain_text("That is more than there is: 3 in stock now.")
    expect(dialog.get_by_label("Amount of Rope")).to_be_focused()
    expect(dialog.get_by_label("Amount of Rope")).to_have_attribute("aria-invalid", "true")
    check_accessibility(page, f"booking-refused-{width}")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert quantities(stocked.stack)[0] == ("Bolts", "40")
    open_booking(page)
    expect(dialog.get_by_label("Note")).to_have_value("Order 12")
    amounts = dialog.locator(".booking-line-amount").evaluate_all("inputs => inputs.map(({ value }) => value)")
    assert amounts == ["4", "2", "5"]
    dialog.get_by_label("Amount of Rope").fill("3")
    save(dialog).click()
    stocked.says("3 items sold.")
    stocked.equals_the_table()
    assert [quantity for _, quantity in quantities(stocked.stack)] == ["36", "10", "0"]


def test_an_item_that_is_deleted_meanwhile_is_named(stocked: Dashboard) -> None:
    dialog = open_booking(stocked.page)
    add_line(dialog, "Bolts", "4")
    add_line(dialog, "Nuts", "2")
    stocked.stack.sql("DELETE FROM inventory WHERE name = 'Bolts'")
    expect(lines(dialog).first).to_contain_text("Deleted")
    save(dialog).click()
    expect(lines(dialog).first).to_contain_text("This item was deleted. Remove the line.")
    dialog.get_by_role("button", name="Remove Bolts").click()
    save(dialog).click()
    stocked.says("Nuts was received.")
    stocked.shows("Nuts", 14)


def test_selected_items_are_counted(stocked: Dashboard) -> None:
    page = stocked.page
    page.get_by_label("Select all that are shown").check()
    page.locator(".selection-book").click()
    dialog = page.get_by_role("dialog", name="Book")
    expect(lines(dialog)).to_have_count(3)
    expect(page.locator(".selection")).to_be_hidden()
    dialog.get_by_label("Reason").select_option("Counted")
    dialog.get_by_label("Counted quantity of Bolts").fill("40")
    dialog.get_by_label("Counted quantity of Nuts").fill("0")
    dialog.get_by_label("Counted quantity of Rope").fill("7")
    save(dialog).click()
    stocked.says("3 items counted.")
    stocked.shows("Nuts", 0)
    stocked.shows("Rope with a rather long name, for towing", 7)
    stocked.equals_the_table()
    dialog = open_booking(page)
    expect(dialog.get_by_label("Reason")).to_have_value("counted")
    add_line(dialog, "Bolts", "40")
    save(dialog).click()
    stocked.says("Nothing was booked: the quantities are what they were.")


def test_a_correction_has_a_sign(stocked: Dashboard) -> None:
    dialog = open_booking(stocked.page)
    dialog.get_by_label("Reason").select_option("Corrected")
    add_line(dialog, "Bolts", "-5")
    add_line(dialog, "Nuts", "+3")
    save(dialog).click()
    stocked.says("2 items corrected.")
    stocked.shows("Bolts", 35)
    stocked.shows("Nuts", 15)


@WIDTHS
def test_items_are_moved_and_both_pages_see_it(
    store_and_van: Dashboard, new_page: Callable[[], Page], watch: Watch, width: int
) -> None:
    watch.expect("status of 409")
    page = store_and_van.page
    page.set_viewport_size({"width": width, "height": 800})
    other = Dashboard(new_page(), store_and_van.stack).open()
    dialog = open_booking(page)
    expect(dialog.get_by_label("To", exact=True)).to_be_hidden()
    dialog.get_by_label("Reason").select_option("Moved")
    dialog.get_by_label("Add an item").fill("bolts")
    dialog.get_by_role("list", name="Matches").get_by_role("button", name=re.compile("Main")).click()
    dialog.get_by_label("Amount of Bolts at Main").fill("10")
    add_line(dialog, "Nuts", "13")
    save(dialog).click()
    expect(dialog.get_by_text("Choose the location to move to.")).to_be_visible()
    expect(dialog.get_by_label("To", exact=True)).to_be_focused()
    check_accessibility(page, f"booking-move-{width}")
    dialog.get_by_label("To", exact=True).select_option("Van")
    save(dialog).click()
    expect(lines(dialog)).to_have_count(1)
    expect(lines(dialog)).to_contain_text("That is more than there is: 12 in stock now.")
    store_and_van.says("Bolts was moved to Van.")
    check_accessibility(page, f"booking-move-refused-{width}")
    dialog.get_by_label("Amount of Nuts").fill("2")
    save(dialog).click()
    store_and_van.says("Nuts was moved to Van.")
    expect(dialog).to_be_hidden()
    expected = [("Bolts", "30"), ("Nuts", "10"), ("Rope with a rather long name, for towing", "3")]
    assert quantities(store_and_van.stack) == [*expected, ("Bolts", "15"), ("Nuts", "2"), ("Tarp", "2")]
    for dashboard in (store_and_van, other):
        dashboard.equals_the_table()
    store_and_van.notice("Nuts was moved to Van.").get_by_role("button", name="Undo").click()
    store_and_van.says("The booking was undone.")
    for dashboard in (store_and_van, other):
        dashboard.shows("Nuts", 12)
        dashboard.equals_the_table()


def test_only_what_may_be_changed_can_be_booked(page: Page, accounts: Stack) -> None:
    accounts.sql(ONE_PLACE)
    accounts.sql(RESTART_IDS)
    accounts.sql(STOCK)
    accounts.sql(STOCK_OF_VAN)
    grant(accounts, "bob", {1: "viewer", 2: "editor"})
    dashboard = open_as(page, accounts, "bob")
    dashboard.shows("Tarp", 2)
    dialog = open_booking(page)
    assert "Moved" not in dialog.get_by_label("Reason").locator("option").all_inner_texts()
    dialog.get_by_label("Add an item").fill("b-100")
    expect(dialog.get_by_role("list", name="Matches").get_by_role("button")).to_have_text([re.compile("Van")])
    dialog.get_by_label("Add an item").fill("nuts")
    expect(dialog.get_by_text("No item that you may change has that name or code.")).to_be_visible()
    check_accessibility(page, "booking-rights")
    grant(accounts, "bob", {None: "viewer"})
    expect(dialog).to_be_hidden()
    page.keyboard.press("b")
    expect(page.locator('[data-opens="book"]')).to_be_hidden()
    expect(dialog).to_be_hidden()


# Lost answers -------------------------------------------------------------------------------------------------------


@pytest.fixture
def cable(cabled_stack: CabledStack) -> Iterator[Cable]:
    cable = cabled_stack.cables["api"]
    yield cable
    cable.loses_answers = False


@pytest.mark.parametrize("reason", ["Received", "Sold"])
def test_a_booking_without_an_answer_is_sent_again_and_made_once(
    page: Page, cabled_stack: CabledStack, cable: Cable, watch: Watch, reason: str
) -> None:
    watch.expect(NETWORK)
    cabled_stack.sql(STOCK)
    dashboard = Dashboard(page, cabled_stack).without_shared_worker().open()
    dialog = open_booking(page)
    dialog.get_by_label("Reason").select_option(reason)
    add_line(dialog, "Bolts", "3")
    cable.loses_answers = True
    save(dialog).click()
    expect(dialog.get_by_role("alert")).to_contain_text("It may have been booked, or not.")
    expect(dialog.get_by_label("Amount of Bolts")).to_be_disabled()
    check_accessibility(page, "booking-unanswered")
    cable.loses_answers = False
    dialog.get_by_role("button", name="Try again").click()
    dashboard.says(f"Bolts was {reason.lower()}.")
    dashboard.shows("Bolts", 43 if reason == "Received" else 37)
    dashboard.equals_the_table()


def test_an_undo_without_an_answer_is_made_once(
    page: Page, cabled_stack: CabledStack, cable: Cable, watch: Watch
) -> None:
    watch.expect(NETWORK)
    cabled_stack.sql(STOCK)
    dashboard = Dashboard(page, cabled_stack).without_shared_worker().open()
    dialog = open_booking(page)
    add_line(dialog, "Bolts", "3")
    save(dialog).click()
    dashboard.shows("Bolts", 43)
    cable.loses_answers = True
    dashboard.notice("Bolts was received.").get_by_role("button", name="Undo").click()
    dashboard.says("The booking may not have been undone.")
    cable.loses_answers = False
    dashboard.notice("The booking may not have been undone.").get_by_role("button", name="Try again").click()
    dashboard.says("The booking was undone.")
    dashboard.shows("Bolts", 40)
    dashboard.equals_the_table()


# Minimums, the order list, twins ------------------------------------------------------------------------------------
