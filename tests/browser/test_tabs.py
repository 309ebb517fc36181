"""Many tabs share one stream, since a browser opens at most six HTTP/1.1 connections to an origin."""

from __future__ import annotations

import re
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.browser.dashboard import Dashboard

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.stack import Stack

TABS = 10


@pytest.fixture
def open_tab(new_page: Callable[[], Page], steady_stack: Stack) -> Callable[[], Dashboard]:
    return lambda: Dashboard(new_page(), steady_stack).open()


def streams_opened(stack: Stack) -> int:
    """Return the number of streams that the service has opened since it started."""
    with urllib.request.urlopen(f"{stack.stream_url}/metrics") as response:
        text = response.read().decode()
    return sum(int(float(n)) for n in re.findall(r"^stockstream_streams_total\{.*\} (\S+)$", text, re.MULTILINE))


def test_ten_tabs_are_live_over_one_stream_and_each_can_write(
    steady_stack: Stack, open_tab: Callable[[], Dashboard]
) -> None:
    before = streams_opened(steady_stack)
    tabs = [open_tab() for _ in range(TABS)]
    assert streams_opened(steady_stack) - before == 1
    steady_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 1)")
    for tab in tabs:
        tab.shows("Bolts", 1)
    for tab in tabs:
        tab.step("Bolts", 1)
    for tab in tabs:
        tab.shows("Bolts", 1 + TABS)
        tab.equals_the_table()
    assert streams_opened(steady_stack) - before == 1


def test_a_tab_opened_later_misses_nothing_and_outlives_the_first(
    steady_stack: Stack, open_tab: Callable[[], Dashboard]
) -> None:
    first = open_tab()
    steady_stack.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 300) n")
    second = open_tab()
    second.equals_the_table()
    before = streams_opened(steady_stack)
    first.page.close()
    steady_stack.sql("UPDATE inventory SET quantity = quantity + 1")
    second.equals_the_table()
    third = open_tab()
    steady_stack.sql("DELETE FROM inventory WHERE quantity % 2 = 0")
    for tab in (second, third):
        tab.equals_the_table()
    assert streams_opened(steady_stack) == before


def test_a_tab_that_navigated_away_is_live_again_after_going_back(
    steady_stack: Stack, open_tab: Callable[[], Dashboard]
) -> None:
    tab = open_tab()
    tab.page.goto("about:blank")
    steady_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    tab.page.go_back()
    tab.is_now("Live")
    tab.shows("Bolts", 12)


def test_without_a_shared_worker_the_page_opens_its_own_stream(
    new_page: Callable[[], Page], steady_stack: Stack
) -> None:
    alone = Dashboard(new_page(), steady_stack).without_shared_worker().open()
    steady_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    alone.shows("Bolts", 12)
    alone.equals_the_table()


FORBIDDEN = "class { constructor() { throw new Error('no worker here'); } }"
BROKEN = """class extends EventTarget {
    port = new MessageChannel().port1;
    constructor() { super(); setTimeout(() => this.dispatchEvent(new Event("error"))); }
}"""


@pytest.mark.parametrize("worker", [FORBIDDEN, BROKEN], ids=["forbidden", "broken"])
def test_the_page_works_if_the_shared_worker_fails(
    worker: str, new_page: Callable[[], Page], steady_stack: Stack
) -> None:
    page = new_page()
    page.add_init_script(f"globalThis.SharedWorker = {worker}")
    Dashboard(page, steady_stack).open()
