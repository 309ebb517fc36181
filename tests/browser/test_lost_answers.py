"""Writes whose response is lost: the page says that the result is unknown, and a retry changes nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard
from tests.browser.importing import choose, open_import, send, sums_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page, Request

    from tests.browser.cable import Cable, CabledStack
    from tests.browser.watched import Watch

NETWORK = "net::ERR_|Failed to load resource"


@pytest.fixture
def cable(cabled_stack: CabledStack) -> Iterator[Cable]:
    cable = cabled_stack.cables["api"]
    yield cable
    cable.loses_answers = False


@pytest.fixture(params=["live", "not live"])
def lossy(request: pytest.FixtureRequest, page: Page, cabled_stack: CabledStack, watch: Watch) -> Dashboard:
    """The page behind that cable. With the stream, it sees the outcome of its writes; without it, it does not."""
    watch.expect(NETWORK)
    cabled_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 5)")
    dashboard = Dashboard(page, cabled_stack).without_shared_worker()
    if request.param == "not live":
        page.route("**/events?*", lambda route: route.abort())
        dashboard.load()
    else:
        dashboard.open()
    dashboard.shows("Bolts", 5)
    return dashboard


@pytest.fixture
def changes(cabled_stack: CabledStack) -> Callable[[], int]:
    """Return a function that counts the changes in the log."""
    return lambda: int(cabled_stack.sql("SELECT count(*) FROM inventory_history")[0][0])


def test_a_retried_addition_creates_one_item(lossy: Dashboard, cable: Cable, changes: Callable[[], int]) -> None:
    before = changes()
    cable.loses_answers = True
    lossy.add("Nuts", 3)
    lossy.says("Nuts may not have been added. The server can't be reached.")
    cable.loses_answers = False
    lossy.page.locator(".add-dialog").get_by_role("button", name="Add item").click()
    lossy.says("Nuts was added.")
    assert changes() - before == 1
    lossy.add("Nuts", 3)
    expect(lossy.row("Nuts")).to_have_count(2)
    assert changes() - before == 2, "after a response, adding the same item creates another one"


def test_a_retried_step_is_made_once(lossy: Dashboard, cable: Cable, changes: Callable[[], int]) -> None:
    before = changes()
    cable.loses_answers = True
    lossy.step("Bolts", 1)
    lossy.says("Bolts: 1 may not have been added. The server can't be reached.")
    cable.loses_answers = False
    lossy.notice("1 may not have been added").get_by_role("button", name="Try again").click()
    lossy.shows("Bolts", 6)
    lossy.wait_for_pending_writes()
    assert changes() - before == 1
    lossy.step("Bolts", 1)
    lossy.shows("Bolts", 7)
    lossy.wait_for_pending_writes()
    assert changes() - before == 2


def test_a_step_clicked_again_while_its_result_is_unknown_is_made_once(
    lossy: Dashboard, cable: Cable, changes: Callable[[], int]
) -> None:
    lossy.page.route("**/events?*", lambda route: route.abort())
    lossy.page.reload()
    lossy.shows("Bolts", 5)
    before = changes()
    cable.loses_answers = True
    lossy.page.route("**/api/inventories", lambda route: route.abort())
    lossy.step("Bolts", -1)
    lossy.says("Bolts: 1 may not have been taken.")
    cable.loses_answers = False
    lossy.step("Bolts", -1)
    lossy.shows("Bolts", 4)
    lossy.wait_for_pending_writes()
    assert changes() - before == 1


def test_a_retried_restore_is_made_once(lossy: Dashboard, cable: Cable, changes: Callable[[], int]) -> None:
    lossy.delete("Bolts")
    lossy.says("Bolts was deleted.")
    before = changes()
    cable.loses_answers = True
    lossy.notice("Bolts was deleted.").get_by_role("button", name="Undo").click()
    lossy.says("Bolts may not have been restored. The server can't be reached.")
    cable.loses_answers = False
    lossy.notice("Bolts may not have been restored.").get_by_role("button", name="Try again").click()
    lossy.says("Bolts was restored.")
    lossy.shows("Bolts", 5)
    assert changes() - before == 1


def test_a_retried_edit_is_made_once(lossy: Dashboard, cable: Cable, changes: Callable[[], int]) -> None:
    lossy.page.route("**/events?*", lambda route: route.abort())
    before = changes()
    cable.loses_answers = True
    lossy.edit("Bolts", 9)
    lossy.says("Bolts may not have been changed. The server can't be reached.")
    cable.loses_answers = False
    lossy.edit("Bolts", 9)
    lossy.shows("Bolts", 9)
    lossy.wait_for_pending_writes()
    assert changes() - before == 1


def test_a_retried_import_is_made_once(lossy: Dashboard, cable: Cable, changes: Callable[[], int]) -> None:
    before = changes()
    view = choose(lossy, "name,quantity\nNuts,3\nNails,4\n")
    sums_up(view, new=2)
    cable.loses_answers = True
    for _ in range(2):
        send(view).click()
        expect(view.get_by_text("The file may have been imported, or not.")).to_be_visible()
    lossy.page.get_by_role("button", name="Journal").click()
    expect(view).to_be_hidden()
    open_import(lossy)
    expect(view.get_by_text("The file may have been imported, or not.")).to_be_visible()
    cable.loses_answers = False
    expect(send(view)).to_have_text("Import again")
    send(view).click()
    lossy.says("stock.csv: 2 items added, 0 items changed.")
    assert changes() - before == 2
    view = choose(lossy, "name,quantity\nNuts,3\nNails,5\n")
    sums_up(view, changed=1, unchanged=1)
    send(view).click()
    expect(view).to_be_hidden()
    assert changes() - before == 3, "choosing a file again starts another import"


def test_an_import_that_met_a_server_error_keeps_its_key(dashboard: Dashboard, watch: Watch) -> None:
    watch.expect("status of 503")
    keys: list[str | None] = []
    dashboard.open()
    view = choose(dashboard, "name,quantity\nNuts,3\n")
    sums_up(view, new=1)

    def note_key(sent: Request) -> None:
        if "import" in sent.url:
            keys.append(sent.headers.get("idempotency-key"))

    dashboard.page.on("request", note_key)
    problem = '{"status": 503, "detail": "The database can\'t be reached."}'
    dashboard.page.route("**/inventories/import", lambda route: route.fulfill(status=503, body=problem))
    send(view).click()
    expect(view.get_by_text("The database can't be reached. The file may have been imported, or not.")).to_be_visible()
    dashboard.page.unroute("**/inventories/import")
    send(view).click()
    dashboard.shows("Nuts", 3)
    assert len(keys) == 2
    assert keys[0] == keys[1] is not None
