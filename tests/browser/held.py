"""Requests of the page that a test holds back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.dashboard import next_frame

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Route


class Held:
    """Requests with a method to an address, which are held until they are let through."""

    def __init__(self, page: Page, address: str, method: str = "POST") -> None:
        self._page = page
        self._method = method
        self._routes: list[Route] = []
        page.route(address, self._hold)

    def _hold(self, route: Route) -> None:
        if route.request.method == self._method:
            self._routes.append(route)
        else:
            route.continue_()

    def wait_for(self, count: int) -> list[Request]:
        """Wait until so many requests are held, and return them.

        The page shows a change before the test is told of its request, so that what is shown doesn't mean that the
        request is held.
        """
        while len(self._routes) < count:
            next_frame(self._page)
        assert len(self._routes) == count
        return [route.request for route in self._routes]

    def let_through(self) -> None:
        for route in self._routes:
            route.continue_()
        self._routes.clear()
