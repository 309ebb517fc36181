"""The jobs of people who work with stock, done as they would do them, on three screens.

The terminal shows how many keys and clicks each job took, beside those on an earlier page.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard
from tests.browser.hands import NARROW_PX, Hands
from tests.browser.importing import row, send, sums_up
from tests.browser.tasks import FIND, lines, open_task, save
from tests.browser.test_reports import YESTERDAY, open_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Download, FilePayload, Locator, Page, Route

    from tests.browser.cable import CabledStack
    from tests.browser.watched import Watch

WIDTHS = pytest.mark.parametrize("width", [390, 768, 1440])
KINDS = ["Hex bolt", "Washer", "Hex nut", "Wood screw", "Anchor", "Rivet"]
SIZES = ["M4", "M5", "M6", "M8", "M10"]
MAX_KEYS_OF_A_LINE = 6  # besides the digits of its amount and what is typed to find it


@pytest.fixture
def store(dashboard: Dashboard, width: int) -> Dashboard:
    """The open page of a store with 30 items, 50 of each."""
    values = ", ".join(
        f"('{kind} {size}', 50, 'A-{1000 + 10 * row + column}')"
        for row, kind in enumerate(KINDS)
        for column, size in enumerate(SIZES)
    )
    dashboard.page.set_viewport_size({"width": width, "height": 844 if width < NARROW_PX else 900})
    dashboard.sql(f"INSERT INTO inventory (name, quantity, code) VALUES {values}")
    dashboard.open().shows("Anchor M4", 50)
    return dashboard


def note(record: Callable[[str, object], None], job: str, hands: Hands, count: int, before: str) -> None:
    """Note what a job took for each of `count` things, for the terminal."""
    used = f"{hands.keys / count:.1f} keys and {hands.clicks / count:.1f} clicks"
    record("job", f"{job}: {used}, besides {hands.found / count:.1f} keys to find and for amounts (before: {before})")


def open_menu(dashboard: Dashboard, hands: Hands) -> Locator:
    """Open the menu with a click that is counted, and return it."""
    hands.click(dashboard.page.locator('[data-opens="menu"]:visible').first)
    return dashboard.page.get_by_role("dialog", name="You and more")


@WIDTHS
def test_job_first_items(dashboard: Dashboard, width: int, record_property: Callable[[str, object], None]) -> None:
    page, hands = dashboard.page, Hands(dashboard.page)
    page.set_viewport_size({"width": width, "height": 844})
    dashboard.open()
    expect(page.get_by_text("stockstream keeps count of what you have")).to_be_visible()
    hands.click(page.get_by_role("button", name="Add the first item"))
    for name in ("Bolts", "Nuts", "Washers"):
        hands.type(name)
        hands.press("Tab")
        hands.type("12")
        hands.press("Enter")
        dashboard.says(f"{name} was added.")
        expect(page.locator("#add-name")).to_have_value("")
    expect(page.locator(".stock-row")).to_have_count(3)  # before the pointer is over the list, which is held then
    dashboard.close_add()
    note(record_property, "first items", hands, 3, "2 keys")


def type_line(hands: Hands, view: Locator, typed: str, name: str, amount: str) -> None:
    """Find the item with this name by what is typed, and type its amount."""
    expect(view.get_by_label(FIND)).to_be_focused()
    hands.type(typed.lower())
    hands.press("Enter")
    expect(view.get_by_label(f"Amount of {name}")).to_be_focused()
    hands.type(amount)
    hands.press("Enter")


@WIDTHS
def test_job_receive_12(store: Dashboard, width: int, record_property: Callable[[str, object], None]) -> None:
    page, hands = store.page, Hands(store.page)
    view = open_task(page, "Receive")
    for kind in KINDS:
        for size in ("M5", "M8"):
            type_line(hands, view, f"{kind[:5]} {size}", f"{kind} {size}", "20")
    hands.click(save(view))
    store.says("12 items were received.")
    assert store.sql("SELECT count(*) FROM inventory WHERE quantity = 70") == [("12",)]
    assert hands.keys / 12 <= MAX_KEYS_OF_A_LINE
    note(record_property, "receive 12", hands, 12, "17.6 keys in all, 1 click and a sum in the head")


@WIDTHS
def test_job_pick_8_one_of_them_short(
    store: Dashboard, width: int, record_property: Callable[[str, object], None]
) -> None:
    page, hands = store.page, Hands(store.page)
    store.sql("UPDATE inventory SET quantity = 3 WHERE name = 'Rivet M6'")
    view = open_task(page, "Pick")
    for name in [f"{kind} M6" for kind in KINDS] + ["Washer M4", "Washer M8"]:
        type_line(hands, view, name, name, "5")
    expect(lines(view).filter(has_text="Rivet M6")).to_contain_text("3 there, 2 short")
    hands.click(save(view))
    store.says("8 items were picked.")
    assert store.sql("SELECT quantity FROM inventory WHERE name = 'Rivet M6'") == [("0",)]
    assert "2 short of Rivet M6" in store.sql("SELECT note FROM movement ORDER BY id DESC LIMIT 1")[0][0]
    assert hands.keys / 8 <= MAX_KEYS_OF_A_LINE
    note(record_property, "pick 8", hands, 8, "a click for each piece; the shortage was recorded nowhere")


@WIDTHS
def test_job_count_15(store: Dashboard, width: int, record_property: Callable[[str, object], None]) -> None:
    page, hands = store.page, Hands(store.page)
    view = open_task(page, "Count")
    hands.click(view.get_by_label("Counted quantity of Anchor M4"))
    for number in range(15):
        hands.type("49" if number % 5 == 0 else "50")
        hands.press("Enter")
    expect(view.locator(".booking-progress")).to_have_text("15 of 30 counted")
    hands.click(view.get_by_label("Only differences"))
    expect(lines(view)).to_have_count(3)
    hands.click(save(view))
    store.says("15 items were counted.")
    assert store.sql("SELECT count(*) FROM inventory WHERE counted_at IS NOT NULL") == [("15",)]
    assert hands.keys / 15 <= MAX_KEYS_OF_A_LINE
    note(record_property, "count 15", hands, 15, "3 keys; no record of what was right")


@WIDTHS
def test_job_what_runs_low(store: Dashboard, width: int, record_property: Callable[[str, object], None]) -> None:
    page, hands = store.page, Hands(store.page)
    store.sql("UPDATE inventory SET minimum = 60 WHERE name LIKE 'Hex%'")
    view = open_report(page, "Low stock", "Low")
    expect(view.locator("tbody tr")).to_have_count(10)
    with page.expect_download() as download:
        hands.click(view.get_by_role("button", name="Order list"))
    assert len(download.value.path().read_text(encoding="utf-8").splitlines()) == 11
    note(record_property, "order what is low", hands, 1, "no minimum, no order list")


@WIDTHS
def test_job_conflict(
    store: Dashboard, width: int, watch: Watch, record_property: Callable[[str, object], None]
) -> None:
    watch.expect("status of 412")
    page, hands = store.page, Hands(store.page)

    def take_first(route: Route) -> None:
        store.stack.sql("SET stockstream.actor = 'Bob'; UPDATE inventory SET quantity = 47 WHERE name = 'Anchor M4'")
        route.continue_()

    page.route("**/api/inventories/*", take_first)
    if width < NARROW_PX:
        panel = store.open_item("Anchor M4")
        hands.write(panel.get_by_label("Amount"), "45")
        hands.click(panel.get_by_role("button", name="Set"))
    else:
        hands.click(store.row("Anchor M4").locator(".stock-row-edit"))
        hands.type("45")
        hands.press("Enter")
    dialog = page.get_by_role("dialog", name="Anchor M4 has changed")
    expect(dialog).to_contain_text("Bob took 3")
    page.unroute("**/api/inventories/*")
    hands.click(dialog.get_by_role("button", name="Save 42"))
    store.shows("Anchor M4", 42)
    note(record_property, "conflict", hands, 1, "silently overwritten")


@WIDTHS
def test_job_who_took_it_and_what_was_there_yesterday(
    store: Dashboard, width: int, record_property: Callable[[str, object], None]
) -> None:
    page, hands = store.page, Hands(store.page)
    store.sql(YESTERDAY)
    store.sql("SET stockstream.actor = 'Zoë'; UPDATE inventory SET quantity = 20 WHERE name = 'Rivet M6'")
    view = open_report(page, "Journal")
    first = view.locator("tbody tr").first
    expect(first).to_contain_text("Rivet M6")
    expect(first).to_contain_text("-30")
    expect(first).to_contain_text("Zoë")
    view = open_report(page, "Stock on a day", "Past")
    hands.click(view.get_by_label("Only differences"))
    expect(view.locator("tbody tr")).to_have_count(1)
    expect(view.locator("tbody .is-number")).to_have_text(["50", "20", "-30"])
    note(record_property, "who took it", hands, 1, "no screen for the journal or for a date")


def rows_of(export: Download) -> list[dict[str, str]]:
    """The rows of an exported file."""
    return list(csv.DictReader(io.StringIO(export.path().read_text(encoding="utf-8-sig"))))


def saved_by_a_german_spreadsheet(rows: list[dict[str, str]]) -> FilePayload:
    """These rows as a German spreadsheet saves them: with semicolons, in Windows-1252."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return {"name": "washers.csv", "mimeType": "text/csv", "buffer": text.getvalue().encode("cp1252")}


