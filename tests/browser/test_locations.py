"""Locations on the page: where items are, who may see and change them there, and what is low."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.accounts import PASSWORD
from tests.browser.dashboard import Dashboard
from tests.browser.test_accounts import add_user, open_as
from tests.browser.test_keyboard import TYPING_MS, tab_to
from tests.browser.test_states import check_accessibility
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page, Route

    from tests.browser.watched import Watch
    from tests.postgres import PostgresServer

PLACES = {1: "Main", 2: "Main/Room 2", 3: "Main/Room 2/Shelf 10", 4: "Van"}
WIDTHS = pytest.mark.parametrize("width", [360, 768, 1280])
MAKE_PLACES = """
    INSERT INTO location (name, parent) VALUES ('Room 2', 1);
    INSERT INTO location (name, parent) VALUES ('Shelf 10', 2);
    INSERT INTO location (name) VALUES ('Van');
"""
STOCK = """
    INSERT INTO inventory (name, quantity, location, code, minimum) VALUES
        ('Bolts', 5, 1, 'B-1', 9),
        ('Bolts', 40, 3, 'B-1', 9),
        ('Nuts', 12, 2, null, 20),
        ('Rope with a rather long name, for towing', 3, 4, 'ROPE-2026-XL', 5),
        ('Tarp', 2, 4, null, null)
