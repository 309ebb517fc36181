"""Signing in, and managing accounts, on the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.accounts import PASSWORD
from tests.browser.dashboard import Dashboard
from tests.browser.people import (
    REFUSED,
    account_button,
    add_user,
    is_asked_to_sign_in,
    open_account,
    open_as,
    sign_in,
)
from tests.browser.test_states import check_accessibility
from tests.gateway.gateway import Gateway
from tests.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.watched import Watch
    from tests.postgres import PostgresServer

OTHER_PASSWORD = "staple correct horse"


@pytest.fixture
def accounts(login_stack: Stack, watch: Watch) -> Stack:
    """The accounts ann (admin), bob (editor) and vera (viewer), and one item."""
    watch.expect(REFUSED)
    login_stack.sql("ALTER TABLE principal DISABLE TRIGGER ALL; DELETE FROM principal; DELETE FROM inventory;")
    login_stack.sql("TRUNCATE sign_in_failure; INSERT INTO inventory (name, quantity) VALUES ('Bolts', 5)")
    for name, role in (("ann", "admin"), ("bob", "editor"), ("vera", "viewer")):
        add_user(login_stack, name, role)
    return login_stack


def test_nobody_sees_anything_before_they_have_signed_in(page: Page, accounts: Stack) -> None:
    Dashboard(page, accounts).load()
    is_asked_to_sign_in(page)
    assert "Bolts" not in page.content()
    check_accessibility(page, "sign-in")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    is_asked_to_sign_in(page)
    sign_in(page, "ann", "a wrong password")
    expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong")
    check_accessibility(page, "sign-in-refused")
    sign_in(page, "ann", "")
    expect(page.locator("#sign-in-password-error")).to_have_text("is required")
    sign_in(page, "ann")
    Dashboard(page, accounts).is_now("Live")
    Dashboard(page, accounts).shows("Bolts", 5)
    account_button(page, "ann").click()
    expect(page.get_by_role("button", name="Account: ann")).to_be_visible()
    expect(page.get_by_label("Your name")).not_to_be_visible()


def test_password_managers_know_the_fields(page: Page, accounts: Stack) -> None:
    Dashboard(page, accounts).load()
    assert page.locator("#sign-in-name").get_attribute("autocomplete") == "username"
    assert page.locator("#sign-in-password").get_attribute("autocomplete") == "current-password"
    expect(page.locator("#sign-in-name")).to_be_focused()
    page.keyboard.type("ann")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    Dashboard(page, accounts).is_now("Live")


def test_a_change_has_the_name_of_the_account(page: Page, accounts: Stack) -> None:
    dashboard = open_as(page, accounts, "bob")
    dashboard.step("Bolts", 1)
    dashboard.wait_for_pending_writes()
    assert accounts.sql("SELECT actor FROM inventory_history ORDER BY event_id DESC LIMIT 1") == [("bob",)]


def test_a_viewer_sees_no_control_that_would_be_refused(page: Page, accounts: Stack) -> None:
    dashboard = open_as(page, accounts, "vera")
    dashboard.shows("Bolts", 5)
    shown = page.get_by_role("button").or_(page.get_by_role("checkbox")).or_(page.get_by_role("textbox"))
    names = {
        element.get_attribute("aria-label") or " ".join(element.inner_text().split())
        for element in shown.all()
        if element.is_visible()
    }
    filters = {"All 1", "Out", "Changed today 1"}
    views = {"Stock", "Low", "Journal", "Past", "More", "You and more: vera"}
    assert names == {*views, *filters, "Bolts", "Quantity of Bolts: 5. Edit"}
    expect(page.locator(".stock-row-edit")).to_be_disabled()
    check_accessibility(page, "viewer")
    menu = dashboard.open_menu()
    links = menu.get_by_role("list").locator("button:visible, a:visible")
    expect(links).to_have_text(["Board for a wall", "Export all: 1 item", "Deleted items", "Keyboard", "API docs"])
    check_accessibility(page, "viewer-menu")
    page.keyboard.press("Escape")
    page.locator(".stock-row-name").focus()
    for key in ("+", "-", "=", "e", "x", "Delete", "n", "b", "u", "Control+z"):
        page.keyboard.press(key)
    expect(page.locator("dialog:modal, .quantity-edit, .notice")).to_have_count(0)
    expect(page.locator(".selection")).to_be_hidden()
    box = page.locator(".stock-row data").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    panel = page.locator(".item-panel")
    for name in ("Take", "Add", "Set", "Save", "Restore"):
        expect(panel.get_by_role("button", name=name)).not_to_be_visible()
    expect(panel.get_by_label("Amount")).not_to_be_visible()
    expect(panel.get_by_role("heading", name="Bolts")).to_be_focused()
    panel.get_by_text("Details").click()
    expect(panel.get_by_label("Name", exact=True)).to_have_js_property("readOnly", True)
    expect(panel.get_by_role("button", name="Save")).not_to_be_visible()
    panel.get_by_label("More actions").click()
    expect(panel.get_by_role("link", name="Print label")).to_be_visible()
    expect(panel.get_by_role("button", name="Delete")).not_to_be_visible()
    check_accessibility(page, "viewer-item")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    accounts.sql("UPDATE inventory SET quantity = 6")
    dashboard.shows("Bolts", 6)
    assert accounts.sql("SELECT actor FROM inventory_history WHERE actor = 'vera'") == []


def test_a_new_role_counts_at_once(page: Page, accounts: Stack) -> None:
    dashboard = open_as(page, accounts, "vera")
    expect(page.get_by_role("button", name="Add item")).not_to_be_visible()
    role = "UPDATE access_grant SET role = '{}' WHERE principal = (SELECT id FROM principal WHERE name = 'vera')"
    accounts.sql(role.format("editor"))
    dashboard.add("Nuts", 7)
    dashboard.shows("Nuts", 7)
    dashboard.close_add()
    accounts.sql(role.format("viewer"))
    expect(page.get_by_role("button", name="Add item")).not_to_be_visible()
    accounts.sql("DELETE FROM access_grant WHERE principal = (SELECT id FROM principal WHERE name = 'vera')")
    expect(page.get_by_text("You have no role. Ask an admin for one.")).to_be_visible()
    expect(page.locator(".stock-row")).to_have_count(0)
    assert dashboard.stock() == []
    check_accessibility(page, "no-role")


def test_what_was_typed_survives_signing_in_again(page: Page, accounts: Stack, watch: Watch) -> None:
    watch.expect("status of 412 ")
    dashboard = open_as(page, accounts, "bob")
    box = dashboard.start_edit("Bolts")
    box.fill("42")
    page.locator(".stock-list-add").click()
    page.locator("#add-name").fill("Washers")
    accounts.sql("DELETE FROM session")
    is_asked_to_sign_in(page)
    expect(page.locator(".sign-in-why")).to_have_text("You were signed out.")
    expect(page.locator("#sign-in-name")).to_have_value("bob")
    accounts.sql("UPDATE inventory SET quantity = 6")
    page.locator("#sign-in-password").fill(PASSWORD)
    page.keyboard.press("Enter")
    dashboard.is_now("Live")
    expect(page.locator("#add-name")).to_have_value("Washers")
    dashboard.close_add()
    expect(box).to_have_value("42")
    box.press("Enter")
    page.get_by_role("button", name="Save 42").click()
    dashboard.shows("Bolts", 42)
    dashboard.equals_the_table()


def test_a_session_that_ended_unnoticed_is_noticed_at_the_next_write(page: Page, accounts: Stack) -> None:
    with page.expect_response("**/api/locations"), page.expect_response("**/api/trends**"):
        dashboard = open_as(page, accounts, "bob")  # until it has asked for all that it shows: only a write is left
    accounts.sql("ALTER TABLE session DISABLE TRIGGER access_notify")
    try:
        accounts.sql("DELETE FROM session")
        dashboard.add("Washers", 3)
        is_asked_to_sign_in(page)
        sign_in(page, "bob")
        expect(page.locator("#add-name")).to_have_value("Washers")
        page.locator(".add-dialog").get_by_role("button", name="Add item").click()
        dashboard.shows("Washers", 3)
    finally:
        accounts.sql("ALTER TABLE session ENABLE ALWAYS TRIGGER access_notify")


def test_signing_out_in_one_tab_leaves_nothing_in_the_others(
    page: Page, new_page: Callable[[], Page], accounts: Stack
) -> None:
    open_as(page, accounts, "ann")
    admin_page = new_page()
    admin_page.goto(f"{accounts.api_url}/accounts")
    expect(admin_page.locator(".person")).to_have_count(3)
    other = new_page()
    Dashboard(other, accounts).open().shows("Bolts", 5)
    open_account(page, "ann")
    check_accessibility(page, "account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    for tab in (page, other):
        is_asked_to_sign_in(tab)
        expect(tab.locator(".stock-row")).to_have_count(0)
        assert "Bolts" not in tab.content()
        assert Dashboard(tab, accounts).stock() == []
    is_asked_to_sign_in(admin_page)


def test_another_account_starts_from_nothing_in_every_tab(
    page: Page, new_page: Callable[[], Page], accounts: Stack
) -> None:
    first = open_as(page, accounts, "bob")
    second = Dashboard(new_page(), accounts).open()
    first.open_add().get_by_label("Name", exact=True).fill("Washers")
    accounts.sql("DELETE FROM session")
    for tab in (page, second.page):
        is_asked_to_sign_in(tab)
    sign_in(second.page, "vera")
    for dashboard in (first, second):
        dashboard.is_now("Live")
        expect(account_button(dashboard.page, "vera")).to_be_visible()
    expect(page.locator("#add-name")).to_have_value("")


def test_the_own_password_and_sessions(page: Page, accounts: Stack) -> None:
    open_as(page, accounts, "bob")
    accounts.sql(
        "INSERT INTO session (principal, secret_hash, address, user_agent)"
        " SELECT id, 'x', '192.0.2.7', 'Mozilla/5.0 (Android 14) Firefox/130.0' FROM principal WHERE name = 'bob'"
    )
    dialog = open_account(page, "bob")
    expect(page.locator(".account-session")).to_have_count(2)
    page.get_by_role("button", name="Sign out Firefox on Android at 192.0.2.7").click()
    expect(page.locator(".account-session")).to_have_count(1)
    page.get_by_label("Current password").fill("a wrong password")
    page.get_by_label("New password").fill(OTHER_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.locator("#account-old-error")).to_have_text("is not the current password")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.locator(".account-said")).to_contain_text("The password was changed")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(account_button(page, "bob")).to_be_focused()


def test_the_link_creates_the_first_admin(
    page: Page, postgres: PostgresServer, database: str, tmp_path_factory: pytest.TempPathFactory, watch: Watch
) -> None:
    watch.expect(r"status of 4(01|04|22) ")
    stack = Stack(postgres, database, tmp_path_factory.mktemp("setup"), {"AUTH": "login"})
    try:
        for service in ("api", "stream"):
            stack.start(service)
        page.goto(f"{stack.api_url}/setup#wrong")
        check_accessibility(page, "setup")
        sign_in(page, "ann")
        expect(page.get_by_role("alert")).to_contain_text("There is no such set-up link")
        link = re.search(r"http://\S+/setup#\S+", stack.log("api"))
        assert link
        page.goto("about:blank")
        page.goto(link[0])
        sign_in(page, "ann", "short")
        expect(page.locator("#sign-in-password-error")).to_contain_text("10")
        sign_in(page, "ann")
        Dashboard(page, stack).is_now("Live")
        assert page.url == f"{stack.api_url}/"
        open_account(page, "ann").get_by_role("link", name="Accounts").click()
        expect(page.locator(".person")).to_have_count(1)
    finally:
        stack.close()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_an_admin_manages_accounts_and_tokens(page: Page, accounts: Stack, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    open_as(page, accounts, "ann")
    page.goto(f"{accounts.api_url}/accounts")
    people = page.locator(".people")
    people.get_by_label("Name").fill("Ann")
    people.get_by_label("Password", exact=True).fill(PASSWORD)
    people.get_by_role("button", name="Add account").click()
    expect(page.locator("#people-name-error")).to_contain_text("name of another account")
    people.get_by_label("Name").fill("robot")
    people.get_by_label("Kind").select_option("service")
    expect(people.get_by_label("Password", exact=True)).not_to_be_visible()
    people.get_by_role("button", name="Add account").click()
    expect(page.locator(".person")).to_have_count(4)
    page.get_by_label("Role of bob").select_option("viewer")
    page.get_by_label("Role of ann").select_option("viewer")
    expect(page.locator(".person-said").first).to_contain_text("This is the last admin")
    expect(page.get_by_label("Role of ann")).to_have_value("admin")
    page.get_by_label("vera is active").uncheck()
    page.get_by_role("button", name="Set the password of bob").click()
    page.locator("#new-password").fill(OTHER_PASSWORD)
    page.get_by_role("button", name="Set password", exact=True).and_(page.locator(".new-password button")).click()
    expect(page.get_by_text("The password was set.")).to_be_visible()
    page.get_by_label("Account", exact=True).select_option("robot")
    page.get_by_label("What it is for").fill("Scanner")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator(".new-token-secret")).to_contain_text("sst_")
    check_accessibility(page, f"new-token-{width}")
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".new-token-secret")).to_have_text("")
    check_accessibility(page, f"accounts-{width}")
    page.get_by_role("button", name="Revoke Scanner").click()
    expect(page.locator(".token")).to_have_count(0)
    expect(page.locator(".access-log tbody tr").first).to_contain_text("revoked a token: Scanner")
    assert accounts.sql(
        "SELECT p.name, p.is_active, g.role FROM principal p JOIN access_grant g ON g.principal = p.id ORDER BY 1"
    ) == [("ann", "t", "admin"), ("bob", "t", "viewer"), ("robot", "t", "editor"), ("vera", "f", "viewer")]


def test_behind_a_proxy_that_signs_people_in(
    page: Page, postgres: PostgresServer, database: str, tmp_path: Path, watch: Watch
) -> None:
    """The browser's own headers stand for those of the proxy, which the gateway trusts."""
    watch.expect(REFUSED)
    settings = {"AUTH": "proxy", "TRUSTED_PROXIES": "127.0.0.0/8", "AUTH_PROXY_ROLE": "editor", "EVENTS_URL": "/events"}
    stack = Stack(postgres, database, tmp_path, settings)
    gateway = Gateway(
        tmp_path, api=stack.ports["api"], stream=stack.ports["stream"], trusted_proxies=settings["TRUSTED_PROXIES"]
    )
    try:
        for service in ("api", "stream"):
            stack.start(service)
        gateway.start()
        dashboard = Dashboard(page, stack).without_shared_worker()  # whose requests would not have the header
        page.goto(gateway.url)
        expect(page.get_by_text("Sign in where you usually do")).to_be_visible()
        expect(page.get_by_label("Username")).not_to_be_visible()
        check_accessibility(page, "proxy-sign-in")
        page.context.set_extra_http_headers({"Remote-User": "ann"})
        page.get_by_role("button", name="Load again").click()
        dashboard.is_now("Live")
        dashboard.add("Bolts", 5)
        dashboard.shows("Bolts", 5)
        dashboard.close_add()
        open_account(page, "ann")
        expect(page.get_by_label("Current password")).not_to_be_visible()
        expect(page.get_by_role("button", name="Sign out", exact=True)).not_to_be_visible()
        check_accessibility(page, "proxy-account")
    finally:
        gateway.close()
        stack.close()


def test_only_admins_see_the_accounts(page: Page, accounts: Stack, steady_stack: Stack) -> None:
    open_as(page, accounts, "bob")
    page.goto(f"{accounts.api_url}/accounts")
    expect(page.get_by_text("Only admins can see the accounts.")).to_be_visible()
    check_accessibility(page, "no-accounts")
    accounts.sql("DELETE FROM session")
    page.reload()
    is_asked_to_sign_in(page)
    page.goto(f"{steady_stack.api_url}/accounts")
    expect(page.get_by_text("There are no accounts here.")).to_be_visible()
