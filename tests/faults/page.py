"""A real dashboard in a real browser, as one more reader."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

from playwright.async_api import async_playwright

from tests.accounts import add_admin
from tests.browser.chromium import find_chromium
from tests.browser.conftest import ARGUMENTS
from tests.browser.dashboard import READ_STOCK
from tests.faults.waiting import within

if TYPE_CHECKING:
    from types import TracebackType

    from playwright._impl._api_structures import SetCookieParam

    from tests.stack import Stack

LOAD_MS = 30_000
START_SECONDS = 60.0
ANSWER_SECONDS = 30.0
RECOVERY_SECONDS = 90.0  # after several failures, a page waits up to half a minute before it tries again
POLL_SECONDS = 0.2


class OpenPage:
    """A page that is opened before the faults and left alone."""

    def __init__(self, stack: Stack) -> None:
        self._url = stack.api_url
        name, _, secret = add_admin(stack)["Cookie"].partition("=")
        self._cookie: SetCookieParam = {"name": name, "value": secret, "url": stack.api_url}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as exits, within(START_SECONDS, "a browser to show the page"):
            playwright = await exits.enter_async_context(async_playwright())
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            exits.push_async_callback(browser.close)
            context = await browser.new_context()
            await context.add_cookies([self._cookie])
            self._page = await context.new_page()
            await self._page.goto(self._url)
            await self._page.locator('.connection[data-state="live"]').wait_for(timeout=LOAD_MS)
            self._exits = exits.pop_all()
        return self

    async def eventually_shows(self, table: dict[int, Any]) -> bool:
        """Wait until the page shows the table. Returns False if it does not within RECOVERY_SECONDS."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while (shown := await self.items()) != table and time.monotonic() < deadline:
            await asyncio.sleep(POLL_SECONDS)
        return shown == table

    async def items(self) -> dict[int, Any]:
        async with within(ANSWER_SECONDS, "the page to tell what it shows"):
            return {item["id"]: item for item in await self._page.evaluate(READ_STOCK)}

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with within(ANSWER_SECONDS, "the browser to end"):
            await self._exits.__aexit__(kind, error, trace)
