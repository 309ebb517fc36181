"""A name is shown as text, whatever it contains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.dashboard import Dashboard

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
NAMES = [
    "<img src=x onerror=alert(1)><script>alert(2)</script>&amp;<b>bold</b>",
    '"\' onmouseover=alert(1) x="',
    "{{ 7 * 7 }} ${7 * 7} {% raw %}",
    "مرحبا \u202eesrever\u202c שלום 123",
    f"{FAMILY} \U0001f1fa\U0001f1f3 \u2764\ufe0f\u200d\U0001f525",
    "\U0001d4b3" * 200,
    "W" * 200,
    "Z\u0337\u0321\u031b\u034d\u034ea\u0338\u0347",
]


FITS = "element => element.scrollWidth <= element.clientWidth"


def check_notice(page: Page, name: str) -> None:
    notice = page.locator(".notice")
    expect(notice).to_be_visible()  # it leaves a dialog only after that has closed
    expect(notice.locator("bdi")).to_have_text([name])
    box = notice.bounding_box()
    assert box, "no notice"
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280, f"{name} makes the notice too wide"


def check_confirmation(dashboard: Dashboard, name: str) -> None:
    """Check the bar of the selection, and the dialog that asks before a deletion."""
    page = dashboard.page
    page.locator(".stock-row-select").check()
    selection = page.locator(".selection")
    expect(selection).to_be_visible()
    assert selection.locator("bdi").first.text_content() == name
    assert selection.evaluate(FITS), f"{name} makes the selection too wide"
    selection.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete 1 item?")
    assert dialog.locator(".confirm-list bdi").all_text_contents() == [name]
    assert dialog.evaluate(FITS), f"{name} makes the dialog too wide"
    dialog.get_by_role("button", name="Keep it").click()


def test_a_hostile_name_is_text_wherever_it_is_shown(dashboard: Dashboard) -> None:
    page = dashboard.page
    page.on("dialog", lambda dialog: pytest.fail("a name was run as a script"))
    dashboard.open()
    for name in NAMES:
        dashboard.add(name, 5)
        shown = page.locator(".stock-row-name")
        expect(shown).to_have_count(1)
        assert shown.evaluate("element => [element.childNodes.length, element.textContent]") == [1, name]
        expect(shown).to_have_attribute("dir", "auto")
        check_notice(page, name)
        dialog = page.locator(".add-dialog")
        dialog.get_by_label("Name", exact=True).fill(name)
        expect(dialog.locator(".add-twin")).to_be_visible()
        assert dialog.locator(".add-twin bdi").first.text_content() == name
        assert dialog.evaluate(FITS), f"{name} makes the dialog too wide"
        dialog.get_by_label("Name", exact=True).fill("")
        dashboard.close_add()
        check_notice(page, name)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} makes the page too wide"
        drawer = dashboard.open_item(name)
        assert drawer.locator(".item-panel-title").text_content() == name
        expect(drawer.locator(".history-entry")).to_have_count(1)
        assert drawer.evaluate(FITS), f"{name} is too wide"
        page.keyboard.press("Escape")
        expect(drawer).to_be_hidden()
        check_confirmation(dashboard, name)
        dashboard.delete(name)
        dashboard.leave_list()
        expect(shown).to_have_count(0)
    dashboard.open_menu().get_by_role("button", name="Deleted items").click()
    page.locator(".deleted-item").nth(len(NAMES) - 1).wait_for()
    assert page.locator(".deleted-item-name").all_text_contents()[: len(NAMES)] == NAMES[::-1]


def test_a_hostile_search_is_text_where_nothing_is_found(dashboard: Dashboard) -> None:
    page = dashboard.page
    page.on("dialog", lambda dialog: pytest.fail("a search was run as a script"))
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 1)")
    dashboard.open()
    panel = page.locator('[data-panel="unmatched"]')
    for name in NAMES:
        dashboard.search(name)
        typed = page.get_by_label("Search or scan").input_value().strip()
        # While the panel is hidden, it still has the text of the search before.
        expect(panel.locator("bdi")).to_have_text([typed, typed])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} makes the page too wide"
        panel.get_by_role("button").click()
        expect(page.get_by_label("Name", exact=True)).to_have_value(typed)
        page.keyboard.press("Escape")
        dashboard.search("")
        dashboard.shows("Bolts", 1)


def test_a_right_to_left_name_does_not_change_the_direction_of_anything_else(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('مرحبا', 12)")
    dashboard.open()
    shown = dashboard.page.locator(".stock-row-name")
    assert shown.evaluate("element => getComputedStyle(element).direction") == "rtl"
    assert dashboard.row("مرحبا").evaluate("element => getComputedStyle(element).direction") == "ltr"
    dashboard.shows("مرحبا", 12)
