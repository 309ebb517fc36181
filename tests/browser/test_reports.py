"""The reports: the journal, the stock on a day, what is low and what to order, and the board on the wall."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.tasks import amounts, lines
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.dashboard import Dashboard

NONE = "\u2013"  # where an item did not exist
WIDTHS = pytest.mark.parametrize("width", [390, 768, 1440])
ROPE = "Rope with a rather long name, for towing"
YESTERDAY = "UPDATE inventory_history SET changed_at = changed_at - interval '1 day'"


def open_report(page: Page, name: str, button: str | None = None) -> Locator:
    """Open a report with its button, and return its view."""
    shown = page.locator(".rail").get_by_role("button", name=button or name)
    if shown.is_visible():
        shown.click()
    else:
        page.locator(".rail-last").click()
        page.get_by_role("dialog", name="You and more").get_by_role("button", name=name).click()
    view = page.locator("section.report")
    expect(view).to_be_visible()
    return view


def texts(view: Locator, column: int) -> list[str]:
    return view.locator(f"tbody td:nth-child({column})").all_text_contents()


@WIDTHS
def test_the_journal_says_what_changed_by_whom_and_why(store_and_van: Dashboard, width: int) -> None:
    page = store_and_van.page
    page.set_viewport_size({"width": width, "height": 900})
    person = f"zoë {width}"
    store_and_van.sql(
        f"SET stockstream.actor = '{person}'; SET stockstream.reason = 'sold'; SET stockstream.note = 'Order 4';"
        " UPDATE inventory SET quantity = quantity - 3 WHERE name = 'Bolts' AND location = 1"
    )
    view = open_report(page, "Journal")
    first = view.locator("tbody tr").first
    expect(first).to_contain_text("Sold: Order 4")
    expect(first.locator("td").nth(2)).to_have_text("-3")
    expect(first.locator("td").nth(3)).to_have_text("37")
    expect(first).to_contain_text(person)
    check_accessibility(page, f"journal-{width}")
    store_and_van.sql("UPDATE inventory SET quantity = 11 WHERE name = 'Nuts'")
    expect(first).to_contain_text("Nuts")  # it is live
    view.get_by_label("Person").fill(person)
    view.get_by_label("Person").press("Tab")
    expect(view.locator("tbody tr")).to_have_count(1)
    view.get_by_label("Reason").select_option("Sold")
    expect(view.locator("tbody tr")).to_have_count(1)
    view.get_by_label("Location").select_option("Van")
    expect(view.get_by_text("Nothing was changed then.")).to_be_visible()
    view.get_by_label("Location").select_option("All locations")
    expect(page).to_have_url(re.compile(rf"\?view=journal&person=zo%C3%AB\+{width}&reason=sold$"))
    page.reload()
    expect(view.locator("tbody tr")).to_have_count(1)
    with page.expect_download() as download:
        view.get_by_role("link", name="Export").click()
    (row,) = csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig")))
    assert (row["name"], row["difference"], row["note"]) == ("Bolts", "-3", "Order 4")
    first.get_by_role("button", name="Bolts").click()
    expect(page.locator(".item-panel-title")).to_have_text("Bolts")
    expect(view).to_be_visible()


def test_a_restore_and_a_person_without_a_name_are_named_in_the_journal(stocked: Dashboard) -> None:
    stocked.delete("Nuts")
    stocked.says("Nuts was deleted.")
    stocked.page.keyboard.press("u")
    stocked.says("Nuts was restored.")
    view = open_report(stocked.page, "Journal")
    first = view.locator("tbody tr").first
    expect(first).to_contain_text("restored, +12")
    expect(first.locator("td").last).to_have_text("Unknown")


def test_back_leads_from_view_to_view(stocked: Dashboard) -> None:
    page = stocked.page
    open_report(page, "Journal")
    expect(page).to_have_url(re.compile(r"view=journal"))
    open_report(page, "Low stock", "Low")
    expect(page).to_have_url(re.compile(r"view=low"))
    page.go_back()
    expect(page.get_by_role("heading", name="Journal")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Stock", exact=True)).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="Journal")).to_be_visible()


@WIDTHS
def test_the_stock_of_a_day_is_compared_and_clearly_the_past(store_and_van: Dashboard, width: int) -> None:
    page = store_and_van.page
    page.set_viewport_size({"width": width, "height": 900})
    store_and_van.sql(YESTERDAY)
    store_and_van.sql(
        "UPDATE inventory SET quantity = 25 WHERE name = 'Nuts'; DELETE FROM inventory WHERE name = 'Tarp'"
    )
    store_and_van.sql("INSERT INTO inventory (name, quantity) VALUES ('New', 4)")
    view = open_report(page, "Stock on a day", "Past")
    expect(view.locator("tbody tr")).to_have_count(6)
    expect(view.locator(".past-mark")).to_contain_text("This is the past: the stock at the end of")
    found = {name: tuple(texts(view, column)[row] for column in (4, 5, 6)) for row, name in enumerate(texts(view, 1))}
    assert found["Nuts"] == ("12", "25", "+13")
    assert found["Tarp"] == ("2", NONE, "-2")
    assert found["New"] == (NONE, "4", "+4")
    check_accessibility(page, f"past-{width}")
    view.get_by_label("Only differences").check()
    expect(view.locator("tbody tr")).to_have_count(3)
    store_and_van.sql("UPDATE inventory SET quantity = 12 WHERE name = 'Nuts'")
    expect(view.locator("tbody tr")).to_have_count(2)  # the present is live
    view.get_by_label("Location").select_option("Van")
    expect(view.locator("tbody tr")).to_have_count(1)
    with page.expect_download() as download:
        view.get_by_role("link", name="Export").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert sorted(row["name"] for row in rows) == ["Bolts", "Tarp"]
    page.reload()
    expect(view.locator(".past-mark")).to_contain_text("This is the past")


@WIDTHS
def test_what_is_low_becomes_an_order_and_then_a_delivery(store_and_van: Dashboard, width: int) -> None:
    page = store_and_van.page
    page.set_viewport_size({"width": width, "height": 900})
    store_and_van.sql(
        "UPDATE inventory SET minimum = 50 WHERE name = 'Bolts'; UPDATE inventory SET minimum = 20 WHERE name = 'Nuts'"
    )
    store_and_van.sql("UPDATE inventory SET quantity = 0 WHERE name = 'Nuts'")
    view = open_report(page, "Low stock", "Low")
    expect(view.locator("tbody tr")).to_have_count(3)
    assert texts(view, 2) == ["Nuts", "Bolts", "Bolts"]
    order = view.get_by_label("Order of Nuts")
    expect(order).to_have_value("26")  # 20 to the minimum, and 3 for each of two weeks
    check_accessibility(page, f"low-{width}")
    view.get_by_label("Order Bolts").nth(0).uncheck()
    order.fill("30")
    with page.expect_download() as download:
        view.get_by_role("button", name="Order list").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert [(row["name"], row["order"], row["location"]) for row in rows] == [
        ("Nuts", "30", "Main"),
        ("Bolts", "10", "Main"),
    ]
    view.get_by_role("button", name="Receive these").click()
    task = page.locator("section.booking")
    expect(lines(task)).to_have_count(2)
    assert amounts(task) == ["30", "10"]
    task.locator(".booking-save").click()
    store_and_van.says("2 items were received.")
    assert store_and_van.sql("SELECT quantity FROM inventory WHERE name = 'Nuts'") == [("30",)]


def test_the_board_shows_what_is_short_and_how_old_that_is(store_and_van: Dashboard) -> None:
    page = store_and_van.page
    page.set_viewport_size({"width": 1920, "height": 1080})
    store_and_van.sql(
        "UPDATE inventory SET minimum = 50 WHERE name = 'Bolts'; UPDATE inventory SET quantity = 0 WHERE name = 'Tarp'"
    )
    page.goto(f"{store_and_van.stack.api_url}/?board")
    expect(page.locator('[data-list="out"] li')).to_have_text([re.compile("Tarp")])
    expect(page.locator('[data-list="low"] li')).to_have_count(2)
    expect(page.locator('[data-list="latest"] li').first).to_contain_text("-2")
    expect(page.locator(".board-age")).to_contain_text("Live")
    expect(page.locator(".rail")).to_be_hidden()
    check_accessibility(page, "board")
    store_and_van.stack.sql("UPDATE inventory SET quantity = 0 WHERE name = 'Nuts'")
    expect(page.locator('[data-list="out"] li')).to_have_count(2)
    expect(page.locator('[data-list="latest"] li').first).to_contain_text("Nuts")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(store_and_van.row("Nuts")).to_be_visible()


def test_the_board_of_a_location(store_and_van: Dashboard) -> None:
    page = store_and_van.page
    store_and_van.sql("UPDATE inventory SET quantity = 0")
    page.goto(f"{store_and_van.stack.api_url}/?board&location=2")
    expect(page.locator('[data-list="out"] li')).to_have_count(2)
