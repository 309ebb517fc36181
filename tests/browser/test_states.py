"""Accessibility of every state of the page, light and dark. SCREENSHOTS=<folder> saves a screenshot of each."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.dashboard import NOT_A_CHANGE, Dashboard
from tests.browser.under_fire import fire

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.cable import CabledStack
    from tests.browser.watched import Watch

FOLDER = os.environ.get("SCREENSHOTS")
# Waits until the page is rendered and all finite animations have ended.
SETTLED = """async () => {
    for (let turn = 0; turn < 2; turn += 1) await new Promise(requestAnimationFrame);
    const isPassing = ({ effect }) => effect.getComputedTiming().iterations !== Infinity;
    for (let moving; (moving = document.getAnimations().filter(isPassing)).length; ) {
        await Promise.allSettled(moving.map(({ finished }) => finished));
    }
}"""
NAMES = ["M4 bolt", "Pallet jack", "Blue paint, 5 l", "Cable tie", "Work gloves", "خوذة أمان", "Safety helmet, yellow"]


@pytest.fixture
def stocked(dashboard: Dashboard) -> Dashboard:
    """The page with a stock that has some history."""
    stock = ", ".join(f"('{name}', {(index * 137) % 90 + 3}, 'C-{index}')" for index, name in enumerate(NAMES))
    dashboard.sql(f"INSERT INTO inventory (name, quantity, code) VALUES {stock}")
    dashboard.sql("UPDATE inventory SET unit = 'pcs', minimum = 500 WHERE name IN ('Work gloves', 'Cable tie')")
    for turn in (7, 4, 11):
        dashboard.sql(f"UPDATE inventory SET quantity = (quantity * {turn} + id) % 120 + 1 WHERE id % 2 = 0")
    dashboard.sql("UPDATE inventory SET quantity = 0 WHERE name = 'Pallet jack'")
    return dashboard.open()


def check_accessibility(page: Page, name: str) -> None:
    """Check that axe finds no violation and nothing overflows, light and dark. Saves screenshots if requested."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLED)
        if FOLDER:
            Path(FOLDER).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(FOLDER) / f"{name}-{scheme}.png")
        found = Axe().run(page).response["violations"]
        assert [_describe(violation) for violation in found] == [], f"{name}, {scheme}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name}, {scheme}: too wide"


def _describe(violation: dict[str, Any]) -> tuple[str, list[str]]:
    return violation["id"], [f"{node['target']}: {node['failureSummary']}" for node in violation["nodes"]]


def test_empty(dashboard: Dashboard) -> None:
    dashboard.open()
    expect(dashboard.page.get_by_text("Nothing in stock yet")).to_be_visible()
    check_accessibility(dashboard.page, "empty")
    dashboard.page.get_by_role("button", name="Add the first item").click()
    expect(dashboard.page.get_by_label("Name", exact=True)).to_be_focused()


def test_live(stocked: Dashboard) -> None:
    expect(stocked.row("M4 bolt").locator(".stock-row-today")).to_have_text("new")
    check_accessibility(stocked.page, "live")
    stocked.page.locator('.chip[data-shows="low"]').click()
    expect(stocked.page.locator(".stock-row")).to_have_count(2)
    check_accessibility(stocked.page, "low")


def test_edited_selected_and_deleted(stocked: Dashboard) -> None:
    page = stocked.page
    stocked.row("M4 bolt").locator(".stock-row-select").check()
    stocked.row("Work gloves").locator(".stock-row-select").check()
    stocked.delete("Cable tie")
    stocked.says("Cable tie was deleted.")
    stocked.edit("Pallet jack", "many")
    expect(page.get_by_text(NOT_A_CHANGE)).to_be_visible()
    check_accessibility(page, "edited")
    page.keyboard.press("Escape")
    page.locator(".selection").get_by_role("button", name="Delete").click()
    check_accessibility(page, "bulk-delete")


def test_held(stocked: Dashboard) -> None:
    stocked.row("M4 bolt").locator(".stock-row-name").focus()
    stocked.sql("INSERT INTO inventory (name, quantity) VALUES ('Anvil', 1)")
    stocked.sql("DELETE FROM inventory WHERE name = 'Cable tie'")
    expect(stocked.page.get_by_role("button", name="2 changed: update order")).to_be_visible()
    check_accessibility(stocked.page, "held")


def test_add(stocked: Dashboard) -> None:
    stocked.add("Hand truck", "many")
    dialog = stocked.page.locator(".add-dialog")
    dialog.get_by_label("Name", exact=True).fill("M4 bolt")
    expect(dialog.get_by_text("M4 bolt is in stock already")).to_be_visible()
    dialog.get_by_text("More fields").click()
    check_accessibility(stocked.page, "add")


def test_conflict(stocked: Dashboard, watch: Watch) -> None:
    watch.expect("status of 412")
    box = stocked.start_edit("M4 bolt")
    stocked.sql("UPDATE inventory SET quantity = 90 WHERE name = 'M4 bolt'")
    expect(box).to_have_accessible_description("Now 90")
    check_accessibility(stocked.page, "edited-by-others")
    box.fill("70")
    box.press("Enter")
    expect(stocked.page.get_by_role("dialog", name="M4 bolt has changed")).to_be_visible()
    check_accessibility(stocked.page, "conflict")


def test_busy(stocked: Dashboard) -> None:
    stocked.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 9993) n")
    with fire(stocked.stack, 2):
        expect(stocked.page.locator(".activity")).to_contain_text("items changed")
    expect(stocked.page.locator('.chip[data-shows="all"]')).to_have_text("All 10,000")
    check_accessibility(stocked.page, "busy")


