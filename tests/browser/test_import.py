"""Import from a spreadsheet: columns, preview, corrections, and rows that are left out."""

from __future__ import annotations

import csv as csv_module
import io
import re
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.importing import choose, csv, open_import, row, send, sums_up, workbook
from tests.browser.places import RESTART_IDS
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.dashboard import Dashboard
    from tests.browser.watched import Watch

TEA = "شاي"
GERMAN = "Art.-Nr.;Bezeichnung;Bestand\r\nM4;Öse;1.200\r\nM5;Dübel;12\r\n;Haken;12,5\r\n"
ADD = "INSERT INTO inventory (name, quantity, code) VALUES "


def cells(view: Locator, line: int) -> list[str]:
    """What the cells of a row show."""
    texts = row(view, line).locator("td[data-head]:not(.import-row-line)").all_inner_texts()
    return [text.replace("\xa0", " ") for text in texts]


def test_a_file_is_shown_first_and_imported_after_a_click(dashboard: Dashboard) -> None:
    dashboard.open()
    view = choose(dashboard, f"name,quantity\nBolts,12\n{TEA},3\n")
    sums_up(view, new=2)
    expect(view.get_by_text("stock.csv: 2 rows")).to_be_visible()
    assert dashboard.sql("SELECT count(*) FROM inventory") == [("0",)]
    expect(send(view)).to_have_text("Import 2 rows")
    send(view).click()
    dashboard.says("stock.csv: 2 items added, 0 items changed.")
    dashboard.shows("Bolts", 12)
    dashboard.shows(TEA, 3)
    dashboard.equals_the_table()


