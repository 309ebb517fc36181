"""The + and - buttons: every click counts, at any speed and during changes by others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

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
    held: list[Route] = []
    bolts.page.route(ITEM, lambda route: held.append(route))
    bolts.step("Bolts", 7)
    bolts.step("Bolts", -2)
    bolts.shows("Bolts", 17)
    assert [json.loads(route.request.post_data or "") for route in held] == [{"adjust": 1}]
    with bolts.page.expect_request(ITEM) as second:
        held[0].continue_()
    assert json.loads(second.value.post_data or "") == {"adjust": 4}
    bolts.shows("Bolts", 17)
    held[1].continue_()
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
    bolts.sql("UPDATE inventory SET quantity = 1")
    bolts.shows("Bolts", 1)
    bolts.step("Bolts", -1)
    bolts.shows("Bolts", 0)
    less = bolts.row("Bolts").locator(".stock-row-less")
    expect(less).to_have_attribute("aria-disabled", "true")
    less.click(force=True)
    bolts.shows("Bolts", 0)
    bolts.equals_the_table()


def test_a_refused_step_is_rolled_back_with_the_reason(bolts: Dashboard, watch: Watch) -> None:
    watch.expect("status of 409")

    def take_first(route: Route) -> None:
        bolts.stack.sql("UPDATE inventory SET quantity = 0")
        route.continue_()

    bolts.page.route(ITEM, take_first)
    bolts.step("Bolts", -1)
    bolts.says("Bolts has 0 now, so 1 can't be taken away.")
    bolts.shows("Bolts", 0)
    bolts.equals_the_table()
