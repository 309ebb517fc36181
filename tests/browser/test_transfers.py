"""Import from a spreadsheet, and export to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.importing import choose, open_import, send, sums_up

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard
    from tests.browser.watched import Watch


def test_the_progress_of_a_large_file_is_shown(dashboard: Dashboard) -> None:
    """Slows down the network of the page, so that the progress is visible."""
    dashboard.open()
    network = dashboard.page.context.new_cdp_session(dashboard.page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    network.send("Network.emulateNetworkConditions", slow)
    expect(open_import(dashboard).locator("progress")).to_be_attached()
    dashboard.page.evaluate("""() => {
        globalThis.progress = [];
        const bar = document.querySelector(".import progress");
        new MutationObserver(() => globalThis.progress.push(bar.value)).observe(bar, { attributes: true });
    }""")
    lines = "".join(
        f"A part with a long enough name, number {n},{n}\n".replace("name, ", "name ") for n in range(6_000)
    )
    view = choose(dashboard, "name,quantity\n" + lines)
    expect(view.get_by_text("6,000 new")).to_be_attached(timeout=20_000)
    seen = dashboard.page.evaluate("globalThis.progress")
    assert seen == sorted(seen)
    assert any(0 < value < 1 for value in seen), seen


def test_an_import_that_cannot_be_sent_shows_why(dashboard: Dashboard, watch: Watch) -> None:
    watch.expect("net::ERR")
    dashboard.open()
    dashboard.page.route("**/import/table", lambda route: route.abort())
    view = choose(dashboard, "name,quantity\nBolts,1\n")
    expect(view.get_by_text("The server can't be reached, or refused the file.")).to_be_visible()


def test_an_export_holds_the_found_items_and_can_be_imported_again(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Crème', 3), ('Bolts', 12)")
    dashboard.open()
    dashboard.search("creme")
    dashboard.shows_nothing_of("Bolts")
    menu = dashboard.open_menu()
    expect(menu.get_by_role("link", name="Export all: 2 items")).to_be_visible()
    with dashboard.page.expect_download() as download:
        menu.get_by_role("link", name="Export what is shown: 1 item").click()
    expect(menu).to_be_hidden()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert text.splitlines()[0].startswith("id,name,quantity")
    assert len(text.splitlines()) == 2
    view = choose(dashboard, text.replace("Crème,3", "Crème,4"))
    sums_up(view, changed=1)
    send(view).click()
    dashboard.shows("Crème", 4)
    dashboard.equals_the_table()