def test_an_empty_stock_leads_to_the_import(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.page.get_by_role("button", name="Import a list").click()
    expect(dashboard.page.get_by_role("heading", name="Import", level=1)).to_be_focused()
    assert dashboard.page.url.endswith("?view=import")


@pytest.mark.parametrize(
    "file",
    [
        csv(GERMAN, "cp1252"),
        csv("\ufeff" + GERMAN.replace(";", "\t"), "utf-16-le"),
        workbook(
            ["Art.-Nr.", "Bezeichnung", "Bestand"], ["M4", "Öse", 1200], ["M5", "Dübel", 12], [None, "Haken", 12.5]
        ),
    ],
    ids=["windows-1252", "utf-16", "xlsx"],
)
def test_what_spreadsheets_write_is_read_and_compared_with_the_stock(dashboard: Dashboard, file: object) -> None:
    dashboard.sql(f"{ADD}('Öse', 1150, 'M4'), ('Dübel', 12, 'M5')")
    dashboard.open()
    view = choose(dashboard, file)  # type: ignore[arg-type]
    sums_up(view, changed=1, unchanged=1, wrong=1)
    assert cells(view, 2) == ["Öse", "M4", "1,150 → 1,200"]
    fault = row(view, 4).get_by_label("Quantity, row 4")
    expect(fault).to_have_value("12,5" if isinstance(file, dict) and file["name"] == "stock.csv" else "12.5")
    expect(row(view, 4)).to_contain_text("is not a whole number.")
    send(view).click()
    dashboard.says("0 items added, 1 item changed.")
    assert dashboard.sql("SELECT name, quantity FROM inventory ORDER BY id") == [("Öse", "1200"), ("Dübel", "12")]


def test_the_person_says_what_the_columns_are(dashboard: Dashboard) -> None:
    dashboard.open()
    view = choose(dashboard, "Thing,Spec,Zahl\nBolts,M4,12\n")
    expect(view.get_by_label("Thing")).to_have_value("")
    view.get_by_label("Thing").select_option("Name")
    view.get_by_label("Zahl").select_option("Quantity")
    sums_up(view, new=1)
    view.get_by_label("Spec").select_option("Name")
    expect(view.get_by_label("Thing")).to_have_value("")
    send(view).click()
    dashboard.shows("M4", 12)


def test_a_file_without_names_of_columns_is_imported(dashboard: Dashboard) -> None:
    dashboard.open()
    view = choose(dashboard, "Bolts,12\nNuts,3\n")
    view.get_by_label("The first row has the names of the columns").uncheck()
    view.get_by_label("Column 1").select_option("Name")
    view.get_by_label("Column 2").select_option("Quantity")
    sums_up(view, new=2)
    send(view).click()
    dashboard.shows("Bolts", 12)


def test_wrong_cells_are_corrected_in_place_from_the_keyboard(dashboard: Dashboard) -> None:
    dashboard.open()
    view = choose(dashboard, "name,quantity\nBolts,many\n<b>Nuts</b>,-1\n,4\nNails,1\n")
    sums_up(view, new=1, wrong=3)
    view.get_by_role("button", name="Wrong 3").click()
    expect(view.locator(".import-row")).to_have_count(3)
    view.get_by_label("Quantity, row 2").focus()
    for typed, then in (("12", "Quantity, row 3"), ("3", "Name, row 4")):
        dashboard.page.keyboard.press("Control+A")
        dashboard.page.keyboard.type(typed)
        dashboard.page.keyboard.press("Enter")
        expect(view.get_by_label(then)).to_be_focused()
    dashboard.page.keyboard.type("Washers")
    dashboard.page.keyboard.press("Enter")
    sums_up(view, new=4)
    expect(send(view)).to_be_focused()
    dashboard.page.keyboard.press("Enter")
    dashboard.shows("Washers", 4)
    dashboard.shows("<b>Nuts</b>", 3)
    dashboard.equals_the_table()


def test_tab_leads_from_a_corrected_cell_to_the_next_control(dashboard: Dashboard) -> None:
    dashboard.open()
    view = choose(dashboard, "name,quantity\nBolts,many\nNuts,few\n")
    view.get_by_label("Quantity, row 2").fill("12")
    dashboard.page.keyboard.press("Tab")
    sums_up(view, new=1, wrong=1)
    expect(view.get_by_label("Leave out row 2")).to_be_focused()


def test_rows_that_are_left_out_are_saved_and_the_others_imported(dashboard: Dashboard) -> None:
    dashboard.open()
    view = choose(dashboard, "name,qty,colour\nBolts,12,red\nNuts,x,=1\nNails,4,\n")
    view.get_by_label("Leave out row 4").check()
    sums_up(view, new=1, wrong=1, left=1)
    with dashboard.page.expect_download() as download:
        view.get_by_role("button", name="Save the 2 rows that are left out").click()
    assert download.value.suggested_filename == "stock left out.csv"
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert list(csv_module.reader(io.StringIO(text))) == [
        ["name", "qty", "colour", "Why it was not imported"],
        ["Nuts", "x", "'=1", "x is not a number."],
        ["Nails", "4", "", "Left out"],
    ]
    expect(send(view)).to_have_text("Import 1 row, leave out 2")
    send(view).click()
    dashboard.says("stock.csv: 1 item added, 0 items changed.")
    expect(view.get_by_text("2 rows were left out.")).to_be_visible()
    sums_up(view, wrong=1, left=1)
    view.get_by_label("Quantity, row 3").fill("7")
    view.get_by_label("Leave out row 4").uncheck()
    send(view).click()
    dashboard.shows("Nuts", 7)
    dashboard.shows("Nails", 4)
    dashboard.equals_the_table()


def test_a_press_that_leaves_a_corrected_cell_is_a_click(dashboard: Dashboard) -> None:
    """A press reads the cell, and so changes its row. If the row moved what is pressed, there would be no click."""
    dashboard.open()
    view = choose(dashboard, "name,qty\nNuts,x\nNails,y\nBolts,4\n")
    for line, pressed in ((2, 4), (3, 3)):
        cell = view.get_by_label(f"Quantity, row {line}")
        cell.press("Control+a")
        cell.press("7")
        leave = view.get_by_label(f"Leave out row {pressed}")
        dashboard.press(leave)
        dashboard.next_frames()
        dashboard.page.mouse.up()
        expect(leave).to_be_checked()
        expect(row(view, line)).not_to_have_class(re.compile("is-wrong"))
    sums_up(view, new=1, left=2)


def test_what_others_change_is_in_the_preview_at_once(dashboard: Dashboard) -> None:
    dashboard.sql(f"{ADD}('Bolts', 5, NULL)")
    dashboard.open()
    view = choose(dashboard, "name,quantity\nbolts,7\n")
    expect(row(view, 2)).to_contain_text("5 → 7")
    dashboard.sql("UPDATE inventory SET quantity = 6")
    expect(row(view, 2)).to_contain_text("6 → 7")
    dashboard.sql("UPDATE inventory SET quantity = 7, name = 'bolts'")
    sums_up(view, unchanged=1)
    expect(send(view)).to_have_text("Nothing to import")


def test_a_row_that_the_server_refuses_says_why(dashboard: Dashboard, watch: Watch) -> None:
    watch.expect("status of 422")
    dashboard.open()
    view = choose(dashboard, "name,quantity\nBolts,7\nNuts,1\n")
    sums_up(view, new=2)
    fault = '{"field": "name", "message": "must be shorter", "line": 3}'
    problem = f'{{"status": 422, "detail": "no", "errors": [{fault}]}}'
    dashboard.page.route("**/inventories/import", lambda route: route.fulfill(status=422, body=problem))
    send(view).click()
    expect(row(view, 3)).to_contain_text("The server refused this: name must be shorter.")
    expect(view.get_by_text("Nothing was imported.")).to_be_visible()
    sums_up(view, new=1, wrong=1)
    dashboard.page.unroute("**/inventories/import")
    view.get_by_label("Name, row 3").fill("Nut")
    send(view).click()
    dashboard.shows("Nut", 1)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%PDF-1.7\n\x00", "neither a CSV file nor an Excel workbook"),
        (b"PK\x03\x04broken", "The workbook is damaged."),
        (b"", "The file is empty."),
    ],
)
def test_a_file_that_is_no_table_is_refused_and_another_can_be_chosen(
    dashboard: Dashboard, watch: Watch, data: bytes, said: str
) -> None:
    watch.expect("status of 4")
    dashboard.open()
    view = choose(dashboard, {"name": "a.bin", "mimeType": "application/octet-stream", "buffer": data})
    expect(view.locator(".import-said")).to_contain_text(said)
    choose(dashboard, "name,quantity\nBolts,1\n")
    sums_up(view, new=1)