@WIDTHS
def test_job_export_change_in_a_spreadsheet_and_import(
    store: Dashboard, width: int, record_property: Callable[[str, object], None]
) -> None:
    page, hands = store.page, Hands(store.page)
    hands.write(page.get_by_label("Search or scan"), "washer")
    store.shows_nothing_of("Anchor M4")
    menu = open_menu(store, hands)
    with page.expect_download() as download:
        hands.click(menu.get_by_role("link", name="Export what is shown: 5 items"))
    assert download.value.suggested_filename.endswith(".csv")
    changed = rows_of(download.value)
    assert len(changed) == 5
    for line, quantity in zip(changed, ("1.250", "48", "12,5", "50", "50"), strict=True):
        line["quantity"] = quantity
    changed[0]["note"] = "Größe M4, 5 \N{EURO SIGN}"
    hands.click(open_menu(store, hands).get_by_role("button", name="Import", exact=True))
    view = page.locator(".import")
    with page.expect_file_chooser() as chooser:
        hands.click(view.get_by_text("Choose a file"))
    chooser.value.set_files(saved_by_a_german_spreadsheet(changed))
    sums_up(view, changed=2, unchanged=2, wrong=1)
    expect(row(view, 4)).to_contain_text("12,5 is not a whole number.")
    hands.write(view.get_by_label("Quantity, row 4"), "12")
    hands.press("Enter")
    sums_up(view, changed=3, unchanged=2)
    hands.click(send(view))
    store.says("washers.csv: 0 items added, 3 items changed.")
    menu = open_menu(store, hands)
    with page.expect_download() as download:
        hands.click(menu.get_by_role("link", name="Export all: 30 items"))
    stock = {line["name"]: line for line in rows_of(download.value)}
    assert len(stock) == 30
    washers = [stock[line["name"]] for line in changed]
    assert [line["quantity"] for line in washers] == ["1250", "48", "12", "50", "50"]
    assert washers[0]["note"] == "Größe M4, 5 \N{EURO SIGN}"
    note(record_property, "export, spreadsheet, import", hands, 1, "the wrong cell was a dead end")


