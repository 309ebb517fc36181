"""Locations on the page: where items are, and how locations are managed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.places import (
    add_location,
    location_button,
    location_filter,
    offered_locations,
    open_locations,
    show_location,
    shown,
    shows_location,
    shows_rows,
    tree,
)
from tests.browser.test_keyboard import TYPING_MS, tab_to
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.dashboard import Dashboard
    from tests.browser.watched import Watch

PLACES = {1: "Main", 2: "Main/Room 2", 3: "Main/Room 2/Shelf 10", 4: "Van"}
WIDTHS = pytest.mark.parametrize("width", [360, 768, 1280])
FITS = """row => {
    const boxOf = (element) => element.getBoundingClientRect();
    const isIn = (outer, inner) =>
        inner.left >= outer.left && inner.right <= outer.right + 1 && inner.bottom <= outer.bottom + 1;
    const areIn = (outer, elements) =>
        [...elements].map(boxOf).every((box) => box.width === 0 || isIn(boxOf(outer), box));
    return areIn(row, row.querySelectorAll("button, input, [role=gridcell]"));
}"""
BUTTONS_FIT = """panel =>
    [...panel.querySelectorAll("button")].every((button) => button.scrollWidth <= button.clientWidth)
"""


def all_chip(page: Page) -> Locator:
    return page.get_by_role("group", name="Show", exact=True).get_by_role("button", name="All")


def test_nothing_of_locations_is_shown_until_there_are_two(one_place: Dashboard) -> None:
    page = one_place.page
    one_place.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 5)")
    one_place.open().shows("Bolts", 5)
    one_place.open_add()
    for part in (location_filter(page), add_location(page), page.locator(".stock-row-place")):
        expect(part).not_to_be_visible()
    one_place.close_add()
    expect(page.get_by_role("columnheader", name="Location")).not_to_be_visible()
    expect(page.get_by_role("button", name="Move")).not_to_be_visible()
    one_place.open_item("Bolts")
    expect(page.locator(".item-panel-place")).not_to_be_visible()
    page.keyboard.press("Escape")
    one_place.add("Nuts", 7)
    one_place.close_add()
    one_place.leave_list()
    one_place.shows("Nuts", 7)
    dialog = open_locations(one_place)
    dialog.get_by_label("Location name").fill("Van")
    dialog.get_by_role("button", name="Add location").click()
    expect(dialog.get_by_text("Van was added.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(location_filter(page)).to_be_visible()
    expect(page.get_by_role("columnheader", name="Location")).to_be_visible()
    expect(page.get_by_role("button", name="Move")).to_be_visible()
    expect(one_place.row("Bolts").locator(".stock-row-place")).to_have_text("Main")
    one_place.open_add()
    expect(add_location(page)).to_be_visible()
    one_place.close_add()
    one_place.open_item("Bolts")
    expect(page.locator(".item-panel-place")).to_have_text("Main")


@WIDTHS
def test_the_list_and_the_panel_say_where_an_item_is(places: Dashboard, width: int) -> None:
    page = places.page
    page.set_viewport_size({"width": width, "height": 800})
    assert sorted(shown(places)) == [
        ("Bolts", "Main"),
        ("Bolts", "Main/Room 2/Shelf 10"),
        ("Nuts", "Main/Room 2"),
        ("Rope with a rather long name, for towing", "Van"),
        ("Tarp", "Van"),
    ]
    for row in page.locator(".stock-row").all():
        expect(row.locator(".stock-row-place")).to_be_visible()
        assert row.evaluate("row => row.scrollHeight <= row.clientHeight + 1"), "a row is too low for its texts"
        name = row.locator(".stock-row-name").bounding_box()
        assert name
        assert name["width"] > 100
        assert row.evaluate(FITS), "a control or a text lies outside of its row"
    check_accessibility(page, f"locations-list-{width}")
    panel = places.open_item("Nuts")
    expect(panel.locator(".item-panel-place")).to_have_text("Main/Room 2")
    expect(panel.locator(".item-panel-low")).to_have_text("Low: less than 20")
    expect(panel.get_by_role("img")).to_be_visible()
    assert panel.evaluate(BUTTONS_FIT), "a text lies outside of its button"
    check_accessibility(page, f"locations-panel-{width}")
    panel.get_by_text("Details").click()
    panel.get_by_label("Minimum").fill("12")
    panel.get_by_role("button", name="Save").click()
    expect(panel.locator(".item-panel-low")).not_to_be_visible()


def test_a_location_is_shown_with_everything_below_it_and_kept_in_the_address(places: Dashboard) -> None:
    page = places.page
    assert offered_locations(page) == ["All locations", *PLACES.values()]
    expect(page.locator(".rail-location .rail-count")).to_have_text(["5", "3", "2", "1", "2"])
    show_location(page, "Main/Room 2")
    shows_rows(places, 2)
    assert sorted(shown(places)) == [("Bolts", "Main/Room 2/Shelf 10"), ("Nuts", "Main/Room 2")]
    expect(all_chip(page)).to_have_text("All 2")
    shows_location(page, "Main/Room 2")
    expect(page).to_have_url(re.compile(r"\?location=2$"))
    places.search("bolt")
    shows_rows(places, 1)
    expect(page).to_have_url(re.compile(r"\?q=bolt&location=2$"))
    menu = places.open_menu()
    with page.expect_download() as download:
        menu.get_by_role("link", name="Export what is shown: 1 item").click()
    assert len(download.value.path().read_text(encoding="utf-8-sig").splitlines()) == 2
    page.reload()
    places.is_now("Live")
    shows_location(page, "Main/Room 2")
    shows_rows(places, 1)
    assert shown(places) == [("Bolts", "Main/Room 2/Shelf 10")]
    show_location(page, "All locations")
    shows_rows(places, 2)
    places.search("")
    shows_rows(places, 5)
    expect(page).to_have_url(re.compile("/$"))


@pytest.mark.parametrize("width", [360, 768, 1000])
def test_on_a_small_screen_a_location_is_chosen_in_a_list(places: Dashboard, width: int) -> None:
    page = places.page
    page.set_viewport_size({"width": width, "height": 800})
    expect(page.locator(".rail-locations")).not_to_be_visible()
    select = page.get_by_label("Show location")
    assert select.locator("option").all_inner_texts() == ["All locations", *PLACES.values()]
    show_location(page, "Main/Room 2")
    shows_rows(places, 2)
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(select).not_to_be_visible()
    shows_location(page, "Main/Room 2")
    show_location(page, "Van")
    shows_rows(places, 2)
    page.set_viewport_size({"width": width, "height": 800})
    expect(select).to_have_value("4")


def test_a_bookmark_of_a_location_that_is_gone_shows_everything(places: Dashboard) -> None:
    places.page.goto(f"{places.stack.api_url}/?location=99")
    places.is_now("Live")
    shows_rows(places, 5)
    shows_location(places.page, "All locations")
    expect(places.page).to_have_url(re.compile("/$"))


def test_an_empty_location_says_so(places: Dashboard) -> None:
    places.stack.sql("DELETE FROM inventory WHERE location = 4")
    shows_rows(places, 3)
    show_location(places.page, "Van")
    expect(places.page.get_by_text("Nothing is at this location yet")).to_be_visible()
    check_accessibility(places.page, "locations-empty")
    places.page.get_by_role("button", name="Add the first item").click()
    places.add("Rope", 2)
    places.shows("Rope", 2)
    assert places.sql("SELECT location FROM inventory WHERE name = 'Rope'") == [("4",)]


def test_an_item_is_added_where_the_person_is_or_chooses(places: Dashboard) -> None:
    page = places.page
    places.open_add()
    expect(add_location(page)).to_have_value("1")
    places.close_add()
    show_location(page, "Main/Room 2/Shelf 10")
    places.open_add()
    expect(add_location(page)).to_have_value("3")
    places.add("Washers", 7)
    places.shows("Washers", 7)
    assert places.sql("SELECT location FROM inventory WHERE name = 'Washers'") == [("3",)]
    add_location(page).select_option("Van")
    places.open_add().get_by_label("Name", exact=True).fill("Jack")
    places.close_add()
    show_location(page, "Main")
    places.open_add()
    expect(add_location(page)).to_have_value("4")
    places.add("Jack", 1)
    places.says("Jack was added.")
    assert places.sql("SELECT location FROM inventory WHERE name = 'Jack'") == [("4",)]
    expect(add_location(page)).to_have_value("4")
    places.close_add()
    show_location(page, "Main/Room 2")
    places.open_add()
    expect(add_location(page)).to_have_value("2")
    places.close_add()
    places.equals_the_table()


def test_a_location_that_was_deleted_meanwhile_is_reported_at_its_field(places: Dashboard, watch: Watch) -> None:
    watch.expect("status of 422")
    page = places.page
    places.open_add()
    add_location(page).select_option("Van")
    places.stack.sql("DELETE FROM inventory WHERE location = 4; DELETE FROM location WHERE id = 4")
    places.add("Jack", 1)
    expect(page.locator("#add-location-error")).to_have_text("there is no such location")
    expect(add_location(page)).to_be_focused()
    check_accessibility(page, "locations-gone")


def test_an_item_at_an_unknown_location_brings_its_name_and_nothing_typed_is_lost(places: Dashboard) -> None:
    page = places.page
    name = places.open_add().get_by_label("Name", exact=True)
    name.fill("Half an it")
    add_location(page).select_option("Main/Room 2")
    places.close_add()
    box = places.start_edit("Nuts")
    box.fill("77")
    places.stack.sql("INSERT INTO location (name) VALUES ('Annex')")
    places.stack.sql("INSERT INTO inventory (name, quantity, location) VALUES ('Lamp', 4, 5)")
    expect(page.get_by_role("button", name="1 changed: update order")).to_be_visible()
    expect(location_button(page, "Annex")).to_be_visible()
    expect(box).to_have_value("77")
    expect(box).to_be_focused()
    box.press("Enter")
    places.shows("Nuts", 77)
    places.leave_list()
    places.shows("Lamp", 4)
    expect(places.row("Lamp").locator(".stock-row-place")).to_have_text("Annex")
    places.open_add()
    expect(name).to_have_value("Half an it")
    expect(add_location(page)).to_have_value("2")


@WIDTHS
def test_locations_are_managed_in_a_dialog(places: Dashboard, watch: Watch, width: int) -> None:
    watch.expect("status of (409|422)")
    page = places.page
    page.set_viewport_size({"width": width, "height": 800})
    places.open_add().get_by_label("Name", exact=True).fill("Half an it")
    places.close_add()
    dialog = open_locations(places)
    name, parent = dialog.get_by_label("Location name"), dialog.get_by_label("Lies in")
    save = dialog.locator(".locations-save")
    expect(dialog.get_by_role("listitem")).to_have_count(4)
    check_accessibility(page, f"locations-dialog-{width}")
    save.click()
    expect(dialog.get_by_text("Give the location a name.")).to_be_visible()
    name.fill("a/b")
    save.click()
    expect(dialog.locator("#location-name-error")).to_contain_text("slash")
    expect(name).to_be_focused()
    check_accessibility(page, f"locations-refused-{width}")
    name.fill("van")
    save.click()
    expect(dialog.get_by_role("alert")).to_contain_text("There is a location with this name already")
    name.fill("Box 1")
    parent.select_option("Van")
    save.click()
    expect(dialog.get_by_text("Box 1 was added.")).to_be_visible()
    expect(dialog.get_by_role("listitem").filter(has_text="Van/Box 1")).to_be_visible()

    dialog.get_by_role("button", name="Change Van/Box 1").click()
    expect(name).to_have_value("Box 1")
    assert "Van/Box 1" not in parent.locator("option").all_inner_texts()
    check_accessibility(page, f"locations-change-{width}")
    name.fill("Box 9")
    parent.select_option("Main")
    save.click()
    expect(dialog.get_by_text("Saved.")).to_be_visible()
    assert ("Main/Box 9",) in tree(places.stack)

    dialog.get_by_role("button", name="Change Van", exact=True).click()
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_role("alert")).to_contain_text("has items or other locations. Nothing was deleted.")
    check_accessibility(page, f"locations-not-deleted-{width}")
    dialog.get_by_role("button", name="Cancel").click()
    dialog.get_by_role("button", name="Change Main/Box 9").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_text("Main/Box 9 was deleted.")).to_be_visible()
    expect(dialog.get_by_role("listitem")).to_have_count(4)
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    expect(places.open_add().get_by_label("Name", exact=True)).to_have_value("Half an it")
    assert [path for (path,) in tree(places.stack)] == sorted(PLACES.values())


def test_a_new_name_and_a_new_parent_are_shown_at_once(places: Dashboard) -> None:
    page = places.page
    show_location(page, "Main/Room 2")
    shows_rows(places, 2)
    dialog = open_locations(places)
    dialog.get_by_role("button", name="Change Main/Room 2", exact=True).click()
    dialog.get_by_label("Location name").fill("Room 3")
    dialog.get_by_label("Lies in").select_option("Van")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("listitem").filter(has_text="Van/Room 3/Shelf 10")).to_be_visible()
    page.keyboard.press("Escape")
    expect(places.row("Nuts").locator(".stock-row-place")).to_have_text("Van/Room 3")
    shows_location(page, "Van/Room 3")
    assert sorted(shown(places)) == [("Bolts", "Van/Room 3/Shelf 10"), ("Nuts", "Van/Room 3")]


def test_locations_are_managed_by_the_keyboard_alone(places: Dashboard, watch: Watch) -> None:
    watch.expect("status of 409")
    page, keys = places.page, places.page.keyboard
    dialog = page.get_by_role("dialog", name="Locations")
    name = dialog.get_by_label("Location name")
    tab_to(places, page.locator(".person"))
    keys.press("Enter")
    tab_to(places, page.get_by_role("button", name="Locations", exact=True))
    keys.press("Enter")
    expect(name).to_be_focused()
    keys.type("Annex", delay=TYPING_MS)
    keys.press("Enter")
    expect(dialog.get_by_text("Annex was added.")).to_be_visible()
    expect(name).to_be_focused()
    keys.type("Box")
    tab_to(places, dialog.get_by_label("Lies in"))
    keys.type("Ann")
    tab_to(places, dialog.locator(".locations-save"))
    keys.press("Enter")
    expect(dialog.get_by_text("Box was added.")).to_be_visible()
    change = dialog.get_by_role("button", name="Change Annex/Box")
    tab_to(places, change)
    keys.press("Enter")
    expect(name).to_be_focused()
    keys.type("Crate", delay=TYPING_MS)
    keys.press("Enter")
    expect(dialog.get_by_role("button", name="Change Annex/Crate")).to_be_focused()
    keys.press("Shift+Tab")
    expect(dialog.get_by_role("button", name="Change Annex", exact=True)).to_be_focused()
    keys.press("Enter")
    tab_to(places, dialog.get_by_role("button", name="Delete"))
    keys.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("has items or other locations")
    keys.press("Shift+Tab")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    keys.press("Enter")
    expect(dialog.get_by_role("button", name="Change Annex", exact=True)).to_be_focused()
    tab_to(places, dialog.get_by_role("button", name="Change Annex/Crate"))
    keys.press("Enter")
    tab_to(places, dialog.get_by_role("button", name="Delete"))
    keys.press("Enter")
    expect(dialog.get_by_text("Annex/Crate was deleted.")).to_be_visible()
    expect(name).to_be_focused()
    keys.press("Escape")
    expect(dialog).not_to_be_visible()
    expect(page.locator(".person")).to_be_focused()
    assert ("Annex",) in tree(places.stack)
