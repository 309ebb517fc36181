"""Fixtures of the browser tests: one Chromium for all, a new context for each, and a check for page errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.cable import CabledStack
from tests.browser.chromium import find_chromium
from tests.browser.dashboard import PATIENCE_MS, Dashboard
from tests.browser.people import add_user
from tests.browser.places import (
    MAKE_PLACES,
    ONE_PLACE,
    RESTART_IDS,
    STOCK,
    STOCK_OF_VAN,
    TREE_STOCK,
    grant,
    location_filter,
)
from tests.browser.watched import Watch
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.postgres import PostgresServer

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def browser(postgres: PostgresServer) -> Iterator[Browser]:
    """One Chromium. Depends on `postgres`, whose setup uses asyncio and must precede playwright's own event loop."""
    expect.set_options(timeout=PATIENCE_MS)
    path = find_chromium()
    assert path, "no Chromium: run `python -m tests.browser.chromium`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def service_workers() -> Literal["allow", "block"]:
    """Whether pages have a service worker. While one takes over, a test may miss requests that it intercepts."""
    return "block"


@pytest.fixture
def context(browser: Browser, service_workers: Literal["allow", "block"]) -> Iterator[BrowserContext]:
    context = browser.new_context(
        locale="en-GB", viewport={"width": 1280, "height": 800}, service_workers=service_workers
    )
    yield context
    context.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fail the test on console errors and warnings of its pages, unless announced by `watch.expect`."""
    watch = Watch()
    yield watch
    assert watch.complaints == []


@pytest.fixture
def new_page(context: BrowserContext, watch: Watch) -> Callable[[], Page]:
    def new_page() -> Page:
        page = context.new_page()
        watch.listen_to(page)
        return page

    return new_page


@pytest.fixture
def page(new_page: Callable[[], Page]) -> Page:
    return new_page()


@pytest.fixture(scope="package")
def shared_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(postgres, tmp_path_factory.mktemp("steady")) as stack:
        yield stack


@pytest.fixture
def steady_stack(shared_stack: Stack) -> Stack:
    """Both services with an empty stock, shared by all tests that break neither."""
    for service in ("api", "stream"):
        shared_stack.wait_until_ready(service)  # if a service died, fail here and show its log
    shared_stack.sql("DELETE FROM inventory")
    return shared_stack


@pytest.fixture(scope="package")
def shared_cabled_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CabledStack]:
    name = postgres.create_database()
    stack = CabledStack(postgres, name, tmp_path_factory.mktemp("cabled"))
    for service in ("api", "stream"):
        stack.start(service)
    yield stack
    stack.close()
    postgres.drop_database(name)


@pytest.fixture
def cabled_stack(shared_cabled_stack: CabledStack) -> CabledStack:
    """Both services behind cables that the test may cut or hold. Mended before each test."""
    shared_cabled_stack.mend()
    shared_cabled_stack.sql("DELETE FROM inventory")
    return shared_cabled_stack


@pytest.fixture
def dashboard(page: Page, steady_stack: Stack) -> Dashboard:
    """The dashboard of the shared services, not opened yet."""
    return Dashboard(page, steady_stack)


@pytest.fixture
def frail_dashboard(page: Page, stack: Stack) -> Dashboard:
    """The dashboard of services that the test may kill, stop and start."""
    return Dashboard(page, stack)


@pytest.fixture
def one_place(dashboard: Dashboard) -> Iterator[Dashboard]:
    """The dashboard, not opened yet. Whatever the test adds, one location is left."""
    dashboard.stack.sql(ONE_PLACE)
    yield dashboard
    dashboard.stack.sql(ONE_PLACE)


@pytest.fixture
def stocked(one_place: Dashboard) -> Dashboard:
    """The open dashboard, with one location."""
    one_place.stack.sql(STOCK)
    one_place.open().shows("Bolts", 40)
    return one_place


@pytest.fixture
def store_and_van(one_place: Dashboard) -> Dashboard:
    """The open dashboard, with a store and a van."""
    one_place.stack.sql(RESTART_IDS)
    one_place.stack.sql(STOCK)
    one_place.stack.sql(STOCK_OF_VAN)
    one_place.open().shows("Tarp", 2)
    return one_place


@pytest.fixture
def places(one_place: Dashboard) -> Dashboard:
    """The open dashboard, with a stock at several locations."""
    one_place.stack.sql(RESTART_IDS)
    one_place.stack.sql(MAKE_PLACES)
    one_place.stack.sql(TREE_STOCK)
    one_place.open()
    expect(location_filter(one_place.page)).to_be_visible()
    expect(one_place.page.locator(".stock-row")).to_have_count(5)
    return one_place


@pytest.fixture(scope="module")
def login_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(postgres, tmp_path_factory.mktemp("login"), {"AUTH": "login"}) as stack:
        yield stack


@pytest.fixture
def accounts(login_stack: Stack, watch: Watch) -> Stack:
    """A stock at several locations, the admin ann, and bob without a role."""
    watch.expect(r"status of (401|403|404|409|422) ")
    login_stack.sql("ALTER TABLE principal DISABLE TRIGGER ALL; DELETE FROM principal; TRUNCATE sign_in_failure;")
    login_stack.sql(ONE_PLACE)
    login_stack.sql(RESTART_IDS)
    login_stack.sql(MAKE_PLACES)
    login_stack.sql(TREE_STOCK)
    for name, role in (("ann", "admin"), ("bob", "viewer")):
        add_user(login_stack, name, role)
    grant(login_stack, "bob", {})
    return login_stack
