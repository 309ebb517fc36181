"""A hand scanner, wherever the focus is, and the camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.places import STOCK
from tests.browser.scanner import scan
from tests.browser.test_booking import lines, open_booking, save
from tests.browser.test_keyboard import TYPING_MS
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.dashboard import Dashboard

WIDTHS = pytest.mark.parametrize("width", [360, 1280])
# Codes whose characters are shortcuts, anywhere and in a row.
KEYS = "unb/e-x+h"
# A camera whose picture is a canvas, and a detector that reports what the test holds in front of it.
CAMERA = """
    globalThis.inView = [];
    globalThis.BarcodeDetector = class {
        detect = async () => inView.map((rawValue) => ({ rawValue }));
    };
    navigator.mediaDevices.getUserMedia = async () => {
        const canvas = document.createElement("canvas");
        const paint = canvas.getContext("2d");
        setInterval(() => paint.fillRect(Math.random() * 300, 0, 9, 9), 30);
        return (globalThis.camera = canvas.captureStream());
    };
"""


def drawer_title(page: Page) -> Locator:
    return page.locator(".item-drawer[open] .item-drawer-title")


def amounts(dialog: Locator) -> list[str]:
    found: list[str] = dialog.locator(".booking-line-amount").evaluate_all("inputs => inputs.map(({ value }) => value)")
    return found


# The page -----------------------------------------------------------------------------------------------------------


@WIDTHS
def test_a_scan_opens_its_item(stocked: Dashboard, width: int) -> None:
    page = stocked.page
    page.set_viewport_size({"width": width, "height": 800})
    scan(page, "B-100")
    expect(drawer_title(page)).to_have_text("Bolts")
    scan(page, "N-200")
    expect(drawer_title(page)).to_have_text("Nuts")
    page.keyboard.press("Escape")
    expect(page.locator(".item-drawer")).to_be_hidden()


@WIDTHS
def test_an_unknown_code_begins_a_new_item(stocked: Dashboard, width: int) -> None:
    page = stocked.page
    page.set_viewport_size({"width": width, "height": 800})
    stocked.open_item("Bolts")
    scan(page, "4006381333931")
    expect(page.locator(".item-drawer")).to_be_hidden()
    stocked.says("No item has the code 4006381333931.")
    expect(page.locator("#add-code")).to_have_value("4006381333931")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    check_accessibility(page, f"scanner-unknown-{width}")
    stocked.add("Paint", 3)
    stocked.shows("Paint", 3)
    scan(page, "4006381333931")
    expect(drawer_title(page)).to_have_text("Paint")


def test_among_several_locations_the_shown_one_counts(store_and_van: Dashboard) -> None:
    page = store_and_van.page
    scan(page, "B-100")
    expect(page.locator(".item-drawer-place")).to_have_text("Main")
    page.keyboard.press("Escape")
    page.get_by_label("Show location").select_option("Van")
    scan(page, "B-100")
    expect(page.locator(".item-drawer-place")).to_have_text("Van")


@pytest.mark.parametrize("place", ["#add-name", "#add-note", ".stock-list-search", "#actor"])
def test_a_scan_does_not_stay_in_the_field_with_the_focus(stocked: Dashboard, place: str) -> None:
    page = stocked.page
    page.locator(".add-form summary").click()
    field = page.locator(place)
    field.fill("ut")
    field.press("End")
    scan(page, "B-100")
    expect(drawer_title(page)).to_have_text("Bolts")
    expect(field).to_have_value("ut")
    page.keyboard.press("Escape")
    expect(page.locator(".add-form .field-error:visible")).to_have_count(0)
    expect(page.locator(".stock-row")).to_have_count(1 if place == ".stock-list-search" else 3)
    stocked.equals_the_table()


def test_a_scan_does_not_change_what_is_edited_or_chosen(stocked: Dashboard) -> None:
    page = stocked.page
    box = stocked.start_edit("Bolts")
    box.fill("41")
    scan(page, "12345678")
    expect(box).to_have_value("41")
    stocked.says("No item has the code 12345678.")
    box.press("Escape")
    stocked.shows("Bolts", 40)
    page.get_by_label("Order").focus()
    scan(page, "N-200")
    expect(drawer_title(page)).to_have_text("Nuts")
    expect(page.get_by_label("Order")).to_have_value("-updated_at")


@pytest.mark.parametrize("are_on", [True, False])
@pytest.mark.parametrize("place", ["body", ".stock-row-more", ".stock-row-select"])
def test_the_keys_of_a_code_are_no_shortcuts(stocked: Dashboard, place: str, are_on: bool) -> None:
    page = stocked.page
    if not are_on:
        page.keyboard.press("?")
        page.get_by_label("Use these keys").uncheck()
        page.keyboard.press("Escape")
    stocked.delete("Nuts")
    stocked.says("Nuts was deleted.")
    stocked.stack.sql(f"UPDATE inventory SET code = '{KEYS}' WHERE name = 'Bolts'")
    expect(stocked.row("Bolts")).to_contain_text(KEYS)
    if place == "body":
        page.evaluate("document.activeElement.blur()")
    else:
        stocked.row("Bolts").locator(place).focus()
    scan(page, KEYS)
    expect(drawer_title(page)).to_have_text("Bolts")
    scan(page, "no such code")
    stocked.says("No item has the code no such code.")
    for hidden in (".booking", ".quantity-edit", ".selection"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(stocked.row("Nuts")).to_have_count(0)
    assert stocked.sql("SELECT quantity FROM inventory WHERE name = 'Bolts'") == [("40",)]


def test_a_person_who_types_does_not_scan(stocked: Dashboard) -> None:
    page, keys = stocked.page, stocked.page.keyboard
    search = page.get_by_label("Search by name")
    search.focus()
    keys.type("B-100", delay=TYPING_MS)
    keys.press("Enter")
    expect(search).to_have_value("B-100")
    search.fill("")
    scan(page, "B-100", gap_ms=TYPING_MS)
    expect(search).to_have_value("B-100")
    search.fill("")
    for _ in range(6):
        keys.down("b")  # held down
    keys.up("b")
    keys.press("Enter")
    expect(search).to_have_value("bbbbbb")
    expect(page.locator(".item-drawer")).to_be_hidden()
    expect(page.locator(".notice")).to_have_count(0)


def test_a_shortcut_still_works_alone_and_before_enter(stocked: Dashboard) -> None:
    page = stocked.page
    scan(page, "b")
    expect(page.get_by_role("dialog", name="Book")).to_be_visible()
    page.keyboard.press("Escape")
    stocked.row("Bolts").locator(".stock-row-name").focus()
    for key in "+-+":
        page.keyboard.press(key)
    stocked.shows("Bolts", 41)


# The booking dialog -------------------------------------------------------------------------------------------------


@WIDTHS
def test_scans_are_counted_in_the_booking(store_and_van: Dashboard, width: int) -> None:
    page = store_and_van.page
    page.set_viewport_size({"width": width, "height": 800})
    dialog = open_booking(page)
    said = dialog.locator(".booking-said")
    for count in ("1", "2", "3"):
        scan(page, "B-100")
        expect(said).to_have_text(f"Bolts: {count}")
    dialog.get_by_label("Reason").select_option("Counted")
    dialog.get_by_label("Reason").focus()
    scan(page, "SN-200")
    expect(said).to_have_text("No item has the code SN-200.")
    expect(dialog.get_by_label("Reason")).to_have_value("counted")
    scan(page, "N-200")
    expect(said).to_have_text("Nuts: 1")
    dialog.get_by_label("Note").fill("Shelf")
    scan(page, "N-200")
    expect(said).to_have_text("Nuts: 2")
    expect(dialog.get_by_label("Note")).to_have_value("Shelf")
    dialog.get_by_label("Counted quantity of Bolts at Main").fill("7")
    scan(page, "B-100")
    expect(said).to_have_text("Bolts: 8")
    assert amounts(dialog) == ["8", "2"]
    dialog.get_by_label("Counted quantity of Bolts at Main").focus()
    scan(page, "N-200")
    expect(said).to_have_text("Nuts: 3")
    assert amounts(dialog) == ["8", "3"]
    save(dialog).focus()
    scan(page, "T-300")
    expect(said).to_have_text("Tarp: 1")
    expect(lines(dialog)).to_have_count(3)
    check_accessibility(page, f"scanner-booking-{width}")
    save(dialog).click()
    store_and_van.says("3 items counted.")
    store_and_van.equals_the_table()
    counted = store_and_van.stack.sql("SELECT name, quantity FROM inventory ORDER BY id")
    assert [quantity for _, quantity in counted] == ["8", "3", "3", "5", "1"]


# The camera ---------------------------------------------------------------------------------------------------------


@WIDTHS
def test_the_camera_scans(one_place: Dashboard, width: int) -> None:
    page = one_place.page
    page.add_init_script(CAMERA)
    page.set_viewport_size({"width": width, "height": 800})
    one_place.stack.sql(STOCK)
    one_place.open().shows("Bolts", 40)
    dialog = open_booking(page)
    dialog.get_by_role("button", name="Scan with the camera").click()
    expect(dialog.get_by_label("Picture of the camera")).to_be_visible()
    check_accessibility(page, f"scanner-camera-{width}")
    page.evaluate("inView = ['B-100']")
    expect(dialog.locator(".booking-said")).to_have_text("Bolts: 1")
    page.evaluate("inView = ['B-100', 'N-200']")
    expect(dialog.get_by_label("Amount of Nuts")).to_have_value("1")
    expect(dialog.get_by_label("Amount of Bolts")).to_have_value("2")  # it stayed in view for two seconds
    page.evaluate("inView = []")
    dialog.get_by_role("button", name="Stop the camera").click()
    expect(dialog.get_by_label("Picture of the camera")).to_be_hidden()
    assert page.evaluate("camera.active") is False
    dialog.get_by_role("button", name="Scan with the camera").click()
    expect(dialog.get_by_label("Picture of the camera")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.evaluate("async () => { while (camera.active) await new Promise(requestAnimationFrame); }")


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("delete globalThis.BarcodeDetector", "This browser can't read barcodes."),
        ("Object.defineProperty(globalThis, 'isSecureContext', { value: false })", "The camera needs HTTPS."),
        ("delete Navigator.prototype.mediaDevices", "This browser can't use a camera."),
    ],
)
def test_without_a_camera_a_sentence_says_why(dashboard: Dashboard, script: str, sentence: str) -> None:
    dashboard.page.add_init_script(script)
    dialog = open_booking(dashboard.open().page)
    expect(dialog.get_by_text(sentence)).to_be_visible()
    expect(dialog.get_by_role("button", name="Scan with the camera")).to_be_hidden()


def test_a_camera_that_may_not_be_used_says_so(dashboard: Dashboard) -> None:
    refuse = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError') }"
    dashboard.page.add_init_script(CAMERA + refuse)
    dialog = open_booking(dashboard.open().page)
    dialog.get_by_role("button", name="Scan with the camera").click()
    expect(dialog.get_by_text("The camera may not be used.")).to_be_visible()
    expect(dialog.get_by_label("Picture of the camera")).to_be_hidden()
