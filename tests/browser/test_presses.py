"""Nothing moves what is pressed, and no press stops the page for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard

LOSE_THE_STREAM = """async () => {
    const { store } = await import(new URL("main.js", document.querySelector("[type=module]").src));
    const connection = { ...store.state.connection, phase: "reconnecting", retryAt: Date.now() + 60_000 };
    store.dispatch({ type: "connection", connection });
}"""


def test_a_press_is_a_click_whatever_happens_above_it(stocked: Dashboard) -> None:
    page = stocked.page
    stocked.press(page.locator(".stock-list-add"))
    page.evaluate(LOSE_THE_STREAM)
    stocked.next_frames()
    page.mouse.up()
    expect(page.locator(".add-dialog")).to_be_visible()
    expect(page.locator(".connection-detail")).to_be_visible()


def test_a_press_that_does_not_end_does_not_stop_the_page(stocked: Dashboard) -> None:
    stocked.press(stocked.page.locator(".stock-list-add"))
    stocked.sql("UPDATE inventory SET quantity = 41 WHERE name = 'Bolts'")
    stocked.shows("Bolts", 41)
    stocked.page.mouse.up()
    expect(stocked.page.locator(".add-dialog")).to_be_visible()
