"""The history of an item on the page, deleted items and restores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page


@pytest.fixture
def bolts(dashboard: Dashboard) -> Dashboard:
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    return dashboard.open()


def test_an_item_shows_who_changed_it_when_and_how(bolts: Dashboard) -> None:
    menu = bolts.open_menu()
    menu.get_by_label("Your name").fill("Zoë 李")
    menu.get_by_label("Your name").press("Enter")
    menu.get_by_role("button", name="Close").click()
    expect(bolts.page.get_by_role("button", name="You and more: Zoë 李")).to_be_focused()
    bolts.edit("Bolts", 15)
    bolts.shows("Bolts", 15)
    drawer = bolts.open_item("Bolts")
    entries = drawer.locator(".history-entry")
    expect(entries).to_have_count(2)
    expect(entries.nth(0)).to_contain_text("12 → 15")
    expect(entries.nth(0).locator(".history-entry-who")).to_have_text("Zoë 李")
    expect(entries.nth(1)).to_contain_text("Added with 12")
    assert entries.nth(0).locator("time").get_attribute("datetime")
    chart = drawer.get_by_role("img", name="Quantity over time: 12 at first, 15 now; least 12, most 15.")
    expect(chart).to_be_visible()
    expect(chart.locator("circle")).to_have_count(2)


def test_an_open_item_shows_changes_live(bolts: Dashboard) -> None:
    drawer = bolts.open_item("Bolts")
    bolts.sql("UPDATE inventory SET quantity = 13")
    expect(drawer.locator(".history-entry").first).to_contain_text("12 → 13")
    expect(drawer.locator(".item-panel-quantity")).to_have_text("13")
    drawer.get_by_role("button", name="Add").click()
    expect(drawer.locator(".item-panel-quantity")).to_have_text("14")
    bolts.sql("DELETE FROM inventory")
    expect(drawer.locator(".item-panel-quantity")).to_have_text("Deleted")
    expect(drawer.locator(".history-entry").first).to_contain_text("Deleted, with 14 in stock")
    drawer.get_by_role("button", name="Restore").click()
    expect(drawer.locator(".item-panel-quantity")).to_have_text("14")
    bolts.equals_the_table()


def test_an_item_is_renamed_and_its_history_keeps_both_names(bolts: Dashboard) -> None:
    drawer = bolts.open_fields("Bolts")
    drawer.get_by_label("Name").fill("M4 bolts")
    drawer.get_by_role("button", name="Save").click()
    bolts.says("Bolts is now called M4 bolts.")
    expect(drawer.locator(".item-panel-title")).to_have_text("M4 bolts")
    expect(drawer.locator(".history-entry").first).to_contain_text("Renamed from Bolts to M4 bolts")
    bolts.page.keyboard.press("Escape")
    bolts.shows("M4 bolts", 12)
    bolts.equals_the_table()


def test_a_long_history_is_read_in_parts(bolts: Dashboard) -> None:
    bolts.sql("DO $$ BEGIN FOR n IN 1..120 LOOP UPDATE inventory SET quantity = n; COMMIT; END LOOP; END $$")
    bolts.shows("Bolts", 120)
    drawer = bolts.open_item("Bolts")
    expect(drawer.locator(".history-entry")).to_have_count(100)
    drawer.get_by_role("button", name="Show older changes").click()
    expect(drawer.locator(".history-entry")).to_have_count(121)
    expect(drawer.get_by_role("button", name="Show older changes")).to_be_hidden()


def test_an_opened_item_has_a_url_and_back_closes_it(bolts: Dashboard, new_page: Callable[[], Page]) -> None:
    drawer = bolts.open_item("Bolts")
    expect(drawer.locator(".history-entry")).to_have_count(1)
    other = Dashboard(new_page(), bolts.stack)
    other.page.goto(bolts.page.url)
    expect(other.page.locator(".item-panel-title")).to_have_text("Bolts")
    bolts.page.go_back()
    expect(drawer).to_be_hidden()
    bolts.page.go_forward()
    expect(drawer).to_be_visible()


def test_deleted_items_are_listed_and_restored_by_one_click(bolts: Dashboard) -> None:
    bolts.sql("INSERT INTO inventory (name, quantity) VALUES ('Nuts', 7)")
    bolts.sql("DELETE FROM inventory WHERE name = 'Bolts'; DELETE FROM inventory")
    expect(bolts.page.get_by_text("Nothing in stock yet")).to_be_visible()
    bolts.open_menu().get_by_role("button", name="Deleted items").click()
    dialog = bolts.page.get_by_role("dialog", name="Deleted items")
    first = dialog.locator(".deleted-item").first
    expect(first).to_contain_text("7 in stock")
    dialog.get_by_role("button", name="Restore Nuts").first.click()
    bolts.says("Nuts was restored.")
    expect(dialog.locator(".deleted-item").first.locator(".deleted-item-name")).to_have_text("Bolts")
    bolts.page.keyboard.press("Escape")
    bolts.shows("Nuts", 7)
    bolts.equals_the_table()


def test_several_items_are_deleted_after_a_confirmation_and_undone_together(bolts: Dashboard) -> None:
    bolts.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 30) n")
    bolts.search("Item")
    expect(bolts.page.locator('.chip[data-shows="all"]')).to_have_text("All 30")
    bolts.page.get_by_label("Select all that are shown").check()
    bolts.row("Item 1").locator(".stock-row-select").uncheck()
    expect(bolts.page.locator(".selection-count")).to_have_text("29 selected: Item 2, Item 3, Item 4, …")
    remove = bolts.page.locator(".selection").get_by_role("button", name="Delete")
    remove.click()
    dialog = bolts.page.get_by_role("dialog", name="Delete 29 items?")
    names = [*(f"Item {n}" for n in range(2, 10)), "and 21 more"]
    expect(dialog.get_by_role("listitem")).to_have_text(names)
    expect(dialog.get_by_role("button", name="Keep them")).to_be_focused()
    dialog.get_by_role("button", name="Keep them").click()
    expect(bolts.page.locator(".selection-count")).to_have_text("29 selected: Item 2, Item 3, Item 4, …")
    expect(remove).to_be_focused()
    remove.click()
    dialog.get_by_role("button", name="Delete 29 items").click()
    bolts.says("29 items were deleted.")
    expect(bolts.page.locator(".selection")).to_be_hidden()
    expect(bolts.page.get_by_role("heading", name="Stock")).to_be_focused()
    bolts.page.mouse.move(0, 0)
    assert bolts.sql("SELECT count(*) FROM inventory") == [("2",)]
    bolts.equals_the_table()
    bolts.notice("29 items were deleted.").get_by_role("button", name="Undo").click()
    bolts.says("29 items were restored.")
    assert bolts.sql("SELECT count(*) FROM inventory") == [("31",)]
    bolts.equals_the_table()


def test_the_change_since_the_day_began_is_shown_in_each_row(bolts: Dashboard) -> None:
    today = bolts.row("Bolts").locator(".stock-row-today")
    expect(today).to_have_text("new")
    bolts.sql("UPDATE inventory_history SET changed_at = changed_at - interval '2 days'")
    bolts.page.reload()
    bolts.shows("Bolts", 12)
    bolts.sql("UPDATE inventory SET quantity = 1500")
    expect(today).to_have_text("+1,488")
    bolts.edit("Bolts", 10)
    expect(today).to_have_text("-2")
    bolts.edit("Bolts", 12)
    expect(today).to_have_text("")
