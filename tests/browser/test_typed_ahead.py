"""What is typed while the entry before it is being sent is kept, and what is refused is not lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.held import Held
from tests.browser.people import open_as
from tests.browser.places import open_locations
from tests.browser.test_keyboard import TYPING_MS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.dashboard import Dashboard
    from tests.browser.watched import Watch
    from tests.stack import Stack

ITEMS = "**/api/inventories"
REFUSED_NAME = "Nuts \u0085 and bolts"  # only the server refuses it


def name_of(dialog: Locator) -> Locator:
    return dialog.get_by_label("Name", exact=True)


def hold_refused_item(dashboard: Dashboard, watch: Watch) -> Held:
    """Send an item that the server will refuse, once it is let through."""
    watch.expect("status of 422")
    dashboard.open()
    held = Held(dashboard.page, ITEMS)
    dashboard.add(REFUSED_NAME, 4)
    held.wait_for(1)
    return held


def test_the_next_item_is_typed_and_sent_before_the_answer(dashboard: Dashboard) -> None:
    dashboard.open()
    held, keys = Held(dashboard.page, ITEMS), dashboard.page.keyboard
    dashboard.add("Nuts", 4)
    held.wait_for(1)
    keys.type("Bolts", delay=TYPING_MS)
    keys.press("Tab")
    keys.type("7\n", delay=TYPING_MS)
    held.wait_for(2)
    keys.type("Was", delay=TYPING_MS)
    held.let_through()
    dashboard.shows("Nuts", 4)
    dashboard.shows("Bolts", 7)
    dashboard.says("was added.")
    expect(name_of(dashboard.open_add())).to_have_value("Was")
    keys.type("hers", delay=TYPING_MS)
    keys.press("Tab")
    keys.type("9\n", delay=TYPING_MS)
    held.wait_for(1)
    held.let_through()
    dashboard.shows("Washers", 9)
    dashboard.close_add()
    dashboard.equals_the_table()


def test_a_double_click_adds_one_item(dashboard: Dashboard) -> None:
    dashboard.open()
    dialog = dashboard.open_add()
    name_of(dialog).fill("Nuts")
    dialog.get_by_label("Quantity", exact=True).fill("4")
    dialog.get_by_role("button", name="Add item").dblclick()
    dashboard.says("Nuts was added.")
    expect(dialog.locator(".field-error:visible")).to_have_count(0)
    expect(name_of(dialog)).to_be_focused()
    dashboard.close_add()
    dashboard.equals_the_table()
    assert dashboard.sql("SELECT name FROM inventory") == [("Nuts",)]


def test_a_refused_item_is_tried_again_after_the_next(dashboard: Dashboard, watch: Watch) -> None:
    held = hold_refused_item(dashboard, watch)
    name = name_of(dashboard.open_add())
    name.fill("Bolts")
    held.let_through()
    refused = dashboard.notice("was not added.")
    expect(refused).to_be_visible()
    expect(name).to_have_value("Bolts")
    expect(name).not_to_have_attribute("aria-invalid", "true")

    refused.get_by_role("button", name="Try again").click()
    held.wait_for(1)
    expect(name).to_have_value("Bolts")
    held.let_through()
    expect(refused).to_be_visible()

    dashboard.add("Bolts", 7)
    held.wait_for(1)
    refused.get_by_role("button", name="Try again").click()
    expect(name).to_have_value(REFUSED_NAME)
    name.fill("Nuts and bolts")
    held.let_through()
    dashboard.shows("Bolts", 7)
    expect(name).to_have_value("Nuts and bolts")
    expect(dashboard.open_add().get_by_label("Quantity", exact=True)).to_have_value("4")
    name.press("Enter")
    held.wait_for(1)
    held.let_through()
    dashboard.shows("Nuts and bolts", 4)


def test_an_item_refused_after_the_dialog_was_closed_is_not_lost(dashboard: Dashboard, watch: Watch) -> None:
    held = hold_refused_item(dashboard, watch)
    dashboard.close_add()
    held.let_through()
    dashboard.notice("was not added.").get_by_role("button", name="Try again").click()
    expect(name_of(dashboard.page.locator(".add-dialog"))).to_have_value(REFUSED_NAME)


def test_the_next_location_is_typed_before_the_answer(places: Dashboard) -> None:
    held = Held(places.page, "**/api/locations")
    name = open_locations(places).get_by_label("Location name")
    name.fill("Annex")
    name.press("Enter")
    held.wait_for(1)
    places.page.keyboard.type("Attic", delay=TYPING_MS)
    held.let_through()
    expect(places.page.get_by_text("Annex was added.")).to_be_visible()
    expect(name).to_have_value("Attic")
    name.press("Enter")
    held.wait_for(1)
    held.let_through()
    expect(places.page.get_by_text("Attic was added.")).to_be_visible()


def test_a_double_click_creates_one_token_and_one_account(page: Page, accounts: Stack) -> None:
    open_as(page, accounts, "ann")
    page.goto(f"{accounts.api_url}/accounts")
    held = Held(page, "**/api/accounts"), Held(page, "**/api/tokens")
    page.locator(".people").get_by_label("Name").fill("robot")
    page.get_by_label("Kind").select_option("service")
    page.get_by_role("button", name="Add account").dblclick()
    held[0].wait_for(1)
    held[0].let_through()
    expect(page.locator(".person")).to_have_count(3)
    expect(page.locator(".people .field-error:visible")).to_have_count(0)
    page.get_by_label("Account", exact=True).select_option("robot")
    page.get_by_label("What it is for").fill("Scanner")
    page.get_by_role("button", name="Create token").dblclick()
    held[1].wait_for(1)
    held[1].let_through()
    expect(page.locator(".new-token-secret")).to_contain_text("sst_")
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".token")).to_have_count(1)
    assert accounts.sql("SELECT name FROM token") == [("Scanner",)]
