"""Taking and adding: every click counts, at any speed and during changes by others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.held import Held

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.browser.dashboard import Dashboard
    from tests.browser.watched import Watch

ITEM = "**/api/inventories/*"


@pytest.fixture
def bolts(dashboard: Dashboard) -> Dashboard:
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    return dashboard.open()


def test_rapid_clicks_add_up_and_are_sent_together(bolts: Dashboard) -> None:
    held = Held(bolts.page, ITEM, "PATCH")
    bolts.step("Bolts", 7)
    bolts.step("Bolts", -2)
    bolts.shows("Bolts", 17)
    assert [request.post_data_json for request in held.wait_for(1)] == [{"adjust": 1}]
    held.let_through()
    assert [request.post_data_json for request in held.wait_for(1)] == [{"adjust": 4}]
    bolts.shows("Bolts", 17)
    held.let_through()
    bolts.equals_the_table()
    assert bolts.sql("SELECT quantity FROM inventory") == [("17",)]


def test_a_step_whose_response_is_lost_is_retried_and_counts_once(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("net::ERR")
    lost: list[Route] = []

    def lose_first(route: Route) -> None:
        lost.append(route)
        if len(lost) > 1:
            route.continue_()
        else:
            route.fetch()
            route.abort()

    bolts.page.route(ITEM, lose_first)
    bolts.step("Bolts", 1)
    expect(bolts.row("Bolts")).not_to_have_class("stock-row is-pending")
    bolts.shows("Bolts", 13)
    bolts.equals_the_table()
    assert len(lost) == 2
    assert bolts.sql("SELECT quantity FROM inventory") == [("13",)]


def test_steps_add_to_changes_by_others(bolts: Dashboard) -> None:
    bolts.sql("UPDATE inventory SET quantity = 100")
    bolts.step("Bolts", 3)
    bolts.stack.sql("UPDATE inventory SET quantity = quantity + 50")  # while the steps may be in flight
    bolts.step("Bolts", 2)
    bolts.shows("Bolts", 155)
    bolts.equals_the_table()


def test_nothing_goes_below_zero(bolts: Dashboard) -> None:
    sent: list[str] = []
    bolts.page.on("request", lambda request: sent.append(request.method))
    bolts.step("Bolts", -12)
    bolts.shows("Bolts", 0)
    bolts.wait_for_pending_writes()
    before = sent.count("PATCH")
    bolts.step("Bolts", -1)
    amount = bolts.page.locator(".item-panel").get_by_label("Amount")
    expect(amount).to_have_accessible_description("There are only 0.")
    expect(amount).to_be_focused()
    bolts.shows("Bolts", 0)
    bolts.equals_the_table()
    assert sent.count("PATCH") == before


def test_an_amount_is_taken_added_or_set(bolts: Dashboard) -> None:
    panel = bolts.open_item("Bolts")
    amount = panel.get_by_label("Amount")
    expect(amount).to_be_focused()
    steps = (("Take", "3", 9, "took 3, 9 left"), ("Add", "1,000", 1_009, "added 1,000, 1,009 now"))
    for verb, typed, quantity, said in (*steps, ("Set", "15", 15, "set to 15, was 1,009")):
        amount.fill(typed)
        panel.get_by_role("button", name=verb).click()
        bolts.shows("Bolts", quantity)
        bolts.says(f"Bolts: {said}")
        expect(amount).to_have_value("")
        bolts.wait_for_pending_writes()
    amount.fill("20")
    amount.press("Enter")
    expect(amount).to_have_accessible_description("Press Take, Add or Set, or type +20, \u221220 or =20.")
    amount.fill("-5")
    amount.press("Enter")
    bolts.says("Bolts: took 5, 10 left")
    bolts.equals_the_table()


def test_taking_is_undone_by_button_and_key_although_others_have_changed_it(bolts: Dashboard) -> None:
    bolts.step("Bolts", -5)
    bolts.says("Bolts: took 5, 7 left")
    bolts.sql("UPDATE inventory SET quantity = quantity + 100")
    bolts.shows("Bolts", 107)
    bolts.notice("took 5").get_by_role("button", name="Undo").click()
    bolts.says("Bolts: undone, 112 now")
    bolts.wait_for_pending_writes()
    bolts.step("Bolts", 2)
    bolts.says("Bolts: added 2, 114 now")
    bolts.wait_for_pending_writes()
    bolts.notice("added 2").get_by_role("button", name="Dismiss").click()
    expect(bolts.page.locator(".notice")).to_have_count(0)
    bolts.page.keyboard.press("u")
    bolts.says("Bolts: undone, 112 now")
    bolts.equals_the_table()


def test_a_quantity_that_is_set_during_another_change_is_not_lost(bolts: Dashboard) -> None:
    held = Held(bolts.page, ITEM, "PATCH")
    panel = bolts.open_item("Bolts")
    panel.get_by_role("button", name="Take").click()
    bolts.shows("Bolts", 11)
    amount = panel.get_by_label("Amount")
    amount.fill("50")
    panel.get_by_role("button", name="Set").click()
    expect(amount).to_have_accessible_description("The change before this is still being saved. Try again.")
    expect(amount).to_have_value("50")
    held.wait_for(1)
    held.let_through()
    bolts.says("Bolts: took 1, 11 left")
    bolts.wait_for_pending_writes()
    panel.get_by_role("button", name="Set").click()
    bolts.shows("Bolts", 50)
    bolts.says("Bolts: set to 50, was 11")
    bolts.equals_the_table()


def test_a_refused_step_is_rolled_back_with_the_reason(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("status of 409")

    def take_first(route: Route) -> None:
        bolts.stack.sql("UPDATE inventory SET quantity = 0")
        route.continue_()

    bolts.page.route(ITEM, take_first)
    bolts.step("Bolts", -1)
    bolts.says("Bolts: couldn't take 1, there are only 0")
    bolts.shows("Bolts", 0)
    bolts.equals_the_table()
