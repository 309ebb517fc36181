"""Nothing moves what is pressed, and no press stops the page for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.dashboard import Dashboard

FRAMES = 3  # more than the page needs to draw a change
LOSE_THE_STREAM = """async () => {
    const { store } = await import(new URL("main.js", document.querySelector("[type=module]").src));
    const connection = { ...store.state.connection, phase: "reconnecting", retryAt: Date.now() + 60_000 };
    store.dispatch({ type: "connection", connection });
}"""


def press(dashboard: Dashboard, pressed: Locator) -> None:
    box = pressed.bounding_box()
    assert box
    dashboard.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    dashboard.page.mouse.down()


def test_a_press_is_a_click_whatever_happens_above_it(stocked: Dashboard) -> None:
    page = stocked.page
    press(stocked, page.locator(".stock-list-add"))
    page.evaluate(LOSE_THE_STREAM)
    for _ in range(FRAMES):
        stocked.next_frame()
    page.mouse.up()
    expect(page.locator(".add-dialog")).to_be_visible()
    expect(page.locator(".connection-detail")).to_be_visible()


def test_a_press_that_does_not_end_does_not_stop_the_page(stocked: Dashboard) -> None:
    press(stocked, stocked.page.locator(".stock-list-add"))
    stocked.sql("UPDATE inventory SET quantity = 41 WHERE name = 'Bolts'")
    stocked.shows("Bolts", 41)
    stocked.page.mouse.up()
    expect(stocked.page.locator(".add-dialog")).to_be_visible()
