"""Services that die, hang and recover: the page shows the state, and in the end equals the table."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard
from tests.browser.held import Held

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from tests.browser.cable import CabledStack
    from tests.browser.watched import Watch

NETWORK = "net::ERR_|Failed to load resource"


def test_a_killed_stream_is_reported_and_missed_changes_are_caught_up(frail_dashboard: Dashboard, watch: Watch) -> None:
    watch.expect(NETWORK)
    dashboard, stack = frail_dashboard, frail_dashboard.stack
    stack.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 20) n")
    dashboard.open()
    stack.kill("stream")
    dashboard.is_now("Reconnecting")
    expect(dashboard.page.get_by_text("Live updates are paused. Nothing is lost")).to_be_visible()
    stack.sql("UPDATE inventory SET quantity = quantity + 100; DELETE FROM inventory WHERE id % 5 = 0")
    dashboard.add("Added meanwhile", 1)
    dashboard.shows("Added meanwhile", 1)  # must come from a reload, since the stream is down
    stack.sql("UPDATE inventory SET quantity = 2 WHERE name = 'Added meanwhile'")
    stack.start("stream")
    dashboard.is_now("Live")
    dashboard.equals_the_table()


def test_an_edit_while_the_api_is_stopped_rolls_back_with_a_notice(frail_dashboard: Dashboard, watch: Watch) -> None:
    watch.expect(NETWORK)
    dashboard, stack = frail_dashboard, frail_dashboard.stack
    stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    dashboard.open()
    stack.stop("api")
    dashboard.edit("Bolts", 15)
    dashboard.says("Bolts may not have been changed. The server can't be reached.")
    dashboard.shows("Bolts", 12)
    dashboard.add("Nuts", 3)
    dashboard.says("Nuts may not have been added. The server can't be reached.")
    expect(dashboard.page.get_by_label("Name", exact=True)).to_have_value("Nuts")
    dashboard.close_add()
    stack.start("api")
    dashboard.edit("Bolts", 16)
    dashboard.shows("Bolts", 16)
    dashboard.equals_the_table()


def test_a_stream_that_falls_silent_is_stale_and_is_renewed(frail_dashboard: Dashboard) -> None:
    dashboard, stack = frail_dashboard.without_shared_worker(), frail_dashboard.stack
    dashboard.page.clock.install()
    dashboard.open()
    stack.pause("stream")
    dashboard.page.clock.fast_forward(30_000)
    dashboard.is_now("Stale")
    stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    stack.resume("stream")
    dashboard.is_now("Live")
    dashboard.shows("Bolts", 12)


def test_a_cut_network_is_reported_with_a_countdown_and_nothing_is_missed(
    cabled_stack: CabledStack, page: Page, watch: Watch
) -> None:
    watch.expect(NETWORK)
    dashboard = Dashboard(page, cabled_stack).open()
    cabled_stack.cut()
    dashboard.is_now("Reconnecting")
    expect(page.locator(".connection-note")).to_have_text(re.compile(r"^in \d+s$"))
    expect(page.locator(".connection-text")).to_contain_text("Last heard at")
    cabled_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    cabled_stack.mend()
    dashboard.is_now("Live")
    dashboard.equals_the_table()


def test_silence_is_counted_in_seconds_until_something_is_heard(cabled_stack: CabledStack, page: Page) -> None:
    """The connection stays open but carries nothing, as when a laptop wakes in another network."""
    dashboard = Dashboard(page, cabled_stack).open()
    dashboard.wait_for_heartbeat_interval()
    cabled_stack.hold()
    dashboard.is_now("Stale")
    note = page.locator(".connection-note")
    expect(note).to_have_text(re.compile(r"^\d+s behind$"))
    seconds = int((note.text_content() or "").split("s")[0])
    expect(note).to_have_text(f"{seconds + 2}s behind")
    cabled_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    cabled_stack.mend()
    dashboard.is_now("Live")
    dashboard.equals_the_table()


def test_a_device_without_a_network_is_offline_until_it_is_back(
    cabled_stack: CabledStack, page: Page, watch: Watch
) -> None:
    watch.expect(NETWORK)
    dashboard = Dashboard(page, cabled_stack).open()
    page.context.set_offline(True)
    cabled_stack.cut()
    dashboard.is_now("Offline")
    cabled_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    cabled_stack.mend()
    page.context.set_offline(False)
    dashboard.is_now("Live")
    dashboard.equals_the_table()


def test_a_stock_that_cannot_be_loaded_shows_why_and_can_be_retried(dashboard: Dashboard, watch: Watch) -> None:
    watch.expect("status of 503")
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    problem = json.dumps({"status": 503, "detail": "The database can't be reached."})
    dashboard.page.route("**/api/inventories", lambda route: route.fulfill(status=503, body=problem))
    dashboard.load()
    expect(dashboard.page.get_by_text("The stock can't be loaded")).to_be_visible()
    expect(dashboard.page.get_by_text("The database can't be reached.")).to_be_visible()
    with dashboard.page.expect_request("**/api/inventories"):
        dashboard.page.get_by_role("button", name="Try again").click()
    dashboard.page.unroute("**/api/inventories")
    dashboard.shows("Bolts", 12)
    dashboard.is_now("Live")


def test_while_the_stock_loads_the_page_says_so(dashboard: Dashboard) -> None:
    held = Held(dashboard.page, "**/api/inventories", "GET")
    dashboard.load()
    expect(dashboard.page.get_by_text("Loading the stock…")).to_be_visible()
    dashboard.is_now("Connecting")
    held.wait_for(1)
    held.let_through()
    expect(dashboard.page.get_by_text("Nothing in stock yet")).to_be_visible()
    dashboard.is_now("Live")


def test_a_position_that_the_log_does_not_have_makes_the_page_reload_the_stock(dashboard: Dashboard) -> None:
    """The first list comes from another log, as before a restore. Its items must disappear."""
    stack = dashboard.stack
    stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Real', 1)")
    times = dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00.000000Z")
    ghost = {"id": 999_999, "name": "Ghost", "quantity": 5, "version": 70, **times}
    loads: list[Route] = []

    def load(route: Route) -> None:
        loads.append(route)
        if len(loads) == 1:
            route.fulfill(status=200, headers={"Last-Event-ID": "0ther-123"}, body=json.dumps([ghost]))
        else:
            route.continue_()

    dashboard.page.route("**/api/inventories", load)
    dashboard.open()
    dashboard.shows("Real", 1)
    dashboard.equals_the_table()
    assert len(loads) == 2
    stack.sql("UPDATE inventory SET quantity = 2")
    dashboard.shows("Real", 2)


def answer_busy(dashboard: Dashboard, busy: str) -> list[float]:
    """Answer each stream request of the page with this busy frame. Returns the times of the requests."""
    times: list[float] = []
    headers = {"Content-Type": "text/event-stream", "Access-Control-Allow-Origin": "*"}

    def answer(route: Route) -> None:
        times.append(time.monotonic())
        route.fulfill(status=200, headers=headers, body=f"retry: 100\n\nevent: busy\ndata: {busy}\n\n")

    dashboard.without_shared_worker()
    dashboard.page.route("**/events?*", answer)
    return times


def test_a_server_that_is_not_ready_is_reported_as_such_and_retried_soon(dashboard: Dashboard) -> None:
    times = answer_busy(dashboard, '{"reason":"the log has not been read yet","full":false}')
    dashboard.load()
    dashboard.is_now("Reconnecting")
    expect(dashboard.page.get_by_text("The server is starting.")).to_be_visible()
    while len(times) < 3:
        dashboard.next_frame()
    assert times[2] - times[0] < 15, times
    dashboard.page.unroute("**/events?*")
    dashboard.is_now("Live")
    expect(dashboard.page.get_by_text("The server is starting.")).to_be_hidden()


def test_a_busy_frame_of_the_gateway_is_not_reported_as_a_full_server(dashboard: Dashboard) -> None:
    answer_busy(dashboard, '{"reason":"the stream can\'t be reached"}')
    dashboard.load()
    expect(dashboard.page.get_by_text("The service for live updates can't be reached.")).to_be_visible()
    dashboard.page.unroute("**/events?*")
    dashboard.is_now("Live")


def test_a_full_server_is_reported_and_retried(dashboard: Dashboard) -> None:
    answer_busy(dashboard, '{"reason":"too many streams are open","full":true}')
    dashboard.load()
    dashboard.is_now("Reconnecting")
    expect(dashboard.page.get_by_text("The server has no free place")).to_be_visible()
    dashboard.page.unroute("**/events?*")
    dashboard.page.get_by_text("Try now").dispatch_event("click")  # a real click would fail if the page is live by now
    dashboard.is_now("Live")
    expect(dashboard.page.get_by_text("The server has no free place")).to_be_hidden()


def test_a_stream_that_is_refused_permanently_is_reopened(dashboard: Dashboard, watch: Watch) -> None:
    watch.expect("status of 502|MIME type")
    dashboard.without_shared_worker()
    dashboard.page.route("**/events?*", lambda route: route.fulfill(status=502, body="bad gateway"))
    dashboard.load()
    expect(dashboard.page.get_by_text("Nothing in stock yet")).to_be_visible()
    dashboard.page.unroute("**/events?*")
    dashboard.is_now("Live")
