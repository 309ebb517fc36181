"""The stream delivers nothing while the API works: the page says so, and reloads the list regularly."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import RECOVERY_MS, Dashboard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.browser.cable import CabledStack
    from tests.browser.watched import Watch
    from tests.stack import Stack

NETWORK = "net::ERR_|Failed to load resource"
STREAMS_OF_A_BROWSER = 6  # limit of connections to one origin over HTTP/1.1
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nAccess-Control-Allow-Origin: *\r\n\r\n"


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of a server that sends only headers, like a proxy that buffers the response."""
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                taken.append(listener.accept()[0])
                taken[-1].sendall(HEAD)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    for each in [listener, *taken]:
        each.close()


def check_list_reloads(dashboard: Dashboard, times: int = 1) -> None:
    """Check that new items appear although the page receives no events."""
    for number in range(times):
        name = f"Nuts {number}"
        dashboard.sql(f"INSERT INTO inventory (name, quantity) VALUES ('{name}', 3)")
        dashboard.row(name).wait_for(timeout=RECOVERY_MS)
    expect(dashboard.page.get_by_text("Meanwhile the list is loaded again about every 15 seconds")).to_be_visible()


def test_a_stream_without_data_is_reported_after_ten_seconds_and_the_list_reloads(
    cabled_stack: CabledStack, page: Page
) -> None:
    cabled_stack.cables["stream"].hold()
    dashboard = Dashboard(page, cabled_stack)
    dashboard.load()
    dashboard.is_now("Connecting")
    dashboard.is_now("Not live")
    text = page.locator(".connection-text")
    expect(text).to_contain_text("Too many tabs of this page may be open")
    expect(text).to_contain_text("Or something between this page and the server")
    check_list_reloads(dashboard, times=2)
    cabled_stack.mend()
    dashboard.is_now("Live")
    expect(page.locator(".connection-detail")).to_be_hidden()
    dashboard.equals_the_table()


def test_a_stream_that_opens_and_stays_silent_is_not_blamed_on_too_many_tabs(
    cabled_stack: CabledStack, silent_server: int, page: Page, watch: Watch
) -> None:
    watch.expect(NETWORK)
    dashboard = Dashboard(page, cabled_stack).without_shared_worker()
    cable = cabled_stack.cables["stream"]
    with cable.redirected_to(silent_server):
        dashboard.load()
        dashboard.is_now("Not live")
        expect(page.locator(".connection-text")).to_contain_text("Something between this page and the server")
        expect(page.locator(".connection-text")).not_to_contain_text("tabs")
        check_list_reloads(dashboard)
    dashboard.is_now("Live")


def test_tabs_without_a_connection_say_so_and_reload_the_list(
    new_page: Callable[[], Page], steady_stack: Stack
) -> None:
    tabs = [Dashboard(new_page(), steady_stack).without_shared_worker() for _ in range(STREAMS_OF_A_BROWSER + 2)]
    for tab in tabs[:STREAMS_OF_A_BROWSER]:
        tab.open()
    for tab in tabs[STREAMS_OF_A_BROWSER:]:
        tab.load()
    last = tabs[-1]
    last.is_now("Not live")
    expect(last.page.locator(".connection-text")).to_contain_text("Too many tabs of this page may be open")
    check_list_reloads(last)
    for tab in tabs[:2]:
        tab.page.close()
    last.is_now("Live")
    last.equals_the_table()


def test_while_the_stream_service_is_down_the_list_reloads(frail_dashboard: Dashboard, watch: Watch) -> None:
    watch.expect(NETWORK)
    frail_dashboard.open()
    frail_dashboard.stack.kill("stream")
    frail_dashboard.is_now("Reconnecting")
    check_list_reloads(frail_dashboard)
    frail_dashboard.stack.start("stream")
    frail_dashboard.is_now("Live")
    frail_dashboard.equals_the_table()