"""
FITS = """row => {
    const boxOf = (element) => element.getBoundingClientRect();
    const isIn = (outer, inner) =>
        inner.left >= outer.left && inner.right <= outer.right + 1 && inner.bottom <= outer.bottom + 1;
    const areIn = (outer, elements) =>
        [...elements].map(boxOf).every((box) => box.width === 0 || isIn(boxOf(outer), box));
    const item = row.querySelector(".stock-row-item");
    return areIn(row, row.querySelectorAll("button, input")) && areIn(item, item.querySelectorAll("*"));
}"""
ONE_PLACE = "DELETE FROM inventory; DELETE FROM location WHERE id > 1; UPDATE location SET name = 'Main', parent = NULL"
RESTART_IDS = "ALTER TABLE location ALTER id RESTART WITH 2"


@pytest.fixture
def one_place(dashboard: Dashboard) -> Iterator[Dashboard]:
    """The dashboard, not opened yet. Whatever the test adds, one location is left."""
    dashboard.stack.sql(ONE_PLACE)
    yield dashboard
    dashboard.stack.sql(ONE_PLACE)


@pytest.fixture
def places(one_place: Dashboard) -> Dashboard:
    """The open dashboard, with a stock at several locations."""
    one_place.stack.sql(RESTART_IDS)
    one_place.stack.sql(MAKE_PLACES)
    one_place.stack.sql(STOCK)
    one_place.open()
    expect(location_filter(one_place.page)).to_be_visible()
    expect(one_place.page.locator(".stock-row")).to_have_count(5)
    return one_place


@pytest.fixture(scope="module")
def login_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(postgres, tmp_path_factory.mktemp("login"), {"AUTH": "login"}) as stack:
        yield stack


@pytest.fixture
def accounts(login_stack: Stack, watch: Watch) -> Stack:
    """A stock at several locations, the admin ann, and bob without a role."""
    watch.expect(r"status of (401|403|404|409|422) ")
    login_stack.sql("ALTER TABLE principal DISABLE TRIGGER ALL; DELETE FROM principal; TRUNCATE sign_in_failure;")
    login_stack.sql(ONE_PLACE)
    login_stack.sql(RESTART_IDS)
    login_stack.sql(MAKE_PLACES)
    login_stack.sql(STOCK)
    for name, role in (("ann", "admin"), ("bob", "viewer")):
        add_user(login_stack, name, role)
    grant(login_stack, "bob", {})
    return login_stack


def grant(stack: Stack, name: str, roles: dict[int | None, str]) -> None:
    """Give an account exactly these roles, by location."""
    rows = ", ".join(f"({'null' if place is None else place}::bigint, '{role}')" for place, role in roles.items())
    added = (
        "; INSERT INTO access_grant (principal, location, role)"
        f" SELECT p.id, g.place, g.role::access_role FROM principal p, (VALUES {rows}) AS g (place, role)"
        f" WHERE p.name = '{name}'"
    )
    old = f"DELETE FROM access_grant WHERE principal = (SELECT id FROM principal WHERE name = '{name}')"
    stack.sql(old + (added if roles else ""))


def location_filter(page: Page) -> Locator:
    return page.get_by_label("Show location")


def add_location(page: Page) -> Locator:
    """The select of the form that adds an item."""
    return page.locator(".add-form").get_by_label("Location")


def shown(dashboard: Dashboard) -> list[tuple[str, str]]:
    """The names and locations of the rows, from top to bottom."""
    texts: list[list[str]] = dashboard.page.locator(".stock-row").evaluate_all(
        "rows => rows.map(row => [row.querySelector('.stock-row-name').textContent,"
        " row.querySelector('.stock-row-place').textContent])"
    )
    return [(name, place) for name, place in texts]


def shows_rows(dashboard: Dashboard, count: int) -> None:
    expect(dashboard.page.locator(".stock-row")).to_have_count(count)


def open_locations(page: Page) -> Locator:
    page.get_by_role("button", name="Locations", exact=True).click()
    return page.get_by_role("dialog", name="Locations")


def tree(stack: Stack) -> list[tuple[str, ...]]:
    return stack.sql("SELECT location_path(id, NULL) FROM location ORDER BY 1")


# Open to everybody --------------------------------------------------------------------------------------------------


def test_nothing_of_locations_is_shown_until_there_are_two(one_place: Dashboard) -> None:
    page = one_place.page
    one_place.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 5)")
    one_place.open().shows("Bolts", 5)
    for part in (location_filter(page), add_location(page), page.locator(".stock-row-place")):
        expect(part).not_to_be_visible()
    one_place.open_item("Bolts")
    expect(page.locator(".item-drawer-place")).not_to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator(".import-dialog")).not_to_contain_text("location", use_inner_text=True)
    page.keyboard.press("Escape")
    one_place.add("Nuts", 7)
    one_place.shows("Nuts", 7)
    dialog = open_locations(page)
    dialog.get_by_label("Location name").fill("Van")
    dialog.get_by_role("button", name="Add location").click()
    expect(dialog.get_by_text("Van was added.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(location_filter(page)).to_be_visible()
    expect(one_place.row("Bolts").locator(".stock-row-place")).to_have_text("Main")
    expect(add_location(page)).to_be_visible()
    one_place.open_item("Bolts")
    expect(page.locator(".item-drawer-place")).to_have_text("Main")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator(".import-dialog")).to_contain_text("location in its row", use_inner_text=True)


@WIDTHS
def test_the_list_and_the_drawer_say_where_an_item_is(places: Dashboard, width: int) -> None:
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
    drawer = places.open_item("Nuts")
    expect(drawer.locator(".item-drawer-place")).to_have_text("Main/Room 2")
    expect(drawer.locator(".item-drawer-low")).to_have_text("Low: less than 20")
    expect(drawer.get_by_role("img")).to_be_visible()
    check_accessibility(page, f"locations-drawer-{width}")
    drawer.get_by_label("Minimum").fill("12")
    drawer.get_by_role("button", name="Save").click()
    expect(drawer.locator(".item-drawer-low")).not_to_be_visible()


def test_a_location_is_shown_with_everything_below_it_and_kept_in_the_address(places: Dashboard) -> None:
    page = places.page
    assert location_filter(page).locator("option").all_inner_texts() == ["All locations", *PLACES.values()]
    location_filter(page).select_option("Main/Room 2")
    shows_rows(places, 2)
    assert sorted(shown(places)) == [("Bolts", "Main/Room 2/Shelf 10"), ("Nuts", "Main/Room 2")]
    expect(page.locator(".stock-list-summary")).to_have_text("2 of 5 items")
    expect(page).to_have_url(re.compile(r"\?location=2$"))
    places.search("bolt")
    shows_rows(places, 1)
    expect(page).to_have_url(re.compile(r"\?q=bolt&location=2$"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    assert len(download.value.path().read_text(encoding="utf-8-sig").splitlines()) == 2
    page.reload()
    places.is_now("Live")
    expect(location_filter(page)).to_have_value("2")
    assert shown(places) == [("Bolts", "Main/Room 2/Shelf 10")]
    location_filter(page).select_option("All locations")
    shows_rows(places, 2)
    places.search("")
    shows_rows(places, 5)
    expect(page).to_have_url(re.compile("/$"))


def test_a_bookmark_of_a_location_that_is_gone_shows_everything(places: Dashboard) -> None:
    places.page.goto(f"{places.stack.api_url}/?location=99")
    places.is_now("Live")
    shows_rows(places, 5)
    expect(location_filter(places.page)).to_have_value("")
    expect(places.page).to_have_url(re.compile("/$"))


def test_an_empty_location_says_so(places: Dashboard) -> None:
    places.stack.sql("DELETE FROM inventory WHERE location = 4")
    shows_rows(places, 3)
    location_filter(places.page).select_option("Van")
    expect(places.page.get_by_text("Nothing is at this location yet")).to_be_visible()
    check_accessibility(places.page, "locations-empty")
    places.add("Rope", 2)
    places.shows("Rope", 2)


def test_an_item_is_added_where_the_person_is_or_chooses(places: Dashboard) -> None:
    page = places.page
    expect(add_location(page)).to_have_value("1")
    location_filter(page).select_option("Main/Room 2/Shelf 10")
    expect(add_location(page)).to_have_value("3")
    places.add("Washers", 7)
    places.shows("Washers", 7)
    assert places.sql("SELECT location FROM inventory WHERE name = 'Washers'") == [("3",)]
    add_location(page).select_option("Van")
    page.get_by_label("Name", exact=True).fill("Jack")
    location_filter(page).select_option("Main")
    expect(add_location(page)).to_have_value("4")
    places.add("Jack", 1)
    places.says("Jack was added.")
    assert places.sql("SELECT location FROM inventory WHERE name = 'Jack'") == [("4",)]
    expect(add_location(page)).to_have_value("4")
    location_filter(page).select_option("Main/Room 2")
    expect(add_location(page)).to_have_value("2")
    places.equals_the_table()


def test_a_location_that_was_deleted_meanwhile_is_reported_at_its_field(places: Dashboard, watch: Watch) -> None:
    watch.expect("status of 422")
    page = places.page
    add_location(page).select_option("Van")
    places.stack.sql("DELETE FROM inventory WHERE location = 4; DELETE FROM location WHERE id = 4")
    places.add("Jack", 1)
    expect(page.locator("#add-location-error")).to_have_text("there is no such location")
    expect(add_location(page)).to_be_focused()
    check_accessibility(page, "locations-gone")


def test_an_item_at_an_unknown_location_brings_its_name_and_nothing_typed_is_lost(places: Dashboard) -> None:
    page = places.page
    page.get_by_label("Name", exact=True).fill("Half an it")
    add_location(page).select_option("Main/Room 2")
    box = places.start_edit("Nuts")
    box.fill("77")
    places.stack.sql("INSERT INTO location (name) VALUES ('Annex')")
    places.stack.sql("INSERT INTO inventory (name, quantity, location) VALUES ('Lamp', 4, 5)")
    places.shows("Lamp", 4)
    expect(places.row("Lamp").locator(".stock-row-place")).to_have_text("Annex")
    assert "Annex" in location_filter(page).locator("option").all_inner_texts()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Half an it")
    expect(add_location(page)).to_have_value("2")
    expect(box).to_have_value("77")
    box.press("Enter")
    places.shows("Nuts", 77)


@WIDTHS
def test_locations_are_managed_in_a_dialog(places: Dashboard, watch: Watch, width: int) -> None:
    watch.expect("status of (409|422)")
    page = places.page
    page.set_viewport_size({"width": width, "height": 800})
    page.get_by_label("Name", exact=True).fill("Half an it")
    dialog = open_locations(page)
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
    expect(page.get_by_label("Name", exact=True)).to_have_value("Half an it")
    assert [path for (path,) in tree(places.stack)] == sorted(PLACES.values())


def test_a_new_name_and_a_new_parent_are_shown_at_once(places: Dashboard) -> None:
    page = places.page
    location_filter(page).select_option("Main/Room 2")
    shows_rows(places, 2)
    dialog = open_locations(page)
    dialog.get_by_role("button", name="Change Main/Room 2", exact=True).click()
    dialog.get_by_label("Location name").fill("Room 3")
    dialog.get_by_label("Lies in").select_option("Van")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("listitem").filter(has_text="Van/Room 3/Shelf 10")).to_be_visible()
    page.keyboard.press("Escape")
    expect(places.row("Nuts").locator(".stock-row-place")).to_have_text("Van/Room 3")
    expect(location_filter(page)).to_have_value("2")
    assert sorted(shown(places)) == [("Bolts", "Van/Room 3/Shelf 10"), ("Nuts", "Van/Room 3")]


def test_locations_are_managed_by_the_keyboard_alone(places: Dashboard, watch: Watch) -> None:
    watch.expect("status of 409")
    page, keys = places.page, places.page.keyboard
    dialog = page.get_by_role("dialog", name="Locations")
    name = dialog.get_by_label("Location name")
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
    expect(page.get_by_role("button", name="Locations", exact=True)).to_be_focused()
    assert ("Annex",) in tree(places.stack)


# What is low --------------------------------------------------------------------------------------------------------


@WIDTHS
def test_low_items_are_counted_and_shown_alone(places: Dashboard, width: int) -> None:
    page = places.page
    page.set_viewport_size({"width": width, "height": 800})
    low = page.get_by_role("button", name="Low:")
    expect(low).to_have_text("Low: 3")
    low.click()
    shows_rows(places, 3)
    expect(low).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".stock-row.is-low")).to_have_count(3)
    expect(page).to_have_url(re.compile(r"\?low=1$"))
    check_accessibility(page, f"locations-low-{width}")
    location_filter(page).select_option("Main")
    expect(low).to_have_text("Low: 2")
    shows_rows(places, 2)
    expect(page).to_have_url(re.compile(r"\?location=1&low=1$"))
    page.reload()
    places.is_now("Live")
    expect(low).to_have_attribute("aria-pressed", "true")
    shows_rows(places, 2)
    places.stack.sql("UPDATE inventory SET quantity = 30 WHERE location <= 3")
    expect(low).to_have_text("Low: 0")
    expect(page.get_by_text("Nothing is low")).to_be_visible()
    low.click()
    shows_rows(places, 3)


def test_a_row_that_is_not_low_any_more_stays_while_it_is_used(places: Dashboard) -> None:
    """Otherwise the next click would hit the row below it."""
    page = places.page
    page.get_by_label("Order").select_option("Name, A to Z")
    page.get_by_role("button", name="Low:").click()
    shows_rows(places, 3)
    places.step("Bolts", 6)
    places.shows("Bolts", 11)
    expect(page.get_by_role("button", name="Low:")).to_have_text("Low: 2")
    shows_rows(places, 3)
    page.mouse.move(0, 0)
    shows_rows(places, 2)
    places.equals_the_table()
    assert places.stack.sql("SELECT quantity FROM inventory ORDER BY id") == [("11",), ("40",), ("12",), ("3",), ("2",)]


def test_without_minimums_nothing_is_said_of_low_items(one_place: Dashboard) -> None:
    one_place.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 5)")
    one_place.open().shows("Bolts", 5)
    expect(one_place.page.locator(".stock-list-low")).not_to_be_visible()
    one_place.sql("UPDATE inventory SET minimum = 5")
    expect(one_place.page.get_by_role("button", name="Low:")).to_have_text("Low: 0")


# With accounts ------------------------------------------------------------------------------------------------------


def controls(scope: Locator | Page) -> set[str]:
    """The names of the visible controls that are not disabled."""
    found = scope.get_by_role("button").or_(scope.get_by_role("checkbox")).or_(scope.get_by_role("textbox"))
    return {
        element.get_attribute("aria-label") or " ".join(element.inner_text().split())
        for element in found.all()
        if element.is_visible() and element.is_enabled()
    }


def test_where_somebody_may_only_read_there_are_no_controls(page: Page, accounts: Stack) -> None:
    grant(accounts, "bob", {1: "viewer", 4: "editor"})
    accounts.sql("DELETE FROM inventory WHERE name = 'Bolts'")
    dashboard = open_as(page, accounts, "bob")
    shows_rows(dashboard, 3)
    expect(dashboard.row("Tarp").locator(".stock-row-more")).to_be_visible()
    assert controls(dashboard.row("Nuts")) == {"Nuts"}
    assert controls(dashboard.row("Tarp")) == {
        *("Tarp", "Select Tarp", "One less of Tarp", "One more of Tarp", "Delete Tarp", "Quantity of Tarp: 2. Edit"),
    }
    check_accessibility(page, "locations-partial")
    assert add_location(page).locator("option").all_inner_texts() == ["Van"]
    dashboard.row("Nuts").locator(".stock-row-name").focus()
    for key in ("+", "-", "e", "x", "Delete"):
        page.keyboard.press(key)
    drawer = dashboard.open_item("Nuts")
    expect(drawer.get_by_label("Name", exact=True)).to_have_js_property("readOnly", True)

    for name in ("Save", "One more", "One less", "Restore"):
        expect(drawer.get_by_role("button", name=name)).not_to_be_visible()
    page.keyboard.press("Escape")
    drawer = dashboard.open_item("Tarp")
    drawer.get_by_role("button", name="One more").click()
    expect(drawer.get_by_role("button", name="Save")).to_be_visible()
    page.keyboard.press("Escape")
    dashboard.shows("Tarp", 3)
    page.get_by_label("Select all that are shown").check()
    expect(page.locator(".selection-count")).to_have_text("2 selected")
    page.get_by_role("button", name="Clear").click()
    accounts.sql("DELETE FROM inventory WHERE name IN ('Nuts', 'Tarp')")
    page.get_by_role("button", name="Deleted items").click()
    expect(page.locator(".deleted-item")).to_have_count(4)
    expect(page.get_by_role("button", name="Restore Tarp")).to_be_visible()
    expect(page.get_by_role("button", name="Restore Nuts")).not_to_be_visible()
    expect(page.locator(".deleted-item", has_text="Tarp")).to_contain_text("3 in stock at Van")
    assert accounts.sql("SELECT after ->> 'name' FROM inventory_history WHERE actor = 'bob'") == [("Tarp",)]


def test_who_may_see_one_location_sees_nothing_of_locations_nor_of_the_others(page: Page, accounts: Stack) -> None:
    grant(accounts, "bob", {4: "editor"})
    accounts.sql("UPDATE location SET name = 'Headquarters' WHERE id = 1")
    received: list[str] = []

    def keep(route: Route) -> None:
        response = route.fetch()
        received.append(response.text())
        route.fulfill(response=response)

    page.route("**/api/**", keep)
    dashboard = Dashboard(page, accounts).without_shared_worker()
    streamed = hear_events(page)
    open_as(page, accounts, "bob")
    shows_rows(dashboard, 2)
    for part in (location_filter(page), add_location(page), *page.locator(".stock-row-place").all()):
        expect(part).not_to_be_visible()
    expect(page.get_by_role("button", name="Locations", exact=True)).not_to_be_visible()
    dashboard.add("Flare", 6)
    dashboard.shows("Flare", 6)
    assert accounts.sql("SELECT location FROM inventory WHERE name = 'Flare'") == [("4",)]

    accounts.sql("UPDATE inventory SET quantity = 987654321 WHERE name = 'Nuts'")
    accounts.sql("INSERT INTO inventory (name, quantity, location) VALUES ('Secret', 876543219, 2)")
    accounts.sql("DELETE FROM inventory WHERE name = 'Bolts'")
    accounts.sql("UPDATE inventory SET quantity = 9 WHERE name = 'Tarp'")
    dashboard.shows("Tarp", 9)
    page.get_by_role("button", name="Deleted items").click()
    expect(page.locator(".deleted-list-said")).not_to_have_text("Loading…")
    page.keyboard.press("Escape")
    page.reload()
    dashboard.is_now("Live")
    shows_rows(dashboard, 3)

    assert {item.name for item in dashboard.stock()} == {"Tarp", "Flare", "Rope with a rather long name, for towing"}
    page.unroute_all(behavior="wait")
    texts = [page.content(), *received, *streamed]
    for heard in (received, streamed):
        assert any("Tarp" in text for text in heard)
    for text in texts:
        for secret in ("Nuts", "Bolts", "Secret", "987654321", "876543219", "Headquarters", "Room 2", "Shelf 10"):
            assert secret not in text, f"{secret} in {text[:200]}"


def hear_events(page: Page) -> list[str]:
    """Collect the data of every event of the page's own stream."""
    heard: list[str] = []
    page.expose_function("hearEvent", lambda data: heard.append(data))
    page.add_init_script("""{
        const listen = EventSource.prototype.addEventListener;
        EventSource.prototype.addEventListener = function (type, take) {
            listen.call(this, type, (frame) => {
                if (frame.data) globalThis.hearEvent(frame.data);
                take(frame);
            });
        };
    }""")
    return heard


