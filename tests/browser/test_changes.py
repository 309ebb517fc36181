"""Adding, editing and deleting on the page. A refused change is rolled back with the reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.browser.dashboard import Dashboard
    from tests.browser.watched import Watch


@pytest.fixture
def bolts(dashboard: Dashboard) -> Dashboard:
    """The page with one item, Bolts, with quantity 12."""
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    return dashboard.open()


def test_an_item_is_added_and_the_form_is_ready_for_the_next(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.add("  Pallet jack ", 3)
    dashboard.shows("Pallet jack", 3)
    dashboard.says("Pallet jack was added.")
    name = dashboard.page.get_by_label("Name", exact=True)
    expect(name).to_have_value("")
    expect(name).to_be_focused()
    dashboard.equals_the_table()


NAME_MISSING = "Give the item a name."
NAME_TOO_LONG = "A name has at most 200 characters."
NOT_A_WHOLE_NUMBER = "Enter a whole number, 0 or more."
TOO_MANY = "A quantity is at most 2,147,483,647."
MISTAKES: list[tuple[str, str, str, int | str]] = [
    ("Name", NAME_MISSING, "", 1),
    ("Name", NAME_MISSING, "   ", 1),
    ("Name", NAME_TOO_LONG, "x" * 201, 1),
    *(("Quantity", NOT_A_WHOLE_NUMBER, "Nuts", entry) for entry in ("", "-1", "1.5", "1e3", "ten")),
    ("Quantity", TOO_MANY, "Nuts", 2_147_483_648),
]


def test_an_invalid_value_is_reported_at_its_field(dashboard: Dashboard) -> None:
    dashboard.open()
    for field, message, name, quantity in MISTAKES:
        box = dashboard.page.get_by_label(field, exact=True)
        dashboard.add(name, quantity)
        expect(box).to_have_accessible_description(message)
        expect(box).to_have_attribute("aria-invalid", "true")
        expect(box).to_be_focused()
        box.fill("1")
        expect(dashboard.page.get_by_text(message)).to_be_hidden()
    assert dashboard.items() == []


def test_a_value_that_only_the_server_refuses_is_reported_at_its_field(dashboard: Dashboard, watch: Watch) -> None:
    watch.expect("status of 4")
    dashboard.open()
    dashboard.add("Nuts \u0085 and bolts", 1)
    name = dashboard.page.get_by_label("Name", exact=True)
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_value("Nuts \u0085 and bolts")


def test_a_quantity_is_edited_in_place_and_shown_before_the_server_answers(bolts: Dashboard) -> None:
    held: list[Route] = []
    bolts.page.route("**/api/inventories/*", lambda route: held.append(route))
    bolts.edit("Bolts", 15)
    bolts.shows("Bolts", 15)
    assert bolts.stack.sql("SELECT quantity FROM inventory") == [("12",)]
    held[0].continue_()
    expect(bolts.row("Bolts")).not_to_have_class("stock-row is-pending")
    bolts.equals_the_table()
    assert bolts.sql("SELECT quantity FROM inventory") == [("15",)]


def test_escape_leaves_the_quantity_as_it_was(bolts: Dashboard) -> None:
    box = bolts.start_edit("Bolts")
    expect(box).to_be_focused()
    box.fill("99")
    box.press("Escape")
    expect(bolts.row("Bolts").locator(".stock-row-edit")).to_be_focused()
    bolts.shows("Bolts", 12)


def test_an_invalid_quantity_is_not_sent(bolts: Dashboard) -> None:
    bolts.edit("Bolts", "many")
    box = bolts.row("Bolts").locator(".quantity-edit-input")
    expect(box).to_have_accessible_description("Enter a whole number, 0 or more.")
    expect(box).to_have_value("many")


def test_a_conflicting_edit_rolls_back_and_shows_the_earlier_change(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("status of 412")

    def change_first(route: Route) -> None:
        bolts.stack.sql("UPDATE inventory SET quantity = 9")
        route.continue_()

    bolts.page.route("**/api/inventories/*", change_first)
    bolts.edit("Bolts", 15)
    bolts.says("Bolts was changed to 9 by stockstream, so it was not set to 15.")
    bolts.shows("Bolts", 9)
    bolts.page.unroute("**/api/inventories/*")
    bolts.notice("Bolts was changed").get_by_role("button", name="Set to 15 anyway").click()
    bolts.shows("Bolts", 15)
    bolts.equals_the_table()


def test_an_edit_that_the_server_refuses_rolls_back_with_its_reason(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("status of 503")
    problem = {"title": "Service Unavailable", "status": 503, "detail": "The database can't be reached."}
    bolts.page.route("**/api/inventories/*", lambda route: route.fulfill(status=503, body=json.dumps(problem)))
    bolts.edit("Bolts", 15)
    bolts.says("Bolts may not have been set to 15. The database can't be reached.")
    bolts.shows("Bolts", 12)


def test_an_edit_of_an_item_that_is_gone_says_so(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("status of 404")

    def delete_first(route: Route) -> None:
        bolts.stack.sql("DELETE FROM inventory")
        route.continue_()

    bolts.page.route("**/api/inventories/*", delete_first)
    bolts.edit("Bolts", 15)
    bolts.says("Bolts was deleted, so it was not set to 15.")
    bolts.shows_nothing_of("Bolts")


def test_an_edit_in_progress_is_not_disturbed_by_live_changes(bolts: Dashboard) -> None:
    box = bolts.start_edit("Bolts")
    box.fill("4")
    bolts.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 30) n")
    bolts.sql("UPDATE inventory SET quantity = 40 WHERE name = 'Bolts'")
    expect(box).to_have_accessible_description("Now 40")
    expect(box).to_have_value("4")
    expect(box).to_be_focused()
    box.press("End")
    box.press_sequentially("2")
    box.press("Enter")
    bolts.shows("Bolts", 42)
    bolts.equals_the_table()


def test_an_edit_in_progress_outlives_its_item(bolts: Dashboard) -> None:
    box = bolts.start_edit("Bolts")
    box.fill("4")
    bolts.sql("DELETE FROM inventory")
    expect(box).to_have_accessible_description("Deleted")
    expect(box).to_be_focused()
    expect(bolts.row("Bolts").get_by_role("button", name="Save")).to_be_disabled()
    box.press("Escape")
    bolts.shows_nothing_of("Bolts")


def test_an_item_is_deleted_at_once_and_undo_brings_it_back(bolts: Dashboard) -> None:
    [(item_id,)] = bolts.sql("SELECT id FROM inventory")
    bolts.delete("Bolts")
    bolts.shows_nothing_of("Bolts")
    bolts.says("Bolts was deleted.")
    assert bolts.sql("SELECT count(*) FROM inventory") == [("0",)]
    bolts.notice("Bolts was deleted.").get_by_role("button", name="Undo").click()
    bolts.shows("Bolts", 12)
    bolts.says("Bolts was restored.")
    assert bolts.sql("SELECT id FROM inventory") == [(item_id,)]
    bolts.equals_the_table()


def test_an_item_that_is_being_deleted_is_gone_before_the_server_answers(bolts: Dashboard) -> None:
    held: list[Route] = []
    bolts.page.route("**/api/inventories/*", lambda route: held.append(route))
    bolts.delete("Bolts")
    bolts.shows_nothing_of("Bolts")
    assert bolts.stack.sql("SELECT count(*) FROM inventory") == [("1",)]
    held[0].continue_()
    bolts.says("Bolts was deleted.")
    bolts.equals_the_table()


def test_an_item_that_changed_before_its_deletion_is_kept_and_shown_again(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("status of 412")

    def change_first(route: Route) -> None:
        bolts.stack.sql("UPDATE inventory SET quantity = 500")
        route.continue_()

    bolts.page.route("**/api/inventories/*", change_first)
    bolts.delete("Bolts")
    bolts.says("Bolts was changed to 500, so it was not deleted.")
    bolts.shows("Bolts", 500)


def test_the_focus_passes_to_the_next_row_when_its_own_is_deleted(bolts: Dashboard) -> None:
    bolts.sql("INSERT INTO inventory (name, quantity) VALUES ('Nuts', 1)")
    bolts.row("Nuts").locator(".stock-row-delete").press("Enter")
    bolts.shows_nothing_of("Nuts")
    expect(bolts.row("Bolts").locator(".stock-row-delete")).to_be_focused()


def test_many_notices_are_folded_and_each_disappears_by_itself(dashboard: Dashboard) -> None:
    dashboard.page.clock.install()
    dashboard.open()
    for number in range(5):
        dashboard.add(f"Item {number}", number)
        dashboard.says(f"Item {number} was added.")
    status = dashboard.page.locator(".notices")
    expect(status.locator(".notice")).to_have_count(3)
    expect(status).to_contain_text("2 earlier")
    dashboard.notice("Item 3").get_by_role("button", name="Dismiss").click()
    expect(status.locator(".notice")).to_have_count(2)
    dashboard.page.mouse.move(0, 0)
    dashboard.page.clock.fast_forward(6_000)
    expect(status).to_be_empty()
