"""Adding, editing and deleting on the page. A refused change is rolled back with the reason."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import HINT, NOT_A_CHANGE
from tests.browser.held import Held

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Route

    from tests.browser.dashboard import Dashboard
    from tests.browser.watched import Watch

ITEM = "**/api/inventories/*"


@pytest.fixture
def bolts(dashboard: Dashboard) -> Dashboard:
    """The page with one item, Bolts, with quantity 12."""
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    return dashboard.open()


def test_an_item_is_added_and_the_dialog_is_ready_for_the_next(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.add("  Pallet jack ", 3)
    dashboard.shows("Pallet jack", 3)
    dashboard.says("Pallet jack was added.")
    name = dashboard.page.get_by_label("Name", exact=True)
    expect(name).to_have_value("")
    expect(name).to_be_focused()
    dashboard.add("Nuts", 4)
    dashboard.shows("Nuts", 4)
    dashboard.close_add()
    expect(dashboard.page.get_by_role("button", name="Add item")).to_be_focused()
    dashboard.equals_the_table()


def test_an_added_item_is_opened_from_its_notice(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.add("Pallet jack", 3)
    dashboard.notice("Pallet jack was added.").get_by_role("button", name="Open").click()
    panel = dashboard.page.locator(".item-panel")
    expect(panel.locator(".item-panel-title")).to_have_text("Pallet jack")
    expect(dashboard.page.locator(".add-dialog")).to_be_hidden()
    expect(panel.get_by_label("Amount")).to_be_focused()


def test_an_item_that_exists_already_is_pointed_out_before_another_is_added(bolts: Dashboard) -> None:
    dialog = bolts.open_add()
    warning = dialog.get_by_text("Bolts is in stock already, with 12. Another item is added.")
    dialog.get_by_label("Name", exact=True).fill("bolts ")
    expect(warning).to_be_visible()
    dialog.get_by_label("Name", exact=True).fill("bolts, long")
    expect(warning).to_be_hidden()
    dialog.get_by_label("Name", exact=True).fill("Bolts")
    dialog.get_by_role("button", name="Open it").click()
    expect(dialog).to_be_hidden()
    expect(bolts.page.locator(".item-panel-title")).to_have_text("Bolts")
    expect(bolts.page.locator(".item-panel").get_by_label("Amount")).to_be_focused()


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
    dashboard.open_add()
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
    held = Held(bolts.page, ITEM, "PUT")
    bolts.edit("Bolts", 15)
    bolts.shows("Bolts", 15)
    held.wait_for(1)
    assert bolts.stack.sql("SELECT quantity FROM inventory") == [("12",)]
    held.let_through()
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
    expect(box).to_have_accessible_description(NOT_A_CHANGE)
    expect(box).to_have_attribute("aria-invalid", "true")
    expect(box).to_have_value("many")
    for typed, complaint in (("-13", "There are only 12."), ("=2147483648", "At most 2,147,483,647.")):
        box.fill(typed)
        box.press("Enter")
        expect(box).to_have_accessible_description(complaint)
        expect(box).to_be_focused()
    bolts.equals_the_table()


CHANGES = {"+20": 32, "\N{MINUS SIGN}20": 12, "-2": 10, "+ 1,000": 1_010, "=74": 74, "15": 15, "1 000": 1_000}


def test_a_change_of_the_quantity_is_typed_with_its_sign(bolts: Dashboard) -> None:
    for typed, quantity in CHANGES.items():
        bolts.edit("Bolts", typed)
        bolts.shows("Bolts", quantity)
        bolts.wait_for_pending_writes()
    bolts.equals_the_table()


def test_the_result_of_a_typed_change_is_shown_while_typing(bolts: Dashboard) -> None:
    box = bolts.start_edit("Bolts")
    expect(box).to_have_accessible_description(HINT)
    box.fill("-5")
    expect(box).to_have_accessible_description("→ 7")
    bolts.sql("UPDATE inventory SET quantity = 100")
    expect(box).to_have_accessible_description("Now 100")
    box.press("Enter")
    bolts.shows("Bolts", 95)
    bolts.says("Bolts: took 5, 95 left")
    bolts.equals_the_table()


def test_an_edited_quantity_is_undone(bolts: Dashboard) -> None:
    bolts.edit("Bolts", 15)
    bolts.says("Bolts: set to 15, was 12")
    bolts.sql("UPDATE inventory SET quantity = quantity - 1")
    bolts.notice("set to 15").get_by_role("button", name="Undo").click()
    bolts.shows("Bolts", 11)
    bolts.says("Bolts: undone, 11 now")
    bolts.equals_the_table()


def edit_during_a_change(bolts: Dashboard, watch: Watch) -> Locator:
    """Set Bolts to 15 after others took 3 of the 12. Returns the dialog that asks what to save."""
    watch.expect("status of 412")

    def change_first(route: Route) -> None:
        bolts.stack.sql("UPDATE inventory SET quantity = 9")
        route.continue_()

    bolts.page.route(ITEM, change_first, times=1)
    bolts.edit("Bolts", 15)
    return bolts.page.get_by_role("dialog", name="Bolts has changed")


def test_a_conflicting_edit_rolls_back_and_the_person_decides(bolts: Dashboard, watch: Watch) -> None:
    dialog = edit_during_a_change(bolts, watch)
    text = "stockstream took 3 while you were editing: it was 12 and is 9 now."
    expect(dialog).to_have_accessible_description(text)
    bolts.shows("Bolts", 9)
    expect(dialog.get_by_role("button")).to_have_text(["Save 15", "Save 12", "Cancel"])
    expect(dialog.get_by_role("button", name="Save 15")).to_be_focused()
    dialog.get_by_role("button", name="Save 15").click()
    bolts.shows("Bolts", 15)
    bolts.says("Bolts: set to 15, was 9")
    bolts.equals_the_table()


def test_both_changes_of_a_conflict_can_be_saved(bolts: Dashboard, watch: Watch) -> None:
    edit_during_a_change(bolts, watch).get_by_role("button", name="Save 12").click()
    bolts.shows("Bolts", 12)
    bolts.says("Bolts: set to 12, was 9")
    assert bolts.sql("SELECT quantity FROM inventory") == [("12",)]
    bolts.equals_the_table()


def test_a_cancelled_conflict_leaves_the_change_of_the_others(bolts: Dashboard, watch: Watch) -> None:
    for cancel in ("button", "Escape"):
        bolts.sql("UPDATE inventory SET quantity = 12")
        bolts.shows("Bolts", 12)
        dialog = edit_during_a_change(bolts, watch)
        if cancel == "button":
            dialog.get_by_role("button", name="Cancel").click()
        else:
            expect(dialog.get_by_role("button", name="Save 15")).to_be_focused()
            bolts.page.keyboard.press(cancel)
        expect(dialog).to_be_hidden()
        expect(bolts.row("Bolts").locator(".stock-row-edit")).to_be_focused()
        bolts.shows("Bolts", 9)
        assert bolts.sql("SELECT quantity FROM inventory") == [("9",)]
        bolts.equals_the_table()


def test_a_name_and_a_quantity_that_are_changed_at_once_are_both_kept(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("status of 412")
    panel = bolts.open_fields("Bolts")
    panel.get_by_label("Name").fill("M4 bolts")
    bolts.sql("UPDATE inventory SET quantity = 9")
    expect(panel.locator(".item-panel-quantity")).to_have_text("9")
    panel.get_by_role("button", name="Save").click()
    bolts.says("Bolts is now called M4 bolts.")
    bolts.shows("M4 bolts", 9)
    expect(bolts.page.locator(".confirm")).to_be_hidden()
    bolts.equals_the_table()
    bolts.notice("is now called").get_by_role("button", name="Undo").click()
    bolts.shows("Bolts", 9)
    bolts.equals_the_table()


def test_two_new_names_of_an_item_are_a_conflict(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("status of 412")
    panel = bolts.open_fields("Bolts")
    panel.get_by_label("Name").fill("M4 bolts")
    bolts.sql("UPDATE inventory SET name = 'Screws'")
    expect(panel.locator(".item-panel-title")).to_have_text("Screws")
    panel.get_by_role("button", name="Save").click()
    dialog = bolts.page.get_by_role("dialog", name="Bolts has changed")
    expect(dialog).to_have_accessible_description("stockstream renamed it to Screws while you were editing.")
    dialog.get_by_role("button", name="Rename to M4 bolts").click()
    bolts.shows("M4 bolts", 12)
    bolts.equals_the_table()


def test_an_edit_that_the_server_refuses_rolls_back_with_its_reason(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("status of 503")
    problem = {"title": "Service Unavailable", "status": 503, "detail": "The database can't be reached."}
    bolts.page.route(ITEM, lambda route: route.fulfill(status=503, body=json.dumps(problem)))
    bolts.edit("Bolts", 15)
    bolts.says("Bolts may not have been changed. The database can't be reached.")
    bolts.shows("Bolts", 12)


def test_an_edit_of_an_item_that_is_gone_says_so(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("status of 404")

    def delete_first(route: Route) -> None:
        bolts.stack.sql("DELETE FROM inventory")
        route.continue_()

    bolts.page.route(ITEM, delete_first)
    bolts.edit("Bolts", 15)
    bolts.says("Bolts was deleted, so nothing was changed.")
    bolts.leave_list()
    bolts.shows_nothing_of("Bolts")


def test_an_edit_in_progress_is_not_disturbed_by_live_changes(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("status of 412")
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
    dialog = bolts.page.get_by_role("dialog", name="Bolts has changed")
    expect(dialog).to_have_accessible_description(
        "stockstream added 28 while you were editing: it was 12 and is 40 now."
    )
    dialog.get_by_role("button", name="Save 42").click()
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
    bolts.leave_list()
    bolts.shows_nothing_of("Bolts")


def test_an_item_is_deleted_at_once_and_undo_brings_it_back(bolts: Dashboard) -> None:
    [(item_id,)] = bolts.sql("SELECT id FROM inventory")
    bolts.delete("Bolts")
    bolts.says("Bolts was deleted.")
    expect(bolts.row("Bolts")).to_have_class(re.compile("is-gone"))
    expect(bolts.row("Bolts").locator(".stock-row-edit")).to_have_accessible_name("Bolts: deleted")
    bolts.leave_list()
    bolts.shows_nothing_of("Bolts")
    assert bolts.sql("SELECT count(*) FROM inventory") == [("0",)]
    bolts.notice("Bolts was deleted.").get_by_role("button", name="Undo").click()
    bolts.shows("Bolts", 12)
    bolts.says("Bolts was restored.")
    assert bolts.sql("SELECT id FROM inventory") == [(item_id,)]
    bolts.equals_the_table()


def test_an_item_is_deleted_and_restored_in_its_panel(bolts: Dashboard) -> None:
    panel = bolts.open_item("Bolts")
    for _ in range(2):
        panel.get_by_label("More actions").click()
        panel.get_by_role("button", name="Delete").click()
        expect(panel.locator(".item-panel-quantity")).to_have_text("Deleted")
        expect(panel.get_by_role("heading", name="Bolts")).to_be_focused()
        bolts.leave_list()
        bolts.shows_nothing_of("Bolts")
        panel.get_by_role("button", name="Restore").click()
        bolts.shows("Bolts", 12)
        expect(panel.locator(".item-panel-quantity")).to_have_text("12")
    bolts.equals_the_table()
    panel.get_by_label("More actions").click()
    panel.get_by_role("button", name="Delete").click()
    bolts.shows_nothing_of("Bolts")
    panel.get_by_role("button", name="Close").click()
    expect(bolts.page.get_by_role("heading", name="Stock")).to_be_focused()


def test_an_item_that_is_being_deleted_is_gone_before_the_server_answers(bolts: Dashboard) -> None:
    held = Held(bolts.page, ITEM, "DELETE")
    bolts.delete("Bolts")
    expect(bolts.row("Bolts")).to_have_class(re.compile("is-gone"))
    bolts.leave_list()
    bolts.shows_nothing_of("Bolts")
    held.wait_for(1)
    assert bolts.stack.sql("SELECT count(*) FROM inventory") == [("1",)]
    held.let_through()
    bolts.says("Bolts was deleted.")
    bolts.equals_the_table()


def test_an_item_that_changed_before_its_deletion_is_kept_and_shown_again(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("status of 412")

    def change_first(route: Route) -> None:
        bolts.stack.sql("UPDATE inventory SET quantity = 500")
        route.continue_()

    bolts.page.route(ITEM, change_first)
    bolts.delete("Bolts")
    bolts.says("Bolts was changed to 500, so it was not deleted.")
    bolts.shows("Bolts", 500)


def test_the_focus_stays_in_the_list_when_its_row_is_deleted(bolts: Dashboard) -> None:
    bolts.sql("INSERT INTO inventory (name, quantity) VALUES ('Nuts', 1)")
    bolts.shows("Nuts", 1)
    bolts.delete("Bolts")
    bolts.says("Bolts was deleted.")
    expect(bolts.row("Bolts").locator(".stock-row-name")).to_be_focused()
    bolts.page.locator(".stock-list-waiting").click()
    bolts.shows_nothing_of("Bolts")


def test_only_the_latest_notice_is_shown_and_it_disappears_by_itself(dashboard: Dashboard) -> None:
    dashboard.page.clock.install()
    dashboard.open()
    for number in range(5):
        dashboard.add(f"Item {number}", number)
        dashboard.says(f"Item {number} was added.")
        expect(dashboard.page.locator(".notice")).to_have_count(1)
    status = dashboard.page.locator(".notices")
    dashboard.notice("Item 4").hover()
    dashboard.page.clock.fast_forward(30_000)
    expect(dashboard.notice("Item 4")).to_be_visible()
    dashboard.page.mouse.move(0, 0)
    dashboard.page.clock.fast_forward(20_000)
    expect(status).to_be_empty()
    dashboard.add("Item 5", 5)
    dashboard.notice("Item 5").get_by_role("button", name="Dismiss").click()
    expect(status).to_be_empty()
