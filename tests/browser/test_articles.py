"""What concerns several items at once: the minimum of many, the order list, and the same article elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.places import low_filter, show_location, shows_rows
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.dashboard import Dashboard

WIDTHS = pytest.mark.parametrize("width", [360, 1280])


def select_all(page: Page, width: int) -> None:
    """Select all items, which needs a wide window, and make the window as wide as this."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_label("Select all that are shown").check()
    page.set_viewport_size({"width": width, "height": 800})


@WIDTHS
def test_the_minimum_of_selected_items_and_the_order_list(store_and_van: Dashboard, width: int) -> None:
    page = store_and_van.page
    order = page.get_by_role("link", name="Order list")
    low = low_filter(page)
    expect(order).to_be_hidden()
    expect(low).to_be_hidden()
    select_all(page, width)
    page.locator(".selection-minimum").click()
    dialog = page.get_by_role("dialog", name="Minimum of 5 items")
    dialog.get_by_label("Minimum").fill("a few")
    dialog.get_by_role("button", name="Set").click()
    expect(dialog.get_by_text("Enter a whole number, 0 or more.")).to_be_visible()
    check_accessibility(page, f"minimum-{width}")
    dialog.get_by_label("Minimum").fill("10")
    dialog.get_by_label("Minimum").press("Enter")
    store_and_van.says("5 items have a minimum of 10 now.")
    expect(low).to_have_text("Low 3")
    low.click()
    expect(page.locator(".selection")).to_be_hidden()
    show_location(page, "Van")
    expect(low).to_have_text("Low 2")
    expect(order).to_be_visible()
    check_accessibility(page, f"minimum-low-{width}")
    with page.expect_download() as download:
        order.click()
    assert len(download.value.path().read_text().splitlines()) == 1 + 2
    store_and_van.equals_the_table()
    show_location(page, "All locations")
    low.click()
    select_all(page, width)
    page.locator(".selection-minimum").click()
    expect(dialog.get_by_label("Minimum")).to_have_value("10")
    dialog.get_by_label("Minimum").fill("")
    dialog.get_by_role("button", name="Set").click()
    store_and_van.says("5 items have no minimum now.")
    expect(low).to_be_hidden()
    assert store_and_van.stack.sql("SELECT DISTINCT minimum FROM inventory") == [("",)]


@WIDTHS
def test_the_same_article_at_other_locations_is_renamed_on_demand(store_and_van: Dashboard, width: int) -> None:
    page = store_and_van.page
    page.set_viewport_size({"width": width, "height": 800})
    panel = store_and_van.open_fields("Nuts")
    panel.get_by_label("Name", exact=True).fill("Hex nuts")
    expect(panel.get_by_text("Rename it at the other")).to_be_hidden()
    page.keyboard.press("Escape")
    show_location(page, "Main")
    shows_rows(store_and_van, 3)
    store_and_van.open_fields("Bolts")
    choice = panel.get_by_label("Rename it at the other locations, too (1)")
    expect(choice).to_be_hidden()
    panel.get_by_label("Name", exact=True).fill("Hex bolts")
    expect(choice).to_be_visible()
    choice.scroll_into_view_if_needed()
    check_accessibility(page, f"twins-{width}")
    choice.check()
    panel.get_by_role("button", name="Save").click()
    expect(panel.locator(".item-panel-title")).to_have_text("Hex bolts")
    expect(choice).to_be_hidden()
    panel.get_by_label("Name", exact=True).fill("Bolts M4")
    panel.get_by_role("button", name="Save").click()
    expect(panel.locator(".item-panel-title")).to_have_text("Bolts M4")
    expect(choice).to_be_hidden()
    store_and_van.equals_the_table()
    names = store_and_van.stack.sql("SELECT name FROM inventory WHERE code = 'B-100' ORDER BY location")
    assert names == [("Bolts M4",), ("Hex bolts",)]
