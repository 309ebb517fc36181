"""Accounts with rights at some locations: what they see, and how admins grant them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.accounts import PASSWORD
from tests.browser.dashboard import Dashboard
from tests.browser.people import open_account, open_as
from tests.browser.places import (
    ONE_PLACE,
    add_location,
    grant,
    location_filter,
    open_locations,
    show_location,
    shows_rows,
)
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

    from tests.stack import Stack

ROPE = "Rope with a rather long name, for towing"
PLACEHOLDERS = "inputs => inputs.filter((input) => input.readOnly).map(({ placeholder }) => placeholder)"
WIDTHS = pytest.mark.parametrize("width", [360, 768, 1280])


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
    expect(dashboard.row("Tarp").locator(".stock-row-edit")).to_be_enabled()
    assert controls(dashboard.row("Nuts")) == {"Nuts"}
    assert controls(dashboard.row("Tarp")) == {"Tarp", "Select Tarp", "Quantity of Tarp: 2. Edit"}
    check_accessibility(page, "locations-partial")
    dashboard.open_add()
    assert add_location(page).locator("option").all_inner_texts() == ["Van"]
    dashboard.close_add()
    expect(page.get_by_role("button", name="Move")).not_to_be_visible()
    dashboard.row("Nuts").locator(".stock-row-name").focus()
    for key in ("+", "-", "=", "e", "x", "Delete"):
        page.keyboard.press(key)
    expect(page.locator(".quantity-edit, .notice")).to_have_count(0)
    expect(page.locator(".selection")).to_be_hidden()
    panel = dashboard.open_fields("Nuts")
    expect(panel.get_by_label("Name", exact=True)).to_have_js_property("readOnly", True)
    assert set(panel.locator("input, textarea").evaluate_all(PLACEHOLDERS)) == {""}
    for name in ("Save", "Take", "Add", "Set", "Restore"):
        expect(panel.get_by_role("button", name=name)).not_to_be_visible()
    panel.get_by_label("More actions").click()
    expect(panel.get_by_role("button", name="Delete")).not_to_be_visible()
    dashboard.open_fields("Tarp")
    expect(panel.get_by_label("Name", exact=True)).to_have_attribute("placeholder", re.compile("For example"))
    panel.get_by_role("button", name="Add").click()
    expect(panel.get_by_role("button", name="Save")).to_be_visible()
    page.keyboard.press("Escape")
    dashboard.shows("Tarp", 3)
    page.get_by_label("Select all that are shown").check()
    expect(page.locator(".selection-count")).to_have_text(f"2 selected: {ROPE}, Tarp")
    page.get_by_role("button", name="Clear").click()
    accounts.sql("DELETE FROM inventory WHERE name IN ('Nuts', 'Tarp')")
    dashboard.open_menu().get_by_role("button", name="Deleted items").click()
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
    dashboard.open_add()
    for part in (location_filter(page), add_location(page), *page.locator(".stock-row-place").all()):
        expect(part).not_to_be_visible()
    dashboard.add("Flare", 6)
    dashboard.shows("Flare", 6)
    dashboard.close_add()
    menu = dashboard.open_menu()
    expect(menu.get_by_role("button", name="Locations", exact=True)).not_to_be_visible()
    page.keyboard.press("Escape")
    assert accounts.sql("SELECT location FROM inventory WHERE name = 'Flare'") == [("4",)]

    accounts.sql("UPDATE inventory SET quantity = 987654321 WHERE name = 'Nuts'")
    accounts.sql("INSERT INTO inventory (name, quantity, location) VALUES ('Secret', 876543219, 2)")
    accounts.sql("DELETE FROM inventory WHERE name = 'Bolts'")
    accounts.sql("UPDATE inventory SET quantity = 9 WHERE name = 'Tarp'")
    dashboard.shows("Tarp", 9)
    dashboard.open_menu().get_by_role("button", name="Deleted items").click()
    expect(page.locator(".deleted-list-said")).not_to_have_text("Loading…")
    page.keyboard.press("Escape")
    page.reload()
    dashboard.is_now("Live")
    shows_rows(dashboard, 3)

    assert {item.name for item in dashboard.stock()} == {"Tarp", "Flare", ROPE}
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
    dashboard.open_add().get_by_label("Name", exact=True).fill("Half an it")
    dashboard.close_add()
    dashboard.leave_list()
    grant(accounts, "bob", {4: "editor", 2: "viewer"})
    shows_rows(dashboard, 4)
    expect(location_filter(page)).to_be_visible()
    expect(dashboard.row("Nuts").locator(".stock-row-place")).to_have_text("Room 2")
    expect(dashboard.row("Nuts").locator(".stock-row-edit")).to_be_disabled()
    grant(accounts, "bob", {4: "editor", 2: "editor"})
    expect(dashboard.row("Nuts").locator(".stock-row-edit")).to_be_enabled()
    expect(dashboard.open_add().get_by_label("Name", exact=True)).to_have_value("Half an it")
    dashboard.close_add()
    show_location(page, "Room 2")
    shows_rows(dashboard, 2)
    panel = dashboard.open_fields("Nuts")
    expect(panel.locator(".history-entry")).to_have_count(1)
    grant(accounts, "bob", {4: "viewer"})
    expect(page.get_by_text("No such item")).to_be_visible()
    expect(panel.locator(".history-entry")).to_have_count(0)
    expect(panel.get_by_label("Name", exact=True)).not_to_be_visible()
    check_accessibility(page, "locations-taken")
    page.keyboard.press("Escape")
    dashboard.leave_list()
    shows_rows(dashboard, 2)
    expect(location_filter(page)).not_to_be_visible()
    assert "Nuts" not in page.locator("main").inner_html()
    expect(dashboard.row("Tarp").locator(".stock-row-edit")).to_be_disabled()
    expect(page.get_by_role("button", name="Add item")).not_to_be_visible()


def test_a_location_that_moves_to_where_somebody_may_edit_gets_its_controls(page: Page, accounts: Stack) -> None:
    """They see the same locations as before, but may do more there."""
    grant(accounts, "bob", {1: "viewer", 4: "editor"})
    dashboard = open_as(page, accounts, "bob")
    shows_rows(dashboard, 5)
    expect(location_filter(page)).to_be_visible()
    expect(dashboard.row("Nuts").locator(".stock-row-edit")).to_be_disabled()
    accounts.sql("UPDATE location SET parent = 4 WHERE id = 2")
    expect(dashboard.row("Nuts").locator(".stock-row-edit")).to_be_enabled()
    expect(dashboard.row("Nuts").locator(".stock-row-place")).to_have_text("Van/Room 2")


def test_the_access_log_says_what_was_done_to_which_location(page: Page, accounts: Stack) -> None:
    dialog = open_locations(open_as(page, accounts, "ann"))
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
    open_account(page, "bob")
    expect(page.get_by_text("You can change the stock at some locations, and read it at the others.")).to_be_visible()


@WIDTHS
def test_an_admin_grants_roles_at_locations(page: Page, accounts: Stack, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    menu = open_as(page, accounts, "ann").open_menu()
    expect(menu.get_by_role("button", name="Locations", exact=True)).to_be_visible()
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
    menu = dashboard.open_menu()
    expect(menu.get_by_role("button", name="Deleted items")).to_be_visible()
    expect(menu.get_by_role("button", name="Locations", exact=True)).not_to_be_visible()
    page.keyboard.press("Escape")
    dashboard.open_add()
    add_location(page).select_option("Van")
    dashboard.add("Jack", 1)
    dashboard.shows("Jack", 1)
    dashboard.close_add()
    grant(accounts, "bob", {None: "admin"})
    dialog = open_locations(dashboard)
    dialog.get_by_label("Location name").fill("Annex")
    dialog.get_by_role("button", name="Add location").click()
    expect(dialog.get_by_text("Annex was added.")).to_be_visible()
    grant(accounts, "bob", {None: "viewer"})
    expect(dialog).not_to_be_visible()
