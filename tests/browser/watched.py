"""Collects the errors and warnings of a page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page

NETWORK_CHANGED = (
    "net::ERR_NETWORK_CHANGED"  # a network interface of the machine changed, which is not the page's fault
)
BLOCKED = "Service Worker registration blocked"  # by the test, which intercepts requests
REPORTED_LEVELS = ("error", "warning")  # violations of the Content-Security-Policy are errors


class Watch:
    """The errors and warnings of the pages, except those that the test expects."""

    def __init__(self) -> None:
        self._complaints: list[str] = []
        self._expected: list[re.Pattern[str]] = [re.compile(NETWORK_CHANGED), re.compile(BLOCKED)]

    def listen_to(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._complaints.append(f"page error: {error}"))

    def expect(self, pattern: str) -> None:
        """Ignore errors and warnings that match this pattern."""
        self._expected.append(re.compile(pattern))

    @property
    def complaints(self) -> list[str]:
        return [text for text in self._complaints if not any(known.search(text) for known in self._expected)]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in REPORTED_LEVELS:
            self._complaints.append(f"console {message.type}: {message.text} ({message.location.get('url')})")
