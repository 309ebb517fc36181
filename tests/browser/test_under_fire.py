"""10,000 items under 500 changes per second: the page renders few rows, and in the end equals the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.under_fire import ITEMS, WORD, fill, fire, seen, type_into_search, watch

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard

MAX_ROWS = 40  # 15 rows fit on the screen; about as many are rendered around it
MIN_PASSES = 10


def test_10000_items_under_500_changes_a_second_render_few_rows_once_a_frame_and_end_equal(
    dashboard: Dashboard,
) -> None:
    """Checks no times, which depend on the machine: `python -m tests.browser.under_fire` measures them."""
    fill(dashboard.stack)
    dashboard.open()
    page = dashboard.page
    page.get_by_label("Order").select_option("Newest change first")  # then every change moves rows
    watch(page)
    before = seen(page)
    with fire(dashboard.stack, 2):
        type_into_search(page)
        type_into_search(page)
    told = seen(page)
    assert told.rows <= MAX_ROWS
    assert told.passes <= told.frames + 1
    assert told.passes - before.passes >= MIN_PASSES, "too few passes for the test to mean anything"
    assert len(told.keys) == 2 * (len(WORD) + 1), "not every key and clearing was rendered"
    assert len(dashboard.stock()) == ITEMS
    dashboard.equals_the_table()


def test_a_long_list_is_scrolled_to_its_end_and_back_with_few_rows_drawn(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 2000) n")
    page = dashboard.open().page
    dashboard.shows("Item 1", 1)
    first = dashboard.row("Item 1")
    first.locator(".stock-row-name").focus()
    page.keyboard.press("End")
    last = dashboard.row("Item 2000")
    name = last.locator(".stock-row-name")
    name.wait_for()
    assert last.get_attribute("aria-rowindex") == "2001"  # the heads of the columns are a row, too
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "2001")
    assert name.evaluate("element => element === document.activeElement")
    assert page.locator(".stock-row").count() <= MAX_ROWS
    page.keyboard.press("ArrowUp")
    assert dashboard.row("Item 1999").locator(".stock-row-name").evaluate("it => it === document.activeElement")
    page.mouse.move(640, 400)
    page.mouse.wheel(0, -200_000)
    dashboard.shows("Item 5", 5)
    kept = dashboard.row("Item 1999").locator(".stock-row-name")
    assert kept.evaluate("element => element === document.activeElement"), (
        "the focused row must keep the focus off the screen"
    )
    page.keyboard.press("Home")
    assert first.locator(".stock-row-name").evaluate("element => element === document.activeElement")
