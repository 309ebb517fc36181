"""The hands of a person: keys, clicks and taps, which are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.test_keyboard import TYPING_MS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

NARROW_PX = 1_000  # on smaller screens people tap


class Hands:
    """Counts what a person does: ``found`` are the keys that find something or are an amount, ``keys`` all others."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.keys = self.found = self.clicks = 0

    def press(self, *keys: str) -> None:
        """Press keys that do something."""
        for key in keys:
            self._page.keyboard.press(key)
            self.keys += 1

    def type(self, text: str) -> None:
        """Type what is to be found, or an amount."""
        self._page.keyboard.type(text, delay=TYPING_MS)
        self.found += len(text)

    def click(self, target: Locator) -> None:
        """Click, or tap on a small screen."""
        target.click()
        self.clicks += 1

    def write(self, field: Locator, text: str) -> None:
        """Click into a field and type."""
        self.click(field)
        field.fill("")
        self.type(text)