def test_new_rights_bring_and_take_locations_at_once(page: Page, accounts: Stack) -> None:
    grant(accounts, "bob", {4: "editor"})
    dashboard = open_as(page, accounts, "bob")
    shows_rows(dashboard, 2)
    page.get_by_label("Name", exact=True).fill("Half an it")
    grant(accounts, "bob", {4: "editor", 2: "viewer"})
    shows_rows(dashboard, 4)
    expect(location_filter(page)).to_be_visible()
    expect(dashboard.row("Nuts").locator(".stock-row-place")).to_have_text("Room 2")
    expect(dashboard.row("Nuts").locator(".stock-row-more")).not_to_be_visible()
    grant(accounts, "bob", {4: "editor", 2: "editor"})
    expect(dashboard.row("Nuts").locator(".stock-row-more")).to_be_visible()
    location_filter(page).select_option("Room 2")
    shows_rows(dashboard, 2)
    drawer = dashboard.open_item("Nuts")
    expect(drawer.locator(".history-entry")).to_have_count(1)
    grant(accounts, "bob", {4: "viewer"})
    expect(page.get_by_text("No such item")).to_be_visible()
    expect(drawer.locator(".history-entry")).to_have_count(0)
    page.keyboard.press("Escape")
    shows_rows(dashboard, 2)
    expect(location_filter(page)).not_to_be_visible()
    assert "Nuts" not in page.locator("main").inner_html()
    expect(dashboard.row("Tarp").locator(".stock-row-more")).not_to_be_visible()
    expect(page.get_by_role("button", name="Add item")).not_to_be_visible()


