"""A page that tells of everything that went wrong in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page

NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"  # a container or a tunnel came or went: no fault of the page
LOUD = ("error", "warning")  # a violation of the Content-Security-Policy is an error here


class Watch:
    """What the page complained of, less what the test announced."""

    def __init__(self) -> None:
        self._complaints: list[str] = []
        self._announced: list[re.Pattern[str]] = [re.compile(NETWORK_CHANGED)]

    def over(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._complaints.append(f"page error: {error}"))

    def expect(self, pattern: str) -> None:
        """Complaints like this are what the test is about."""
        self._announced.append(re.compile(pattern))

    @property
    def complaints(self) -> list[str]:
        return [text for text in self._complaints if not any(known.search(text) for known in self._announced)]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in LOUD:
            self._complaints.append(f"console {message.type}: {message.text} ({message.location.get('url')})")