def test_a_started_import_stays_while_the_person_looks_elsewhere(dashboard: Dashboard) -> None:
    dashboard.open()
    view = choose(dashboard, "name,quantity\nBolts,x\n")
    view.get_by_label("Quantity, row 2").fill("3")
    sums_up(view, wrong=1)
    dashboard.page.get_by_role("button", name="Journal").click()
    expect(view).to_be_hidden()
    sums_up(open_import(dashboard), new=1)


def test_rows_are_for_the_items_at_their_location(one_place: Dashboard) -> None:
    one_place.sql(RESTART_IDS)
    one_place.sql("INSERT INTO location (name) VALUES ('Van')")
    one_place.sql(f"{ADD}('Tape', 5, NULL)")
    one_place.open()
    view = choose(one_place, "name,quantity\nTape,7\n")
    sums_up(view, changed=1)
    view.get_by_label("Location of the rows").select_option("Van")
    sums_up(view, new=1)
    view = choose(one_place, "name,quantity,location\nTape,7,van\nTape,8,Main\nTape,9,Attic\n")
    expect(view.get_by_label("Location of the rows")).to_be_hidden()
    sums_up(view, new=1, changed=1, wrong=1)
    send(view).click()
    one_place.says("stock.csv: 1 item added, 1 item changed.")
    assert one_place.sql("SELECT location, quantity FROM inventory ORDER BY 1") == [("1", "8"), ("2", "7")]


def test_one_location_is_not_spoken_of(one_place: Dashboard) -> None:
    view = choose(one_place.open(), "name,quantity\nTape,7\n")
    sums_up(view, new=1)
    expect(view.get_by_label("Location of the rows")).to_be_hidden()


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_the_view_is_accessible_and_fits(dashboard: Dashboard, width: int) -> None:
    page = dashboard.page
    page.set_viewport_size({"width": width, "height": 844})
    dashboard.sql(
        f"{ADD}('Bolts', 5, 'B4'), ('A very long name of a thing that nobody can remember for long', 4, NULL)"
    )
    dashboard.open()
    page.goto(f"{page.url}?view=import")
    expect(page.get_by_role("heading", name="Import", level=1)).to_be_visible()
    check_accessibility(page, f"import-{width}")
    head = "Artikel;Menge;Art.-Nr.;Einheit;Mindestbestand;Bemerkung;Farbe\n"
    long = (
        "A very long name of a thing that nobody can remember for long;1.234;;Stk;2;Zum Anschrauben an die Wand;rot\n"
    )
    lines = f"Bolts;7;B4;;;;\n{long}Nuts;12,5;;;;;\n;;X;;;;\nTape;3;T;m;;;blau\nTape;3;T;;;;\nGlue;3;;;;;\n"
    view = choose(dashboard, head + lines)
    sums_up(view, new=1, changed=2, wrong=4)
    view.get_by_label("Leave out row 8").check()
    check_accessibility(page, f"import-rows-{width}")
    view.locator(".import-foot").scroll_into_view_if_needed()
    foot = view.locator(".import-foot").bounding_box()
    assert foot
    assert foot["x"] >= 0
    assert foot["x"] + foot["width"] <= width


def test_a_file_of_10_000_rows_is_previewed_soon(dashboard: Dashboard) -> None:
    dashboard.sql(
        "INSERT INTO inventory (name, quantity, code) SELECT 'Item ' || n, n, 'C' || n FROM generate_series(1, 10000) n"
    )
    dashboard.open()
    lines = "".join(f"C{n},Item {n},{n + n % 2}\n" for n in range(1, 10_001))
    open_import(dashboard)
    began = time.monotonic()
    view = choose(dashboard, "Code,Name,Qty\n" + lines)
    expect(view.locator(".import-summary")).to_have_text("0 new, 5,000 changed, 5,000 unchanged, 0 wrong, 0 left out.")
    took = time.monotonic() - began
    expect(view.locator(".import-row")).to_have_count(200)
    view.get_by_role("button", name="Show more").click()
    expect(view.locator(".import-row")).to_have_count(400)
    assert took < 8, took
    print(f"previewed after {took:.1f} s")  # noqa: T201