def test_a_location_that_moves_to_where_somebody_may_edit_gets_its_controls(page: Page, accounts: Stack) -> None:
    """They see the same locations as before, but may do more there."""
    grant(accounts, "bob", {1: "viewer", 4: "editor"})
    dashboard = open_as(page, accounts, "bob")
    shows_rows(dashboard, 5)
    expect(location_filter(page)).to_be_visible()
    expect(dashboard.row("Nuts").locator(".stock-row-more")).not_to_be_visible()
    accounts.sql("UPDATE location SET parent = 4 WHERE id = 2")
    expect(dashboard.row("Nuts").locator(".stock-row-more")).to_be_visible()
    expect(dashboard.row("Nuts").locator(".stock-row-place")).to_have_text("Van/Room 2")


def test_the_access_log_says_what_was_done_to_which_location(page: Page, accounts: Stack) -> None:
    open_as(page, accounts, "ann")
    dialog = open_locations(page)
    dialog.get_by_role("button", name="Change Van").click()
    dialog.get_by_label("Location name").fill("Lorry")
    dialog.get_by_label("Lies in").select_option("Main")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Saved.")).to_be_visible()
    page.goto(f"{accounts.api_url}/accounts")
    cells = page.locator(".access-log tbody tr").first.get_by_role("cell")
    expect(cells.nth(1)).to_have_text("ann")
    expect(cells.nth(2)).to_have_text("changed the location: name Lorry, in Main")
    expect(cells.nth(3)).to_have_text("Van")


