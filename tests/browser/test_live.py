"""Changes by others appear without a reload."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.watched import Watch


def test_the_page_is_live_and_shows_the_stock_by_name_or_newest_change_first(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Nuts', 1500)")
    dashboard.open()
    dashboard.equals_the_table()
    assert [item.name for item in dashboard.items()] == ["Bolts", "Nuts"]
    expect(dashboard.quantity("Nuts")).to_have_text("1,500")
    dashboard.page.get_by_label("Order").select_option("Newest change first")
    names = dashboard.page.locator(".stock-row-name")
    expect(names).to_have_text(["Nuts", "Bolts"])
    dashboard.sql("UPDATE inventory SET quantity = 13 WHERE name = 'Bolts'")
    dashboard.shows("Bolts", 13)
    expect(names).to_have_text(["Bolts", "Nuts"])


def test_an_empty_stock_shows_a_hint_until_the_first_item_is_added(dashboard: Dashboard) -> None:
    dashboard.open()
    panel = dashboard.page.get_by_text("Nothing in stock yet")
    expect(panel).to_be_visible()
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('First', 1)")
    dashboard.shows("First", 1)
    expect(panel).to_be_hidden()
    dashboard.sql("DELETE FROM inventory")
    expect(panel).to_be_visible()


def test_changes_by_psql_appear(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 50) n")
    dashboard.equals_the_table()
    dashboard.sql("UPDATE inventory SET quantity = quantity * 2; DELETE FROM inventory WHERE quantity > 60")
    dashboard.equals_the_table()
    assert len(dashboard.stock()) == 30


def test_changes_by_http_appear(dashboard: Dashboard) -> None:
    dashboard.open()
    url = f"{dashboard.stack.api_url}/api/inventories"
    created = _request("POST", url, {"name": "By HTTP", "quantity": 5})
    dashboard.shows("By HTTP", 5)
    _request("PATCH", f"{url}/{created['id']}", {"adjust": -3})
    dashboard.shows("By HTTP", 2)
    _request("DELETE", f"{url}/{created['id']}")
    dashboard.shows_nothing_of("By HTTP")


def test_changes_by_a_second_page_appear(dashboard: Dashboard, new_page: Callable[[], Page]) -> None:
    dashboard.open()
    other = Dashboard(new_page(), dashboard.stack).open()
    other.add("Shared", 3)
    dashboard.shows("Shared", 3)
    other.close_add()
    other.edit("Shared", 8)
    dashboard.shows("Shared", 8)
    dashboard.delete("Shared")
    other.leave_list()
    other.shows_nothing_of("Shared")


def test_the_search_shows_only_the_items_with_that_name(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Blue paint', 1), ('Red paint', 2)")
    dashboard.open()
    dashboard.search("BLUE")
    dashboard.shows_nothing_of("Red paint")
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Blue chalk', 3), ('White chalk', 4)")
    dashboard.shows("Blue chalk", 3)
    dashboard.shows_nothing_of("White chalk")
    dashboard.search("green")
    expect(dashboard.page.get_by_text("Nothing is called green")).to_be_visible()


def test_a_stock_of_2000_items_stays_usable_under_hundreds_of_changes(dashboard: Dashboard, watch: Watch) -> None:
    watch.expect("status of 412")
    dashboard.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 2000) n")
    dashboard.open()
    dashboard.search("Item 2000")
    box = dashboard.start_edit("Item 2000")
    for _ in range(5):
        dashboard.sql("UPDATE inventory SET quantity = quantity + 1 WHERE quantity % 4 = 0")
    box.fill("7")
    box.press("Enter")
    dialog = dashboard.page.get_by_role("dialog", name="Item 2000 has changed")
    dialog.get_by_role("button", name="Save 7", exact=True).click()
    dashboard.shows("Item 2000", 7)
    dashboard.equals_the_table()
    assert dashboard.sql("SELECT quantity FROM inventory WHERE name = 'Item 2000'") == [("7",)]


def _request(method: str, url: str, body: dict[str, object] | None = None) -> dict[str, object]:
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as response:
        answer: dict[str, object] = json.load(response)
        return answer
