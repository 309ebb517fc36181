"""Measures how fast the page with 10,000 items opens, over HTTP/1.1 and HTTP/2: `python -m tests.browser.loading`."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.under_fire import ITEMS, filled_stack
from tests.gateway.gateway import Gateway

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType, Page

TRIES = 5
DELAY_MS = 40  # for each request, as to a server in the same country
BYTES_PER_SECOND = 1_250_000  # 10 Mbit/s
FLAGS = ["--no-sandbox", "--ignore-certificate-errors"]

# Milliseconds from the start of the navigation to the first paint, and to the first row of the list.
TIMES = """async () => {
    while (!document.querySelector(".stock-row")) await new Promise(requestAnimationFrame);
    const row = performance.now();
    let paint;
    const find = () => (paint = performance.getEntriesByName("first-contentful-paint")[0]);
    while (!find()) await new Promise(requestAnimationFrame);
    const files = performance.getEntriesByType("resource").filter(({ name }) => name.includes("/static/"));
    return [paint.startTime, row, files.length, performance.getEntriesByType("navigation")[0].nextHopProtocol];
}"""


class Times(NamedTuple):
    """How fast the page was, in milliseconds."""

    paint: float
    row: float
    files: int
    protocol: str


def load(page: Page, url: str) -> Times:
    page.goto(url, wait_until="commit")
    return Times(*page.evaluate(TIMES))


def slow_down(page: Page) -> None:
    conditions = {"offline": False, "latency": DELAY_MS, "downloadThroughput": BYTES_PER_SECOND, "uploadThroughput": -1}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", conditions)


def measure(browser: Browser, url: str, *, is_slow: bool, keeps: bool) -> tuple[Times, Times]:
    """The medians of a first load, with nothing cached, and of a second one. With `keeps`, the page has its worker."""
    first, second = [], []
    for _ in range(TRIES):
        context = browser.new_context(service_workers="allow" if keeps else "block", ignore_https_errors=True)
        page = context.new_page()
        if is_slow:
            slow_down(page)
        first.append(load(page, url))
        if keeps:
            page.evaluate("navigator.serviceWorker.ready")
        second.append(load(page, url))
        context.close()
    return median(first), median(second)


def median(times: list[Times]) -> Times:
    paint, row = (statistics.median(values) for values in zip(*[each[:2] for each in times], strict=True))
    return Times(paint, row, times[0].files, times[0].protocol)


def report(chromium: BrowserType, name: str, url: str, *flags: str) -> None:
    browser = chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *flags])
    for is_slow in (False, True):
        for keeps in (False, True):
            first, second = measure(browser, url, is_slow=is_slow, keeps=keeps)
            network = f"{DELAY_MS} ms" if is_slow else "0 ms"
            kept = "service worker" if keeps else "HTTP cache"
            figures = f"{first.paint:.0f} | {first.row:.0f} | {second.paint:.0f} | {second.row:.0f}"
            sys.stdout.write(f"| {name} | {first.protocol} | {network} | {kept} | {figures} |\n")
            sys.stdout.flush()
    browser.close()


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, filled_stack(Path(folder), {"EVENTS_URL": "/events"}) as stack:
        gateway = Gateway(Path(folder), api=stack.ports["api"], stream=stack.ports["stream"], with_tls=True)
        gateway.start()
        try:
            sys.stdout.write(f"{ITEMS:,} items, medians of {TRIES}, in ms\n\n")
            sys.stdout.write("| to | protocol | delay | kept by | first paint | first row | again: paint | row |\n")
            sys.stdout.write("|---|---|---:|---|---:|---:|---:|---:|\n")
            with sync_playwright() as playwright:
                report(playwright.chromium, "the API", stack.api_url)
                report(playwright.chromium, "the gateway", gateway.url, "--disable-http2")
                report(playwright.chromium, "the gateway", gateway.url)
        finally:
            gateway.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
