"""A name is text, whatever it contains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard

NAMES = {
    "HTML": "<img src=x onerror=alert(1)><script>alert(2)</script>&amp;<b>bold</b>",
    "attribute": '"\' onmouseover=alert(1) x="',
    "template": "{{ 7 * 7 }} ${7 * 7} {% raw %}",
    "right to left": "مرحبا \u202eesrever\u202c שלום 123",
    "emoji": "👩‍👩‍👧‍👦 🇺🇳 ❤️‍🔥",
    "200 four-byte characters": "𝒳" * 200,
    "200 wide characters": "W" * 200,
    "marks": "Z̷̡̛͍͎̠̪a̸͇l̴g̵o̶",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_hostile_name_is_text_in_the_row_the_notice_and_the_dialog(dashboard: Dashboard, name: str) -> None:
    page = dashboard.page
    page.on("dialog", lambda dialog: pytest.fail("a name was run as a script"))
    dashboard.open()
    dashboard.add(name, 5)
    shown = page.locator(".stock-row-name")
    expect(shown).to_have_count(1)
    assert shown.evaluate("element => [element.childNodes.length, element.textContent]") == [1, name]
    expect(shown).to_have_attribute("dir", "auto")
    assert page.locator(".notice bdi").text_content() == name
    page.locator(".stock-row-delete").click()
    assert page.locator(".delete-dialog-name").text_content() == name
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the name makes the page too wide"
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(shown).to_have_count(0)
