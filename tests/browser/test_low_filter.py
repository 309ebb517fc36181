"""The filter of the list that shows what is low."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.places import (
    low_filter,
    show_location,
    shows_rows,
)
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard

WIDTHS = pytest.mark.parametrize("width", [360, 768, 1280])


@WIDTHS
def test_low_items_are_counted_and_shown_alone(places: Dashboard, width: int) -> None:
    page = places.page
    page.set_viewport_size({"width": width, "height": 800})
    low, in_rail = low_filter(page), page.locator('.rail-link[data-view="low"]')
    expect(low).to_have_text("Low 3")
    expect(in_rail).to_have_text("Low 3")
    low.click()
    shows_rows(places, 3)
    expect(low).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".stock-row.is-low")).to_have_count(3)
    expect(page).to_have_url(re.compile(r"\?show=low$"))
    check_accessibility(page, f"locations-low-{width}")
    show_location(page, "Main")
    expect(low).to_have_text("Low 2")
    shows_rows(places, 2)
    expect(page).to_have_url(re.compile(r"\?location=1&show=low$"))
    menu = places.open_menu()
    with page.expect_download() as download:
        menu.get_by_role("link", name="Export what is shown: 2 items").click()
    assert len(download.value.path().read_text(encoding="utf-8-sig").splitlines()) == 1 + 2
    page.reload()
    places.is_now("Live")
    expect(low).to_have_attribute("aria-pressed", "true")
    shows_rows(places, 2)
    places.leave_list()
    places.stack.sql("UPDATE inventory SET quantity = 30 WHERE location <= 3")
    expect(page.get_by_text("Nothing is low")).to_be_visible()
    expect(low).to_have_text("Low")
    check_accessibility(page, f"locations-nothing-low-{width}")
    low.click()
    shows_rows(places, 3)
    expect(low).to_be_hidden()
    expect(in_rail).to_have_text("Low")


def test_the_rail_counts_all_that_is_low_at_the_location_whatever_is_searched(places: Dashboard) -> None:
    page = places.page
    in_rail = page.locator('.rail-link[data-view="low"]')
    places.search("nuts")
    expect(low_filter(page)).to_have_text("Low 1")
    expect(in_rail).to_have_text("Low 3")
    show_location(page, "Main")
    expect(in_rail).to_have_text("Low 2")
    places.search("no such item")
    expect(low_filter(page)).to_be_hidden()
    expect(in_rail).to_have_text("Low 2")


def test_an_old_bookmark_of_what_is_low_still_shows_it(places: Dashboard) -> None:
    places.page.goto(f"{places.stack.api_url}/?low=1")
    places.is_now("Live")
    shows_rows(places, 3)
    expect(low_filter(places.page)).to_have_attribute("aria-pressed", "true")


def test_a_row_that_is_not_low_any_more_stays_while_it_is_used(places: Dashboard) -> None:
    """Otherwise the next click would hit the row below it."""
    page = places.page
    low_filter(page).click()
    shows_rows(places, 3)
    places.edit("Bolts", "+6")
    places.shows("Bolts", 11)
    expect(low_filter(page)).to_have_text("Low 2")
    expect(page.get_by_role("button", name="1 changed: update order")).to_be_visible()
    shows_rows(places, 3)
    places.leave_list()
    shows_rows(places, 2)
    places.equals_the_table()
    assert places.stack.sql("SELECT quantity FROM inventory ORDER BY id") == [("11",), ("40",), ("12",), ("3",), ("2",)]


def test_without_minimums_nothing_is_said_of_low_items(one_place: Dashboard) -> None:
    one_place.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 5)")
    one_place.open().shows("Bolts", 5)
    expect(low_filter(one_place.page)).not_to_be_visible()
    one_place.sql("UPDATE inventory SET minimum = 6")
    expect(low_filter(one_place.page)).to_have_text("Low 1")
