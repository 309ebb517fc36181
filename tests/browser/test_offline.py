"""Without a network: the page opens with the stock as it was, says so, and goes on when the network is back."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import expect

from tests.browser.cable import CabledStack
from tests.browser.dashboard import Dashboard
from tests.browser.people import add_user, is_asked_to_sign_in, open_account, open_as
from tests.browser.places import STOCK
from tests.browser.tasks import add_line, amounts, quantities, save
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.browser.watched import Watch
    from tests.postgres import PostgresServer

NETWORK = "net::ERR_|Failed to load resource|status of 50"
AS_OF = re.compile(r"^As of \d\d?:\d\d( [ap]m)?$")
WAIT_UNTIL_KEPT = """async () => {
    await navigator.serviceWorker.ready;
    while (!(await (await caches.open("stockstream.page")).match("/"))) await new Promise(requestAnimationFrame);
    while (!(await (await caches.open("stockstream.stock")).match("/kept-stock"))) {
        await new Promise(requestAnimationFrame);
    }
}"""
WAIT_UNTIL_FORGOTTEN = """async () => {
    while (await caches.has("stockstream.stock")) await new Promise(requestAnimationFrame);
}"""
KEPT_VERSIONS = """async () => {
    const files = (await (await caches.open("stockstream.page")).keys()).map(({ url }) => url.match(/static\\/(\\w+)/));
    return [...new Set(files.filter(Boolean).map(([, version]) => version))];
}"""

ADD_FORMER_VERSION = """async () => {
    const cache = await caches.open("stockstream.page");
    await cache.put("/static/0000000000000000/scripts/main.js", new Response("former"));
}"""
WAIT_FOR_ONE_VERSION = """async () => {
    const cache = await caches.open("stockstream.page");
    while (await cache.match("/static/0000000000000000/scripts/main.js")) await new Promise(requestAnimationFrame);
}"""


@pytest.fixture
def service_workers() -> Literal["allow", "block"]:
    return "allow"


@pytest.fixture
def kept(page: Page, cabled_stack: CabledStack, watch: Watch) -> Dashboard:
    """The dashboard with the stock, both kept by the browser."""
    watch.expect(NETWORK)
    cabled_stack.sql(STOCK)
    dashboard = Dashboard(page, cabled_stack).open()
    dashboard.shows("Bolts", 40)
    page.evaluate(WAIT_UNTIL_KEPT)
    return dashboard


def shows_what_was_kept(dashboard: Dashboard) -> None:
    dashboard.shows("Bolts", 40)
    expect(dashboard.page.locator(".connection-word")).to_have_text(AS_OF)
    expect(dashboard.page.get_by_text("This is the stock as this device last had it")).to_be_visible()


def test_without_a_network_the_page_opens_as_of_when_it_was_kept(kept: Dashboard, cabled_stack: CabledStack) -> None:
    cabled_stack.cut()
    kept.page.reload()
    shows_what_was_kept(kept)
    check_accessibility(kept.page, "kept")
    cabled_stack.sql(
        "UPDATE inventory SET quantity = 7 WHERE name = 'Bolts'; DELETE FROM inventory WHERE name = 'Nuts'"
    )
    with kept.page.expect_request("**/api/inventories"):
        kept.page.get_by_role("button", name="Try now").click()
    cabled_stack.mend()
    kept.is_now("Live")
    kept.shows("Bolts", 7)
    kept.equals_the_table()


def test_a_list_started_without_a_network_is_booked_after_it(kept: Dashboard, cabled_stack: CabledStack) -> None:
    page = kept.page
    cabled_stack.cut()
    page.goto(f"{cabled_stack.api_url}/?view=receive")
    view = page.locator(".booking")
    add_line(view, "Bolts", "4")
    page.reload()
    expect(page.locator(".connection-word")).to_have_text(AS_OF)
    assert amounts(view) == ["4"]
    save(view).click()
    expect(view.get_by_role("alert")).to_contain_text("Book again: it is booked only once.")
    cabled_stack.mend()
    kept.is_now("Live")
    save(view).click()
    kept.says("Bolts was received.")
    assert quantities(cabled_stack)[0] == ("Bolts", "44")


class _Failing(BaseHTTPRequestHandler):
    """A gateway whose service is down."""

    def do_GET(self) -> None:
        self.send_error(502)

    def log_message(self, *_arguments: object) -> None:
        """Write nothing."""


@pytest.fixture
def failing_gateway() -> Iterator[int]:
    """The port of a server that answers 502 to everything."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Failing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_gateway_that_fails_does_not_hide_what_was_kept(
    kept: Dashboard, cabled_stack: CabledStack, failing_gateway: int
) -> None:
    cabled_stack.cables["stream"].cut()
    with cabled_stack.cables["api"].redirected_to(failing_gateway):
        cabled_stack.cables["api"].cut()
        cabled_stack.cables["api"].mend()
        kept.page.reload()
        shows_what_was_kept(kept)
    cabled_stack.mend()
    kept.is_now("Live")


def test_a_network_that_carries_nothing_is_as_good_as_none(kept: Dashboard, cabled_stack: CabledStack) -> None:
    cabled_stack.hold()
    kept.page.reload(wait_until="commit")
    shows_what_was_kept(kept)
    cabled_stack.mend()
    kept.is_now("Live")


def test_files_of_former_versions_are_removed(kept: Dashboard) -> None:
    page = kept.page
    version = page.evaluate(KEPT_VERSIONS)
    assert len(version) == 1
    page.evaluate(ADD_FORMER_VERSION)
    assert page.evaluate(KEPT_VERSIONS) != version
    page.reload()
    page.evaluate(WAIT_FOR_ONE_VERSION)
    assert page.evaluate(KEPT_VERSIONS) == version


def test_the_page_can_be_installed(dashboard: Dashboard) -> None:
    """Chromium reads the manifest and its icons, and finds nothing wrong with them."""
    dashboard.open()
    chromium = dashboard.page.context.new_cdp_session(dashboard.page)
    manifest = chromium.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert json.loads(manifest["data"])["name"] == "stockstream"
    assert chromium.send("Page.getInstallabilityErrors") == {"installabilityErrors": []}


@pytest.fixture(scope="module")
def cabled_login_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CabledStack]:
    name = postgres.create_database()
    stack = CabledStack(postgres, name, tmp_path_factory.mktemp("cabled_login"))
    stack.settings["AUTH"] = "login"
    for service in ("api", "stream"):
        stack.start(service)
    add_user(stack, "bob", "viewer")
    yield stack
    stack.close()
    postgres.drop_database(name)


def test_what_an_account_has_kept_is_shown_without_a_network_and_removed_when_it_signs_out(
    page: Page, cabled_login_stack: CabledStack, watch: Watch
) -> None:
    watch.expect(f"{NETWORK}|status of 401")
    cabled_login_stack.sql(STOCK)
    dashboard = open_as(page, cabled_login_stack, "bob")
    dashboard.shows("Bolts", 40)
    page.evaluate(WAIT_UNTIL_KEPT)
    cabled_login_stack.cut()
    page.reload()
    shows_what_was_kept(dashboard)
    expect(page.locator(".person-name")).to_have_text("bob")
    cabled_login_stack.mend()
    dashboard.is_now("Live")
    open_account(page, "bob").get_by_role("button", name="Sign out", exact=True).click()
    is_asked_to_sign_in(page)
    page.evaluate(WAIT_UNTIL_FORGOTTEN)
    cabled_login_stack.cut()
    page.reload()
    expect(page.get_by_text("The stock can't be loaded")).to_be_visible()
    assert dashboard.items() == []
    cabled_login_stack.mend()