def test_an_account_says_where_its_role_ends(page: Page, accounts: Stack) -> None:
    grant(accounts, "bob", {1: "viewer", 4: "editor"})
    open_as(page, accounts, "bob")
    expect(location_filter(page)).to_be_visible()
    page.get_by_role("button", name="Account: bob").click()
    expect(page.get_by_text("You can change the stock at some locations, and read it at the others.")).to_be_visible()


@WIDTHS
def test_an_admin_grants_roles_at_locations(page: Page, accounts: Stack, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    open_as(page, accounts, "ann")
    expect(page.get_by_role("button", name="Locations", exact=True)).to_be_visible()
    page.goto(f"{accounts.api_url}/accounts")
    everywhere = page.get_by_label("Role of bob at all locations")
    expect(everywhere).to_have_value("")
    more = page.get_by_label("Add a role at a location to bob")
    more.click()
    page.get_by_label("Location of another role of bob").select_option("Main/Room 2/Shelf 10")
    page.get_by_label("Another role of bob", exact=True).select_option("editor")
    page.get_by_role("button", name="Add role of bob").click()
    at_shelf = page.get_by_label("Role of bob at Main/Room 2/Shelf 10", exact=True)
    expect(at_shelf).to_have_value("editor")
    page.get_by_label("Location of another role of bob").select_option("Van")
    page.get_by_label("Another role of bob", exact=True).select_option("viewer")
    page.get_by_role("button", name="Add role of bob").click()
    expect(page.get_by_label("Role of bob at Van", exact=True)).to_have_value("viewer")
    assert grants(accounts, "bob") == [("3", "editor"), ("4", "viewer")]
    expect(page.get_by_label("bob is active")).to_be_visible()
    check_accessibility(page, f"locations-grants-{width}")
    expect(page.locator(".access-log tbody tr").first).to_contain_text(
        "role editor at Main/Room 2/Shelf 10, viewer at Van"
    )
    page.get_by_label("Role of bob at Van", exact=True).select_option("editor")
    at_shelf.select_option("viewer")
    everywhere.select_option("viewer")
    expect(page.locator(".access-log tbody tr").first).to_contain_text("role viewer,")
    assert grants(accounts, "bob") == [("", "viewer"), ("3", "viewer"), ("4", "editor")]
    page.get_by_role("button", name="Remove the role of bob at Van").click()
    expect(page.get_by_text("The role at Van was removed.")).to_be_visible()
    expect(page.get_by_role("button", name="Remove the role of bob at Main/Room 2/Shelf 10")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".grant")).to_have_count(0)
    expect(more).to_be_focused()
    assert grants(accounts, "bob") == [("", "viewer")]
    accounts.sql("DELETE FROM inventory WHERE location = 4; DELETE FROM location WHERE id = 4")
    page.get_by_label("Location of another role of bob").select_option("Van")
    page.get_by_role("button", name="Add role of bob").click()
    expect(page.locator(".person", has_text="bob").locator(".person-said")).to_contain_text("there is no such location")
    expect(page.locator(".grant")).to_have_count(0)
    check_accessibility(page, f"locations-grant-refused-{width}")

    people = page.locator(".people-add")
    people.get_by_label("Name").fill("carl")
    people.get_by_label("Password").fill(PASSWORD)
    people.get_by_label("Role").select_option("admin")
    people.get_by_label("Where").select_option("Main")
    people.get_by_role("button", name="Add account").click()
    expect(page.locator("#people-location-error")).to_contain_text("admin is a role for all locations")
    check_accessibility(page, f"locations-account-refused-{width}")
    people.get_by_label("Role").select_option("editor")
    people.get_by_role("button", name="Add account").click()
    expect(page.get_by_label("Role of carl at Main", exact=True)).to_have_value("editor")
    assert grants(accounts, "carl") == [("1", "editor")]