def test_panel(stocked: Dashboard) -> None:
    panel = stocked.open_fields("Pallet jack")
    expect(panel.get_by_role("img")).to_be_visible()
    check_accessibility(stocked.page, "panel")
    panel.get_by_label("Amount").fill("many")
    panel.get_by_role("button", name="Set").click()
    panel.get_by_label("More actions").click()
    expect(panel.get_by_role("button", name="Delete")).to_be_visible()
    check_accessibility(stocked.page, "panel-error")
    panel.get_by_role("button", name="Delete").click()
    expect(panel.get_by_role("button", name="Restore")).to_be_visible()
    expect(panel.get_by_role("heading", name="Pallet jack")).to_be_focused()
    check_accessibility(stocked.page, "panel-deleted")


def test_menu(stocked: Dashboard) -> None:
    stocked.search("bolt")
    menu = stocked.open_menu()
    expect(menu.get_by_role("link", name="Export what is shown: 1 item")).to_be_visible()
    check_accessibility(stocked.page, "menu")


def test_deleted_items(stocked: Dashboard) -> None:
    stocked.sql("DELETE FROM inventory WHERE name IN ('M4 bolt', 'Work gloves')")
    stocked.open_menu().get_by_role("button", name="Deleted items").click()
    expect(stocked.page.locator(".deleted-item-name").first).to_have_text("Work gloves")
    check_accessibility(stocked.page, "deleted")


def test_keyboard(stocked: Dashboard) -> None:
    stocked.page.keyboard.press("?")
    expect(stocked.page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    check_accessibility(stocked.page, "keyboard")


def test_unmatched(stocked: Dashboard) -> None:
    stocked.search("no such thing")
    expect(stocked.page.get_by_text("Nothing is called no such thing")).to_be_visible()
    check_accessibility(stocked.page, "unmatched")


def test_phone(stocked: Dashboard) -> None:
    page = stocked.page
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.locator(".stock-list")).to_have_class(re.compile("is-stacked"))
    check_accessibility(page, "phone")
    page.locator(".stock-row-edit").nth(2).click()
    panel = page.locator(".item-panel")
    expect(panel.get_by_role("img")).to_be_visible()
    check_accessibility(page, "phone-panel")
    panel.get_by_role("button", name="Take").click()
    expect(page.locator(".notice")).to_contain_text("took 1")
    check_accessibility(page, "phone-taken")
    page.keyboard.press("Escape")
    page.locator(".stock-row-name").first.press("e")
    expect(page.locator(".quantity-edit-input")).to_be_focused()
    check_accessibility(page, "phone-edited")
    page.keyboard.press("Escape")
    stocked.open_add()
    check_accessibility(page, "phone-add")
    page.keyboard.press("Escape")
    stocked.open_menu()
    check_accessibility(page, "phone-menu")


@pytest.mark.parametrize("width", [390, 768])
def test_the_head_of_an_item_stays_while_its_panel_scrolls(stocked: Dashboard, width: int) -> None:
    page = stocked.page
    page.set_viewport_size({"width": width, "height": 480})
    panel = stocked.open_fields("Work gloves")
    panel.evaluate("panel => panel.scrollTo(0, panel.scrollHeight)")
    expect(panel.locator(".history-entry").last).to_be_in_viewport()
    expect(panel.get_by_role("heading", name="Work gloves")).to_be_in_viewport(ratio=1)
    panel.get_by_label("Close").click()
    expect(panel).to_be_hidden()


@pytest.mark.parametrize("width", [360, 768])
def test_filters_and_order_are_in_view_on_small_screens(stocked: Dashboard, width: int) -> None:
    stocked.page.set_viewport_size({"width": width, "height": 740})
    stocked.page.locator('.chip[data-shows="low"]').click()
    for control in stocked.page.locator(".stock-list-filters > :not([hidden])").all():
        if control.is_visible():
            expect(control).to_be_in_viewport(ratio=1)


def test_tablet(stocked: Dashboard) -> None:
    page = stocked.page
    page.set_viewport_size({"width": 800, "height": 1100})
    check_accessibility(page, "tablet")
    panel = stocked.open_item("Work gloves")
    expect(panel.get_by_role("img")).to_be_visible()
    check_accessibility(page, "tablet-panel")


def test_small_and_zoomed(stocked: Dashboard) -> None:
    """The width of 320 pixels is that of a screen of 1280 pixels at 400 %."""
    page = stocked.page
    page.set_viewport_size({"width": 320, "height": 480})
    check_accessibility(page, "small")
    panel = stocked.open_item("Safety helmet, yellow")
    expect(panel.get_by_role("img")).to_be_visible()
    check_accessibility(page, "small-panel")


def test_wall(stocked: Dashboard) -> None:
    stocked.page.set_viewport_size({"width": 2560, "height": 1440})
    check_accessibility(stocked.page, "wall")
    assert stocked.page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 20


def test_reconnecting_and_offline(cabled_stack: CabledStack, page: Page, watch: Watch) -> None:
    watch.expect("net::ERR|Failed to load resource")
    cabled_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    dashboard = Dashboard(page, cabled_stack).open()
    dashboard.shows("Bolts", 12)
    cabled_stack.cut()
    dashboard.is_now("Reconnecting")
    check_accessibility(page, "reconnecting")
    page.context.set_offline(True)
    dashboard.is_now("Offline")
    check_accessibility(page, "offline")


def test_stale(cabled_stack: CabledStack, page: Page) -> None:
    dashboard = Dashboard(page, cabled_stack).open()
    dashboard.wait_for_heartbeat_interval()
    cabled_stack.hold()
    dashboard.is_now("Stale")
    check_accessibility(page, "stale")
