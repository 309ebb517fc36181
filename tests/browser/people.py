"""People with accounts, and how they sign in on the page."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.accounts import PASSWORD
from tests.browser.dashboard import Dashboard
from tests.stack import ROOT, environment

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.stack import Stack

REFUSED = r"status of (401|403|409|422) "  # Chromium reports each refused request


def add_user(stack: Stack, name: str, role: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "api_service.user", name, "--role", role],
        cwd=ROOT,
        env=environment(DATABASE_URL=stack.server.url(stack.database, "stockstream_api")),
        input=f"{PASSWORD}\n",
        text=True,
        check=True,
        capture_output=True,
    )


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Username").fill(name)
    page.locator("#sign-in-password").fill(password)
    page.locator(".sign-in [type=submit]").click()


def open_as(page: Page, stack: Stack, name: str) -> Dashboard:
    dashboard = Dashboard(page, stack)
    dashboard.load()
    sign_in(page, name)
    dashboard.is_now("Live")
    return dashboard


def account_button(page: Page, name: str) -> Locator:
    """What shows who is signed in, and opens the menu."""
    return page.get_by_role("button", name=f"You and more: {name}", exact=True)


def open_account(page: Page, name: str) -> Locator:
    account_button(page, name).click()
    page.get_by_role("button", name=f"Account: {name}", exact=True).click()
    return page.locator(".account")


def is_asked_to_sign_in(page: Page) -> None:
    expect(page.locator(".sign-in[open]")).to_be_visible()
    assert not any(row.is_visible() for row in page.locator(".stock-row").all())
