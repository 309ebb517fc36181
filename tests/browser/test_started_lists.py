"""Started lists: they are kept in the browser until they are booked, and booked once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard
from tests.browser.people import open_as
from tests.browser.places import STOCK, grant
from tests.browser.tasks import add_line, amounts, lines, open_task, quantities, save
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.browser.cable import Cable, CabledStack
    from tests.browser.watched import Watch
    from tests.stack import Stack

NETWORK = "net::ERR_|Failed to load resource"


def test_a_started_list_survives_a_reload_and_says_what_changed_meanwhile(stocked: Dashboard) -> None:
    page = stocked.page
    view = open_task(page, "Pick")
    view.get_by_label("Note").fill("Order 12")
    add_line(view, "Bolts", "4")
    expect(page).to_have_url(re.compile(r"\?view=pick$"))
    page.reload()
    stocked.is_now("Live")
    expect(view.get_by_label("Note")).to_have_value("Order 12")
    assert amounts(view) == ["4"]
    page.goto("about:blank")
    stocked.stack.sql("UPDATE inventory SET quantity = 30 WHERE name = 'Bolts'")
    page.go_back()
    stocked.is_now("Live")
    expect(lines(view)).to_contain_text("Changed since: it was 40, it is 30 now.")
    save(view).click()
    stocked.says("Bolts was picked.")
    assert quantities(stocked.stack)[0] == ("Bolts", "26")
    page.reload()
    expect(view.get_by_text("Nothing in the list yet.")).to_be_visible()


def test_a_started_list_survives_no_network_and_is_booked_once_after_it(
    page: Page, cabled_stack: CabledStack, watch: Watch
) -> None:
    watch.expect(NETWORK)
    cabled_stack.sql(STOCK)
    dashboard = Dashboard(page, cabled_stack).open()
    view = open_task(page, "Receive")
    page.context.set_offline(True)
    cabled_stack.cut()  # else the stream, which the browser does not end, would make the page live again
    dashboard.is_now("Offline")
    add_line(view, "Bolts", "4")
    save(view).click()
    expect(view.get_by_role("alert")).to_contain_text("It may have been booked, or not.")
    cabled_stack.mend()
    page.context.set_offline(False)
    page.reload()
    dashboard.is_now("Live")
    expect(view.get_by_role("alert")).to_contain_text("It may have been booked, or not.")
    view.get_by_role("button", name="Book again").click()
    dashboard.says("Bolts was received.")
    assert quantities(cabled_stack)[0] == ("Bolts", "44")


def test_a_started_list_is_the_same_in_all_tabs(stocked: Dashboard, new_page: Callable[[], Page]) -> None:
    other = Dashboard(new_page(), stocked.stack).open()
    view = open_task(stocked.page, "Receive")
    add_line(view, "Bolts", "4")
    there = open_task(other.page, "Receive")
    expect(lines(there)).to_have_count(1)
    add_line(there, "Nuts", "2")
    expect(view.get_by_label("Amount of Nuts")).to_have_value("2")
    save(view).click()
    expect(lines(there)).to_have_count(0)
    assert [quantity for _, quantity in quantities(stocked.stack)] == ["44", "14", "3"]


def test_a_started_list_survives_a_sign_out_and_nobody_else_sees_it(page: Page, accounts: Stack) -> None:
    grant(accounts, "bob", {None: "editor"})
    dashboard = open_as(page, accounts, "bob")
    view = open_task(page, "Receive")
    add_line(view, "Tarp", "4")
    for name, count in (("ann", 0), ("bob", 1)):
        page.locator(".person").click()
        page.get_by_role("dialog", name="You and more").locator(".account-button").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
        dashboard = open_as(page, accounts, name)
        view = open_task(dashboard.page, "Receive")
        expect(lines(view)).to_have_count(count)


# Lost answers -------------------------------------------------------------------------------------------------------


@pytest.fixture
def cable(cabled_stack: CabledStack) -> Iterator[Cable]:
    cable = cabled_stack.cables["api"]
    yield cable
    cable.loses_answers = False


@pytest.mark.parametrize("task", ["Receive", "Pick"])
def test_a_list_without_an_answer_is_sent_again_and_booked_once(
    page: Page, cabled_stack: CabledStack, cable: Cable, watch: Watch, task: str
) -> None:
    watch.expect(NETWORK)
    cabled_stack.sql(STOCK)
    dashboard = Dashboard(page, cabled_stack).without_shared_worker().open()
    view = open_task(page, task)
    add_line(view, "Bolts", "3")
    cable.loses_answers = True
    save(view).click()
    expect(view.get_by_role("alert")).to_contain_text("It may have been booked, or not.")
    expect(view.get_by_label("Amount of Bolts")).to_be_disabled()
    check_accessibility(page, "booking-unanswered")
    cable.loses_answers = False
    view.get_by_role("button", name="Book again").click()
    dashboard.says("Bolts was ")
    assert quantities(cabled_stack)[0] == ("Bolts", "43" if task == "Receive" else "37")
    page.locator('.rail [data-view="stock"]').click()
    dashboard.equals_the_table()


def test_an_undo_without_an_answer_is_made_once(
    page: Page, cabled_stack: CabledStack, cable: Cable, watch: Watch
) -> None:
    watch.expect(NETWORK)
    cabled_stack.sql(STOCK)
    dashboard = Dashboard(page, cabled_stack).without_shared_worker().open()
    view = open_task(page, "Receive")
    add_line(view, "Bolts", "3")
    save(view).click()
    dashboard.says("Bolts was received.")
    cable.loses_answers = True
    dashboard.notice("Bolts was received.").get_by_role("button", name="Undo").click()
    dashboard.says("The booking may not have been undone.")
    cable.loses_answers = False
    dashboard.notice("The booking may not have been undone.").get_by_role("button", name="Try again").click()
    dashboard.says("The booking was undone.")
    page.locator('.rail [data-view="stock"]').click()
    dashboard.shows("Bolts", 40)
    dashboard.equals_the_table()
