"""Search, filters and order, how the URL stores them, and how the list is held while somebody uses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator

    from tests.browser.watched import Watch
    from tests.stack import Stack

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
TABLET: dict[str, Any] = {**PHONE, "viewport": {"width": 768, "height": 1024}}
THUMB_PX = 44  # least width and height of what a thumb hits


@pytest.fixture
def paints(dashboard: Dashboard) -> Dashboard:
    stock = ["('Paint 10', 5)", "('Paint 9', 7)", "('Änderungspaint', 1)", "('Brush', 9)"]
    for item in stock:
        dashboard.sql(f"INSERT INTO inventory (name, quantity) VALUES {item}")
    return dashboard.open()


def names(dashboard: Dashboard) -> list[str]:
    return [item.name for item in dashboard.items()]


ORDERS = {
    "Newest change first": ["Brush", "Änderungspaint", "Paint 9", "Paint 10"],
    "Oldest change first": ["Paint 10", "Paint 9", "Änderungspaint", "Brush"],
    "Name, A to Z": ["Änderungspaint", "Brush", "Paint 9", "Paint 10"],
    "Name, Z to A": ["Paint 10", "Paint 9", "Brush", "Änderungspaint"],
    "Least in stock first": ["Änderungspaint", "Paint 10", "Paint 9", "Brush"],
    "Most in stock first": ["Brush", "Paint 9", "Paint 10", "Änderungspaint"],
}


def test_the_stock_is_shown_in_each_order(paints: Dashboard) -> None:
    for label, order in ORDERS.items():
        paints.page.get_by_label("Order").select_option(label)
        paints.next_frame()
        paints.next_frame()
        assert names(paints) == order, label


def test_search_and_order_are_in_the_address_and_survive_a_reload(paints: Dashboard) -> None:
    page = paints.page
    page.get_by_label("Order").select_option("Name, Z to A")
    paints.search("paint 1")
    expect(page).to_have_url(re.compile(r"\?q=paint\+1&sort=-name$"))
    page.reload()
    paints.is_now("Live")
    expect(page.get_by_label("Search or scan")).to_have_value("paint 1")
    assert names(paints) == ["Paint 10"]
    page.get_by_label("Search or scan").press("Escape")
    expect(page).to_have_url(re.compile(r"/\?sort=-name$"))
    expect(chip(paints, "All")).to_have_text("All 4")
    page.get_by_label("Order").select_option("Name, A to Z")
    expect(page).to_have_url(re.compile(r"/$"))


def chip(dashboard: Dashboard, name: str) -> Locator:
    return dashboard.page.get_by_role("group", name="Show", exact=True).get_by_role("button", name=name)


def test_each_filter_has_a_count_and_is_in_the_address(paints: Dashboard) -> None:
    page = paints.page
    expect(chip(paints, "Low")).to_be_hidden()
    paints.sql("UPDATE inventory SET minimum = 6 WHERE name LIKE 'Paint%'")
    paints.sql("UPDATE inventory SET quantity = 0 WHERE name = 'Brush'")
    expect(page.locator(".chip")).to_have_text(["All 4", "Low 1", "Out 1", "Changed today 4"])
    for name, address, found in (("Low", "low", ["Paint 10"]), ("Out", "out", ["Brush"])):
        chip(paints, name).click()
        expect(page.locator(".stock-row-name")).to_have_text(found)
        expect(chip(paints, name)).to_have_attribute("aria-pressed", "true")
        expect(page).to_have_url(re.compile(rf"\?show={address}$"))
    page.reload()
    paints.shows("Brush", 0)
    assert names(paints) == ["Brush"]
    chip(paints, "Out").click()
    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.locator(".stock-row")).to_have_count(4)
    page.goto(f"{paints.stack.api_url}/?low=1")
    expect(page.locator(".stock-row-name")).to_have_text(["Paint 10"])
    expect(chip(paints, "Low")).to_have_attribute("aria-pressed", "true")


def test_a_list_under_the_pointer_is_held_until_it_is_left(paints: Dashboard) -> None:
    page = paints.page
    page.get_by_label("Order").select_option("Newest change first")
    expect(page.locator(".stock-row-name")).to_have_text(["Brush", "Änderungspaint", "Paint 9", "Paint 10"])
    paints.row("Paint 9").hover()
    paints.sql("UPDATE inventory SET quantity = 50 WHERE name = 'Paint 10'")
    paints.shows("Paint 10", 50)
    waiting = page.locator(".stock-list-waiting")
    expect(waiting).to_have_text("1 changed: update order")
    paints.sql("INSERT INTO inventory (name, quantity) VALUES ('Roller', 1)")
    expect(waiting).to_have_text("2 changed: update order")
    paints.sql("DELETE FROM inventory WHERE name = 'Brush'")
    expect(paints.row("Brush")).to_have_class(re.compile("is-gone"))
    expect(waiting).to_have_text("3 changed: update order")
    assert names(paints) == ["Brush", "Änderungspaint", "Paint 9", "Paint 10"]
    page.mouse.move(0, 0)
    expect(page.locator(".stock-row-name")).to_have_text(["Roller", "Paint 10", "Änderungspaint", "Paint 9"])
    expect(waiting).to_be_hidden()


def test_a_list_with_the_focus_is_held_until_its_order_is_updated(paints: Dashboard) -> None:
    page = paints.page
    paints.row("Brush").locator(".stock-row-name").focus()
    paints.sql("INSERT INTO inventory (name, quantity) VALUES ('Adhesive', 1)")
    page.get_by_role("button", name="1 changed: update order").click()
    expect(page.locator(".stock-row-name")).to_have_text(["Adhesive", "Änderungspaint", "Brush", "Paint 9", "Paint 10"])
    paints.row("Brush").locator(".stock-row-name").focus()
    paints.sql("INSERT INTO inventory (name, quantity) VALUES ('Brace', 1)")
    expect(page.locator(".stock-list-waiting")).to_be_visible()
    paints.search("br")
    expect(page.locator(".stock-row-name")).to_have_text(["Brace", "Brush"])


def test_a_touched_list_is_held_for_a_while(browser: Browser, steady_stack: Stack, watch: Watch) -> None:
    steady_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 5), ('Nuts', 12)")
    with browser.new_context(**PHONE) as context:
        page = context.new_page()
        watch.listen_to(page)
        phone = Dashboard(page, steady_stack)
        page.clock.install()
        phone.open().shows("Nuts", 12)
        phone.row("Nuts").tap()
        panel = page.locator(".item-panel")
        expect(panel.locator(".item-panel-title")).to_have_text("Nuts")
        panel.get_by_role("button", name="Close").tap()
        phone.leave_list()
        steady_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Axles', 1)")
        expect(page.get_by_role("button", name="1 changed: update order")).to_be_visible()
        assert [item.name for item in phone.items()] == ["Bolts", "Nuts"]
        page.clock.fast_forward(20_000)
        expect(page.locator(".stock-row-name")).to_have_text(["Axles", "Bolts", "Nuts"])


def test_another_search_begins_at_the_top_with_nothing_selected(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 200) n")
    dashboard.open()
    dashboard.row("Item 3").locator(".stock-row-select").check()
    dashboard.row("Item 3").locator(".stock-row-name").press("End")
    expect(dashboard.row("Item 200").locator(".stock-row-name")).to_be_focused()
    dashboard.search("item")
    expect(dashboard.row("Item 1")).to_be_in_viewport()
    assert dashboard.page.evaluate("scrollY") == 0
    expect(dashboard.page.locator(".selection")).to_be_hidden()
    assert [item.name for item in dashboard.items()][:3] == ["Item 1", "Item 2", "Item 3"]


@pytest.fixture
def touched(browser: Browser, steady_stack: Stack, watch: Watch, device: dict[str, Any]) -> Iterator[Dashboard]:
    """The page on a device with a touch screen."""
    steady_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 5), ('Nuts', 12), ('Washers', 7)")
    with browser.new_context(**device) as context:
        page = context.new_page()
        watch.listen_to(page)
        dashboard = Dashboard(page, steady_stack).open()
        dashboard.shows("Washers", 7)
        yield dashboard


def assert_fits_a_thumb(target: Locator) -> None:
    box = target.bounding_box()
    assert box
    assert box["width"] >= THUMB_PX
    assert box["height"] >= THUMB_PX


@pytest.mark.parametrize("device", [TABLET], ids=["tablet"])
def test_on_a_tablet_rows_have_checkboxes(touched: Dashboard) -> None:
    page = touched.page
    expect(page.get_by_role("button", name="Select", exact=True)).to_be_hidden()
    check = touched.row("Bolts").locator(".stock-row-check")
    assert_fits_a_thumb(check)
    check.tap(position={"x": 5, "y": 5})
    touched.row("Nuts").get_by_label("Select Nuts").tap()
    expect(page.locator(".selection-count")).to_have_text("2 selected: Bolts, Nuts")
    expect(page.locator(".item-panel")).to_be_hidden()
    check_accessibility(page, "select-tablet")
    for button in page.locator(".selection .button:visible").all():
        assert_fits_a_thumb(button)
    check.tap(position={"x": 5, "y": 5})
    expect(page.locator(".selection-count")).to_have_text("Nuts selected")
    touched.row("Bolts").locator(".stock-row-name").tap()
    expect(page.locator(".item-panel-title")).to_have_text("Bolts")


@pytest.mark.parametrize("device", [PHONE], ids=["phone"])
def test_on_a_phone_items_are_selected_with_taps_on_their_rows_until_that_is_ended(touched: Dashboard) -> None:
    page = touched.page
    select = page.get_by_role("button", name="Select", exact=True)
    boxes = page.locator(".stock-row-select:visible")
    expect(boxes).to_have_count(0)
    assert_fits_a_thumb(select)
    select.tap()
    expect(select).to_have_attribute("aria-pressed", "true")
    expect(boxes).to_have_count(3)
    for name in ("Bolts", "Washers"):
        touched.row(name).locator(".stock-row-name").tap()
    touched.row("Nuts").locator(".stock-row-check").tap()
    expect(page.locator(".selection-count")).to_have_text("3 selected: Bolts, Washers, Nuts")
    touched.row("Nuts").locator(".stock-row-quantity").tap()
    expect(page.locator(".selection-count")).to_have_text("2 selected: Bolts, Washers")
    check_accessibility(page, "select-phone")
    for button in page.locator(".selection .button:visible").all():
        assert_fits_a_thumb(button)
    page.locator(".selection").get_by_role("button", name="Clear").tap()
    expect(boxes).to_have_count(0)
    select.tap()
    touched.row("Nuts").tap()
    expect(page.locator(".selection-count")).to_have_text("Nuts selected")
    select.tap()
    expect(page.locator(".selection")).to_be_hidden()
    select.tap()
    touched.row("Nuts").tap()
    page.locator(".selection").get_by_role("button", name="Pick").tap()
    expect(page.locator(".booking-line-name")).to_have_text(["Nuts"])
    page.locator(".rail").get_by_role("button", name="Stock").tap()
    expect(boxes).to_have_count(0)
    touched.row("Nuts").locator(".stock-row-name").tap()
    expect(page.locator(".item-panel-title")).to_have_text("Nuts")


def test_the_grid_claims_no_columns_that_are_not_shown(paints: Dashboard) -> None:
    """Without a number, a screen reader counts the cells."""
    assert paints.page.get_by_role("grid").get_attribute("aria-colcount") is None


def test_a_draft_is_shown_again_unless_another_item_is_added(paints: Dashboard) -> None:
    page = paints.page
    dialog = paints.open_add()
    dialog.get_by_text("More fields").click()
    values = {"Name": "Roller", "Quantity": "12", "Code": "R-1"}
    for label, value in values.items():
        dialog.get_by_label(label, exact=True).fill(value)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    paints.open_add()
    for label, value in values.items():
        expect(dialog.get_by_label(label, exact=True)).to_be_visible()
        expect(dialog.get_by_label(label, exact=True)).to_have_value(value)
    page.keyboard.press("Escape")
    paints.search("Sponge")
    page.get_by_role("button", name="Add Sponge").click()
    for label, value in {"Name": "Sponge", "Quantity": "", "Code": ""}.items():
        expect(dialog.get_by_label(label, exact=True)).to_have_value(value)
