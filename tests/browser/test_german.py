"""The page in German: every view, at three widths, without a word of English; and the switch between the languages."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.accounts import PASSWORD
from tests.browser.dashboard import Dashboard
from tests.browser.test_states import check_accessibility
from tests.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.browser.watched import Watch
    from tests.stack import Stack

WIDTHS = pytest.mark.parametrize("width", [390, 768, 1440])
MESSAGES = ROOT / "frontend" / "messages"
VIEWS = ["stock", "receive", "pick", "count", "move", "low", "journal", "past", "board", "import"]
DIALOGS = ["menu", "add", "deleted", "locations", "shortcuts"]
SEEN = """() => {
    const shown = (element) => element.checkVisibility({ visibilityProperty: true });
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT);
    for (let element = walker.nextNode(); element; element = walker.nextNode()) {
        if (!shown(element)) continue;
        for (const name of ["aria-label", "placeholder", "title", "alt"]) found.push(element.getAttribute(name) ?? "");
        for (const child of element.childNodes) if (child.nodeType === Node.TEXT_NODE) found.push(child.data.trim());
    }
    return found.filter(Boolean);
}"""


def plain(language: str) -> dict[str, str]:
    """The messages without values and plural forms."""
    messages = json.loads((MESSAGES / f"{language}.json").read_text())
    return {key: text for key, text in messages.items() if isinstance(text, str) and "{" not in text}


ENGLISH, GERMAN = plain("en"), plain("de")
NAME_OF_A_LOCATION = "Main"
ONLY_ENGLISH = set(ENGLISH.values()) - set(GERMAN.values()) - {NAME_OF_A_LOCATION}


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="de-DE")
    yield context
    context.close()


@pytest.fixture
def german(store_and_van: Dashboard) -> Dashboard:
    """The page of a store and a van, loaded by a German browser."""
    store_and_van.sql("UPDATE inventory SET minimum = 100, unit = 'Stk' WHERE name = 'Bolts'")
    return store_and_van


def has_no_english(page: Page) -> None:
    assert [text for text in page.evaluate(SEEN) if text in ONLY_ENGLISH] == []


@WIDTHS
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_german(german: Dashboard, view: str, width: int) -> None:
    page = german.page
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{german.stack.api_url}/?view={view}")
    expect(page.locator(".connection-word")).to_have_text("Live")
    expect(page.locator("h1:visible")).to_have_count(1)
    has_no_english(page)
    check_accessibility(page, f"de-{view}-{width}")


@WIDTHS
@pytest.mark.parametrize("name", DIALOGS)
def test_every_dialog_is_german(german: Dashboard, name: str, width: int) -> None:
    page = german.page
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate('name => document.querySelector(`[data-opens="${name}"]`).click()', name)
    expect(page.locator("dialog:modal")).to_be_visible()
    has_no_english(page)
    check_accessibility(page, f"de-{name}-{width}")


@WIDTHS
def test_an_item_and_its_history_are_german(german: Dashboard, width: int) -> None:
    page = german.page
    page.set_viewport_size({"width": width, "height": 900})
    german.row("Tarp").locator(".stock-row-name").click()
    panel = page.locator(".item-panel")
    expect(panel.locator(".history-entry").first).to_be_visible()
    panel.locator("summary").first.click()
    has_no_english(page)
    check_accessibility(page, f"de-item-{width}")


def test_a_delivery_is_booked_in_german(german: Dashboard) -> None:
    page = german.page
    page.get_by_role("button", name="Einlagern").click()
    page.get_by_label("Scannen oder einen Teil von Name oder Code eingeben").fill("Tarp")
    page.get_by_role("option", name=re.compile("Tarp")).first.click()
    page.keyboard.type("1200")
    page.get_by_role("button", name="1 Position buchen").click()
    expect(page.locator(".notice-text")).to_have_text("„Tarp“ eingelagert.")
    page.locator('.rail [data-view="stock"]').click()
    expect(german.row("Tarp").locator("data")).to_have_text("1.202")


def test_the_language_is_switched_on_the_page_and_kept(german: Dashboard) -> None:
    page = german.page
    for language, name, stock in (("en", "Language", "Stock"), ("de", "Sprache", "Bestand")):
        page.locator(".person").click()
        page.locator("#language").select_option(language)
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.get_by_role("heading", name=stock, exact=True)).to_be_visible()
        page.locator(".person").click()
        expect(page.get_by_label(name)).to_have_value(language)
        page.keyboard.press("Escape")


def test_the_pages_for_accounts_and_labels_are_german(page: Page, accounts: Stack, watch: Watch) -> None:
    page.goto(accounts.api_url)
    expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    has_no_english(page)
    page.get_by_label("Benutzername").fill("ann")
    page.locator("#sign-in-password").fill(PASSWORD)
    page.locator(".sign-in [type=submit]").click()
    Dashboard(page, accounts).is_now("Live")
    for path in ("/accounts", "/labels?item=1"):
        page.goto(f"{accounts.api_url}{path}")
        expect(page.locator("main > section").first).to_be_visible()
        has_no_english(page)
        check_accessibility(page, f"de{path.partition('?')[0].replace('/', '-')}")