def grants(stack: Stack, name: str) -> list[tuple[str, ...]]:
    return stack.sql(
        "SELECT g.location, g.role FROM access_grant g JOIN principal p ON p.id = g.principal"
        f" WHERE p.name = '{name}' ORDER BY g.location NULLS FIRST"
    )


def test_with_one_location_an_account_has_one_role(page: Page, accounts: Stack) -> None:
    accounts.sql(ONE_PLACE)
    open_as(page, accounts, "ann")
    page.goto(f"{accounts.api_url}/accounts")
    expect(page.get_by_label("Role of bob", exact=True)).to_have_value("")
    for part in (".person-role-where", ".person-grants", ".people-location"):
        expect(page.locator(part).first).not_to_be_visible()
    page.get_by_label("Role of bob").select_option("editor")
    expect(page.locator(".access-log tbody tr").first).to_contain_text("role editor")
    assert grants(accounts, "bob") == [("", "editor")]


def test_only_admins_manage_locations(page: Page, accounts: Stack) -> None:
    grant(accounts, "bob", {None: "editor"})
    dashboard = open_as(page, accounts, "bob")
    shows_rows(dashboard, 5)
    expect(page.get_by_role("button", name="Locations", exact=True)).not_to_be_visible()
    add_location(page).select_option("Van")
    dashboard.add("Jack", 1)
    dashboard.shows("Jack", 1)
    grant(accounts, "bob", {None: "admin"})
    dialog = open_locations(page)
    dialog.get_by_label("Location name").fill("Annex")
    dialog.get_by_role("button", name="Add location").click()
    expect(dialog.get_by_text("Annex was added.")).to_be_visible()
    grant(accounts, "bob", {None: "viewer"})
    expect(dialog).not_to_be_visible()
