"""A hand scanner: real key presses, each with its own time, however busy the machine is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCANNER_MS = 8
ENTER = "\r"
ENTER_KEY = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}

# A browser handles keys that have arrived before it runs timers. Here each key arrives when the last one was handled,
# which may take long on a busy machine. So the timer that ends a burst waits until all keys have arrived.
HOLD_TIMER = """() => {
    const LONGEST_GAP_MS = 50;
    const real = { setTimeout: setTimeout.bind(window), clearTimeout: clearTimeout.bind(window) };
    const held = new Map();
    window.setTimeout = (act, delay, ...rest) => {
        const id = real.setTimeout(act, delay === LONGEST_GAP_MS ? 1_000_000 : delay, ...rest);
        if (delay === LONGEST_GAP_MS) held.set(id, act);
        return id;
    };
    window.clearTimeout = (id) => {
        held.delete(id);
        real.clearTimeout(id);
    };
    window.releaseTimer = () => {
        Object.assign(window, real);
        for (const [id, act] of held) {
            clearTimeout(id);
            setTimeout(act, LONGEST_GAP_MS);
        }
    };
}"""


def scan(page: Page, code: str, gap_ms: float = SCANNER_MS) -> None:
    """Type the code and Enter, with this time between two keys."""
    session = page.context.new_cdp_session(page)
    page.evaluate(HOLD_TIMER)
    at = time.time()
    for character in code + ENTER:
        key = ENTER_KEY if character == ENTER else {"key": character}
        down = {"type": "keyDown", "text": character, "timestamp": at, **key}
        session.send("Input.dispatchKeyEvent", down)
        session.send("Input.dispatchKeyEvent", {"type": "keyUp", "timestamp": at + gap_ms / 4_000, **key})
        at += gap_ms / 1_000
    page.evaluate("releaseTimer()")
    session.detach()
