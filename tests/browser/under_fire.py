"""Measures the page with 10,000 items under 500 changes per second: `python -m tests.browser.under_fire`."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from playwright.sync_api import sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.dashboard import Dashboard
from tests.postgres import PostgresServer
from tests.stack import running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Page

    from tests.stack import Stack

ITEMS = 10_000
ROWS_IN_A_CHANGE = 10
CHANGES_PER_SECOND = 50  # transactions of ROWS_IN_A_CHANGE rows: 500 events per second
WORD = "item 99"

# Starts counting frames, render passes over the list, rows in the list, long tasks, and key-to-frame times.
WATCH = """() => {
    const seen = globalThis.seen = { frames: 0, passes: 0, rows: 0, longTasks: [], keys: [] };
    const list = document.querySelector(".stock-list-rows");
    const observer = new MutationObserver(() => { seen.passes += 1; });
    observer.observe(list, { subtree: true, childList: true, attributes: true, characterData: true });
    const note = (entries) => entries.getEntries().forEach(({ duration }) => seen.longTasks.push(duration));
    new PerformanceObserver(note).observe({ type: "longtask", buffered: true });
    document.querySelector("#search").addEventListener("input", ({ timeStamp }) => {
        requestAnimationFrame(() => setTimeout(() => seen.keys.push(performance.now() - timeStamp)));
    });
    const frame = () => {
        seen.frames += 1;
        seen.rows = Math.max(seen.rows, list.childElementCount);
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
}"""


class Seen(NamedTuple):
    """The counts and times of a page, in milliseconds."""

    frames: int
    passes: int
    rows: int
    long_tasks: list[float]
    keys: list[float]  # from each key press to the frame that shows it

    @property
    def longest_task(self) -> float:
        """The longest task. The browser reports only tasks of 50 ms or more."""
        return max(self.long_tasks, default=0)

    @property
    def usual_key(self) -> float:
        return statistics.median(self.keys)


def fill(stack: Stack) -> None:
    stack.sql(f"INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, {ITEMS}) n")


@contextmanager
def fire(stack: Stack, seconds: float) -> Iterator[None]:
    """Change random items at CHANGES_PER_SECOND for some seconds, concurrently with the block."""
    some = f"SELECT (random() * {ITEMS - 1})::int + lowest FROM generate_series(1, {ROWS_IN_A_CHANGE}), ids"
    change = (
        f"WITH ids AS MATERIALIZED (SELECT min(id) AS lowest FROM inventory) UPDATE inventory"
        f" SET quantity = (quantity + 1) % 1000 WHERE id IN ({some})"
    )
    turns = int(seconds * CHANGES_PER_SECOND)
    loop = f"FOR turn IN 1..{turns} LOOP {change}; COMMIT; PERFORM pg_sleep({1 / CHANGES_PER_SECOND}); END LOOP;"
    with ThreadPoolExecutor(1) as others:
        work = others.submit(stack.sql, f"DO $$ BEGIN {loop} END $$")
        yield
        work.result()


def watch(page: Page) -> None:
    page.evaluate(WATCH)


def type_into_search(page: Page) -> None:
    search = page.get_by_label("Search or scan")
    for key in WORD:
        search.press(key)
    search.fill("")


def seen(page: Page) -> Seen:
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    told: dict[str, Any] = page.evaluate("() => globalThis.seen")
    return Seen(told["frames"], told["passes"], told["rows"], told["longTasks"], told["keys"])


def measure(stack: Stack) -> Seen:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        Dashboard(page, stack).open()
        watch(page)
        for order in ("name", "-updated_at"):
            page.get_by_label("Order").select_option(order)
        with fire(stack, 10):
            for _ in range(4):
                type_into_search(page)
                page.wait_for_timeout(500)
        told = seen(page)
        browser.close()
    return told


@contextmanager
def filled_stack(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Run both services with ITEMS items, on a PostgreSQL server of their own in this folder."""
    server = PostgresServer(folder)
    server.start()
    try:
        server.make_template()
        with running_stack(server, folder, settings) as stack:
            fill(stack)
            yield stack
    finally:
        server.close()


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, filled_stack(Path(folder)) as stack:
        told = measure(stack)
    figures = {
        "longest task (ms)": round(told.longest_task),
        "long tasks": len(told.long_tasks),
        "key to frame, median (ms)": round(told.usual_key),
        "key to frame, most (ms)": round(max(told.keys)),
        "rows in the document": told.rows,
        "frames": told.frames,
        "passes over the list": told.passes,
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
