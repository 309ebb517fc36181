"""A hand scanner: real key presses, each with its own time, however busy the machine is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCANNER_MS = 8
ENTER = "\r"
ENTER_KEY = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}


def scan(page: Page, code: str, gap_ms: float = SCANNER_MS) -> None:
    """Type the code and Enter, with this time between two keys."""
    session = page.context.new_cdp_session(page)
    at = time.time()
    for character in code + ENTER:
        key = ENTER_KEY if character == ENTER else {"key": character}
        down = {"type": "keyDown", "text": character, "timestamp": at, **key}
        session.send("Input.dispatchKeyEvent", down)
        session.send("Input.dispatchKeyEvent", {"type": "keyUp", "timestamp": at + gap_ms / 4_000, **key})
        at += gap_ms / 1_000
    session.detach()
