"""One Chromium for these tests, a fresh context for each, and no complaint unheard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.cable import CabledStack
from tests.browser.chromium import find_chromium
from tests.browser.dashboard import PATIENCE_MS, Dashboard
from tests.browser.watched import Watch
from tests.stack import Stack

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
    """After PostgreSQL, which asyncio starts: playwright keeps a loop of its own running in this thread."""
    expect.set_options(timeout=PATIENCE_MS)
    path = find_chromium()
    assert path, "no Chromium: run `python -m tests.browser.chromium`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    yield context
    context.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails the test for each complaint of its pages that it did not announce by `watch.expect`."""
    watch = Watch()
    yield watch
    assert watch.complaints == []


@pytest.fixture
def new_page(context: BrowserContext, watch: Watch) -> Callable[[], Page]:
    def new_page() -> Page:
        page = context.new_page()
        watch.over(page)
        return page

    return new_page


@pytest.fixture
def page(new_page: Callable[[], Page]) -> Page:
    return new_page()


@pytest.fixture(scope="package")
def shared_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    name = postgres.create_database()
    stack = Stack(postgres, name, tmp_path_factory.mktemp("steady"))
    for service in ("api", "stream"):
        stack.start(service)
    yield stack
    stack.close()
    postgres.drop_database(name)


@pytest.fixture
def steady_stack(shared_stack: Stack) -> Stack:
    """Both services with an empty stock, for a test that breaks neither: they are shared, which saves the start."""
    for service in ("api", "stream"):
        shared_stack.wait_until_ready(service)  # one that died fails here, with its log, not in each page
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
    """Both services behind a network that the test may cut; whole again for the next."""
    shared_cabled_stack.mend()
    shared_cabled_stack.sql("DELETE FROM inventory")
    return shared_cabled_stack


@pytest.fixture
def dashboard(page: Page, steady_stack: Stack) -> Dashboard:
    """The page, not opened yet."""
    return Dashboard(page, steady_stack)


@pytest.fixture
def frail_dashboard(page: Page, stack: Stack) -> Dashboard:
    """The page of services that the test may kill, stop and start."""
    return Dashboard(page, stack)
