"""Search and order, and how the URL stores them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard

# Moves the pointer slightly all the time, since the page ignores a pointer that rests for a while.
MOVE_POINTER = """() => setInterval(() => document.querySelector(".stock-list-rows")
    .dispatchEvent(new PointerEvent("pointermove")), 200)"""


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
    page.get_by_label("Order").select_option("Name, A to Z")
    paints.search("paint 1")
    expect(page).to_have_url(re.compile(r"\?q=paint\+1&sort=name$"))
    page.reload()
    paints.is_now("Live")
    expect(page.get_by_label("Search by name")).to_have_value("paint 1")
    assert names(paints) == ["Paint 10"]
    page.get_by_label("Search by name").press("Escape")
    expect(page).to_have_url(re.compile(r"/\?sort=name$"))
    expect(page.locator(".stock-list-summary")).to_have_text("4 items")


def test_a_row_under_the_pointer_keeps_its_place(paints: Dashboard) -> None:
    paints.page.evaluate(MOVE_POINTER)
    paints.row("Paint 9").hover()
    paints.sql("UPDATE inventory SET quantity = 50 WHERE name = 'Paint 10'")
    paints.shows("Paint 10", 50)
    assert names(paints) == ["Paint 10", "Brush", "Paint 9", "Änderungspaint"]
    paints.page.mouse.move(0, 0)
    paints.row("Paint 9").and_(paints.page.locator('[aria-posinset="4"]')).wait_for()
    assert names(paints) == ["Paint 10", "Brush", "Änderungspaint", "Paint 9"]
