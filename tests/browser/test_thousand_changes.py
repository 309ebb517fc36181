"""After 1,000 changes by psql, the API and the page, the page equals the table."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard
    from tests.stack import Stack

SEED = 20
ROUNDS = 10
BY_HTTP = 50  # per round, in addition to those by psql


def test_1000_changes_by_psql_http_and_the_page_leave_it_equal_to_the_table(dashboard: Dashboard) -> None:
    stack, chance = dashboard.stack, random.Random(SEED)
    stack.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 100) n")
    before = _log_length(stack)
    dashboard.open()
    with ThreadPoolExecutor(2) as others:
        for number in range(ROUNDS):
            work = [
                others.submit(_change_by_psql, stack, random.Random(chance.random())),
                others.submit(_change_by_http, stack, random.Random(chance.random()), number),
            ]
            _change_by_page(dashboard, chance, number)
            for done in work:
                done.result()
    assert _log_length(stack) - before >= 1_000
    dashboard.search("")
    dashboard.equals_the_table()
    dashboard.page.reload()
    dashboard.is_now("Live")
    dashboard.equals_the_table()


def _log_length(stack: Stack) -> int:
    return int(stack.sql("SELECT count(*) FROM inventory_history")[0][0])


def _change_by_psql(stack: Stack, chance: random.Random) -> None:
    """Change random items by psql. Each statement is its own transaction."""
    for _ in range(5):
        some = "SELECT id FROM inventory WHERE name NOT LIKE 'Page %' ORDER BY random() LIMIT"
        stack.sql(f"UPDATE inventory SET quantity = quantity + 1 WHERE id IN ({some} 8)")
        name = f"psql {chance.random()}"
        stack.sql(f"INSERT INTO inventory (name, quantity) VALUES ('{name}', 1), ('{name} b', 2), ('{name} c', 3)")
        stack.sql(f"DELETE FROM inventory WHERE id IN ({some} 2)")


def _change_by_http(stack: Stack, chance: random.Random, number: int) -> None:
    url = f"{stack.api_url}/api/inventories"
    with urllib.request.urlopen(url) as response:
        ids = [item["id"] for item in json.load(response)]
    for turn in range(BY_HTTP):
        item = f"{url}/{chance.choice(ids)}"
        kind = turn % 10
        if kind < 6:
            _send("PATCH", item, {"adjust": 1})
        elif kind < 8:
            _send("PUT", item, {"quantity": chance.randrange(1_000, 100_000)})
        elif kind < 9:
            _send("POST", url, {"name": f"HTTP {number} {turn}", "quantity": turn})
        else:
            _send("DELETE", item)


def _send(method: str, url: str, body: dict[str, object] | None = None) -> None:
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        urllib.request.urlopen(request).close()
    except urllib.error.HTTPError as refusal:
        if refusal.code != HTTPStatus.NOT_FOUND:  # someone else deleted the item first
            raise


def _change_by_page(dashboard: Dashboard, chance: random.Random, number: int) -> None:
    """Add items on the page, edit them and delete one of them."""
    kept, gone = f"Page {number} kept", f"Page {number} gone"
    dashboard.search(f"Page {number} ")  # otherwise, changes by others push these items off the screen
    for name in (kept, gone):
        dashboard.add(name, 1)
        dashboard.row(name).wait_for()
    dashboard.close_add()
    dashboard.edit(kept, chance.randrange(1_000))
    dashboard.delete(gone)
    dashboard.leave_list()