@WIDTHS
def test_job_rename_and_delete(store: Dashboard, width: int, record_property: Callable[[str, object], None]) -> None:
    hands = Hands(store.page)
    hands.write(store.page.get_by_label("Search or scan"), "washer m4")
    panel = store.open_item("Washer M4")
    hands.click(panel.get_by_text("Details"))
    hands.write(panel.get_by_label("Name", exact=True), "Washer M4 zinc")
    hands.press("Enter")
    store.says("Washer M4 is now called Washer M4 zinc.")
    hands.click(panel.get_by_label("More actions"))
    hands.click(panel.get_by_role("button", name="Delete"))
    store.says("Washer M4 zinc was deleted.")
    hands.click(store.notice("was deleted").get_by_role("button", name="Undo"))
    store.says("Washer M4 zinc was restored.")
    note(record_property, "rename, delete, undo", hands, 1, "6 clicks")


@WIDTHS
def test_job_outage(page: Page, cabled_stack: CabledStack, watch: Watch, width: int) -> None:
    watch.expect("net::ERR_|Failed to load resource")
    page.set_viewport_size({"width": width, "height": 844})
    cabled_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 5)")
    dashboard = Dashboard(page, cabled_stack).open()
    dashboard.shows("Bolts", 5)
    cabled_stack.cut()
    dashboard.is_now("Reconnecting")
    expect(page.locator(".connection-text")).to_contain_text("Nothing is lost")
    cabled_stack.sql("UPDATE inventory SET quantity = 9")
    cabled_stack.mend()
    dashboard.is_now("Live")
    dashboard.shows("Bolts", 9)


@pytest.mark.parametrize("zoom", [1, 2, 4])
def test_job_by_keyboard_alone_at_any_zoom(
    dashboard: Dashboard, zoom: int, record_property: Callable[[str, object], None]
) -> None:
    """A zoom of 4 leaves a window of 1,280 by 1,024 pixels 320 by 256 of the page's own."""
    page, hands = dashboard.page, Hands(dashboard.page)
    page.set_viewport_size({"width": 1_280 // zoom, "height": 1_024 // zoom})
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 5), ('Nuts', 7)")
    dashboard.open()
    hands.press("/")
    expect(page.get_by_label("Search or scan")).to_be_focused()
    hands.type("nuts")
    hands.press("Enter")
    expect(page.locator(".item-panel-title")).to_have_text("Nuts")
    expect(page.get_by_label("Amount")).to_be_focused()
    hands.type("=9")
    hands.press("Enter")
    dashboard.says("Nuts: set to 9, was 7")
    hands.press("Escape")
    expect(page.locator(".item-panel")).to_be_hidden()
    dashboard.shows("Nuts", 9)
    hands.press("u")
    dashboard.shows("Nuts", 7)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    note(record_property, f"by keyboard at {zoom * 100} %", hands, 1, "silent, 1,788 stops of Tab")
