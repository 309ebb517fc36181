"""A name is shown as text, whatever it contains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
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
        assert page.locator(".notice bdi").last.text_content() == name
        box = page.locator(".notice").last.bounding_box()
        assert box, "no notice"
        assert box["x"] + box["width"] <= 1280, f"{name} makes the notice too wide"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} makes the page too wide"
        drawer = dashboard.open_item(name)
        assert drawer.locator(".item-drawer-title").text_content() == name
        expect(drawer.locator(".history-entry")).to_have_count(1)
        assert drawer.evaluate("element => element.scrollWidth <= element.clientWidth"), f"{name} is too wide"
        page.keyboard.press("Escape")
        expect(drawer).to_be_hidden()
        page.locator(".stock-row-delete").click()
        expect(shown).to_have_count(0)
    page.get_by_role("button", name="Deleted items").click()
    page.locator(".deleted-item").nth(len(NAMES) - 1).wait_for()
    assert page.locator(".deleted-item-name").all_text_contents()[: len(NAMES)] == NAMES[::-1]


def test_a_right_to_left_name_does_not_change_the_direction_of_anything_else(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('مرحبا', 12)")
    dashboard.open()
    shown = dashboard.page.locator(".stock-row-name")
    assert shown.evaluate("element => getComputedStyle(element).direction") == "rtl"
    assert dashboard.row("مرحبا").evaluate("element => getComputedStyle(element).direction") == "ltr"
    dashboard.shows("مرحبا", 12)
