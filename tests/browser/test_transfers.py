"""Import from a spreadsheet, and export to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Locator

    from tests.browser.dashboard import Dashboard
    from tests.browser.watched import Watch

TEA = "شاي"


def csv(text: str) -> FilePayload:
    return {"name": "stock.csv", "mimeType": "text/csv", "buffer": text.encode()}


def choose(dashboard: Dashboard, text: str) -> Locator:
    """Choose a file with this text, opening the dialog if necessary. Returns the dialog."""
    dialog = dashboard.page.get_by_role("dialog", name="Import a CSV file")
    if not dialog.is_visible():
        dashboard.page.get_by_role("button", name="Import", exact=True).click()
    dialog.get_by_label("Choose a file").set_input_files(csv(text))
    return dialog


def test_a_file_is_checked_first_and_imported_after_a_confirmation(dashboard: Dashboard) -> None:
    dashboard.open()
    dialog = choose(dashboard, f"name,quantity\nBolts,12\n{TEA},3\n")
    expect(dialog.get_by_text("2 items would be added, 0 items changed, 0 items left as they are.")).to_be_visible()
    assert dashboard.sql("SELECT count(*) FROM inventory") == [("0",)]
    dialog.get_by_role("button", name="Import").click()
    dashboard.says("stock.csv: 2 items added, 0 items changed.")
    dashboard.shows("Bolts", 12)
    dashboard.shows(TEA, 3)
    dashboard.equals_the_table()


def test_faults_of_a_file_are_shown_by_line_and_the_corrected_file_is_imported(
    dashboard: Dashboard, watch: Watch
) -> None:
    watch.expect("status of 422")
    dashboard.open()
    dialog = choose(dashboard, "name,quantity\nBolts,12\n<b>Nuts</b>,-1\n,4\n")
    expect(dialog.get_by_text("2 errors; nothing was imported.")).to_be_visible()
    lines = dialog.locator("tbody tr")
    expect(lines).to_have_count(2)
    expect(lines.nth(0).locator("td").nth(0)).to_have_text("3")
    expect(lines.nth(0).locator("td").nth(1)).to_have_text("quantity")
    expect(lines.nth(1).locator("td").nth(0)).to_have_text("4")
    expect(dialog.get_by_role("button", name="Import")).to_be_hidden()
    choose(dashboard, "name,quantity\nBolts,12\n<b>Nuts</b>,1\n")
    dialog.get_by_role("button", name="Import").click()
    dashboard.shows("<b>Nuts</b>", 1)
    dashboard.equals_the_table()


def test_the_progress_of_a_large_file_is_shown(dashboard: Dashboard) -> None:
    """Slows down the network of the page, so that the progress is visible."""
    dashboard.open()
    network = dashboard.page.context.new_cdp_session(dashboard.page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    network.send("Network.emulateNetworkConditions", slow)
    dashboard.page.evaluate("""() => {
        globalThis.progress = [];
        const bar = document.querySelector(".import-dialog progress");
        new MutationObserver(() => globalThis.progress.push(bar.value)).observe(bar, { attributes: true });
    }""")
    lines = "".join(
        f"A part with a long enough name, number {n},{n}\n".replace("name, ", "name ") for n in range(6_000)
    )
    dialog = choose(dashboard, "name,quantity\n" + lines)
    expect(dialog.get_by_text("6,000 items would be added")).to_be_visible(timeout=20_000)
    seen = dashboard.page.evaluate("globalThis.progress")
    assert seen == sorted(seen)
    assert any(0 < value < 1 for value in seen), seen


def test_an_import_that_cannot_be_sent_shows_why(dashboard: Dashboard, watch: Watch) -> None:
    watch.expect("net::ERR")
    dashboard.open()
    dashboard.page.route("**/import?*", lambda route: route.abort())
    dialog = choose(dashboard, "name,quantity\nBolts,1\n")
    expect(
        dialog.get_by_text("Nothing was imported. The server can't be reached, or refused the file.")
    ).to_be_visible()


def test_an_export_holds_the_found_items_and_can_be_imported_again(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Crème', 3), ('Bolts', 12)")
    dashboard.open()
    dashboard.search("creme")
    dashboard.shows_nothing_of("Bolts")
    with dashboard.page.expect_download() as download:
        dashboard.page.get_by_role("link", name="Export").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert text.splitlines()[0].startswith("id,name,quantity")
    assert len(text.splitlines()) == 2
    dialog = choose(dashboard, text.replace("Crème,3", "Crème,4"))
    dialog.get_by_role("button", name="Import").click()
    dashboard.shows("Crème", 4)
    dashboard.equals_the_table()
