"""Accessibility of every state of the page, light and dark. SCREENSHOTS=<folder> saves a screenshot of each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard
from tests.browser.test_transfers import choose
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
    stock = ", ".join(f"('{name}', {(index * 137) % 90 + 3})" for index, name in enumerate(NAMES))
    dashboard.sql(f"INSERT INTO inventory (name, quantity) VALUES {stock}")
    for turn in (7, 4, 11):
        dashboard.sql(f"UPDATE inventory SET quantity = (quantity * {turn} + id) % 120 + 1 WHERE id % 2 = 0")
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
    expect(stocked.page.locator(".stock-row").first.get_by_role("img")).to_be_visible()
    check_accessibility(stocked.page, "live")


def test_edited_selected_and_deleted(stocked: Dashboard) -> None:
    page = stocked.page
    stocked.delete("Cable tie")
    stocked.says("Cable tie was deleted.")
    stocked.row("M4 bolt").locator(".stock-row-select").check()
    stocked.row("Work gloves").locator(".stock-row-select").check()
    stocked.edit("Pallet jack", "many")
    expect(page.get_by_text("Enter a whole number, 0 or more.")).to_be_visible()
    check_accessibility(page, "edited")
    page.keyboard.press("Escape")
    page.locator(".selection").get_by_role("button", name="Delete").click()
    check_accessibility(page, "bulk-delete")


def test_busy(stocked: Dashboard) -> None:
    stocked.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 9993) n")
    with fire(stocked.stack, 2):
        expect(stocked.page.locator(".activity")).to_contain_text("items changed")
    expect(stocked.page.locator(".stock-list-summary")).to_have_text("10,000 items")
    check_accessibility(stocked.page, "busy")


def test_drawer(stocked: Dashboard) -> None:
    drawer = stocked.open_item("Pallet jack")
    expect(drawer.get_by_role("img")).to_be_visible()
    check_accessibility(stocked.page, "drawer")


def test_import_errors(stocked: Dashboard, watch: Watch) -> None:
    watch.expect("status of 422")
    dialog = choose(stocked, "name,quantity\nBolts,12\nNuts,many\n,4\nWashers,-5\n")
    expect(dialog.locator("tbody tr")).to_have_count(3)
    check_accessibility(stocked.page, "import-errors")
    choose(stocked, "name,quantity\nBolts,12\n")
    expect(dialog.get_by_role("button", name="Import")).to_be_visible()
    check_accessibility(stocked.page, "import")


def test_deleted_items(stocked: Dashboard) -> None:
    stocked.sql("DELETE FROM inventory WHERE name IN ('M4 bolt', 'Work gloves')")
    stocked.page.get_by_role("button", name="Deleted items").click()
    expect(stocked.page.locator(".deleted-item-name").first).to_have_text("Work gloves")
    check_accessibility(stocked.page, "deleted")


def test_keyboard(stocked: Dashboard) -> None:
    stocked.page.keyboard.press("?")
    expect(stocked.page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    check_accessibility(stocked.page, "keyboard")


def test_unmatched(stocked: Dashboard) -> None:
    stocked.search("no such thing")
    expect(stocked.page.get_by_text("No item has that name")).to_be_visible()
    check_accessibility(stocked.page, "unmatched")


def test_phone(stocked: Dashboard) -> None:
    page = stocked.page
    page.set_viewport_size({"width": 360, "height": 740})
    check_accessibility(page, "phone")
    page.locator(".stock-row-edit").first.scroll_into_view_if_needed()
    page.locator(".stock-row-edit").nth(2).click()
    check_accessibility(page, "phone-edited")
    page.keyboard.press("Escape")
    page.locator(".stock-row-name").first.click()
    expect(page.locator(".item-drawer").get_by_role("img")).to_be_visible()
    check_accessibility(page, "phone-drawer")


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
