"""A hand scanner, wherever the focus is, and the camera."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.places import STOCK, open_locations, show_location
from tests.browser.scanner import scan
from tests.browser.tasks import amounts, lines, open_task, save
from tests.browser.test_keyboard import TYPING_MS
from tests.browser.test_states import check_accessibility

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.dashboard import Dashboard

WIDTHS = pytest.mark.parametrize("width", [360, 1280])
# Codes whose characters are shortcuts, anywhere and in a row.
KEYS = "unrpcms/e-x+h"
# Whether a click on the element hits it.
IS_HIT = """element => {
    element.scrollIntoView();
    const { x, y, width, height } = element.getBoundingClientRect();
    return element.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""
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


def panel_title(page: Page) -> Locator:
    return page.locator(".item-panel-title")


# The page -----------------------------------------------------------------------------------------------------------


@WIDTHS
def test_a_scan_opens_its_item(stocked: Dashboard, width: int) -> None:
    page = stocked.page
    page.set_viewport_size({"width": width, "height": 800})
    scan(page, "B-100")
    expect(panel_title(page)).to_have_text("Bolts")
    scan(page, "N-200")
    expect(panel_title(page)).to_have_text("Nuts")
    page.locator(".item-panel-quantity").click()  # then nothing has the focus
    page.keyboard.press("Escape")
    expect(page.locator(".item-panel")).to_be_hidden()


@WIDTHS
def test_an_unknown_code_begins_a_new_item(stocked: Dashboard, width: int) -> None:
    page = stocked.page
    page.set_viewport_size({"width": width, "height": 800})
    stocked.open_item("Bolts")
    scan(page, "4006381333931")
    expect(page.locator(".item-panel")).to_be_hidden()
    stocked.says("No item has the code 4006381333931.")
    expect(page.locator("#add-code")).to_have_value("4006381333931")
    expect(page.locator("#add-name")).to_be_focused()
    check_accessibility(page, f"scanner-unknown-{width}")
    assert page.locator(".add-dialog [type=submit]").evaluate(IS_HIT), "the notice covers the button"
    stocked.add("Paint", 3)
    stocked.shows("Paint", 3)
    scan(page, "4006381333931")
    expect(panel_title(page)).to_have_text("Paint")
    expect(page.locator(".add-dialog")).to_be_hidden()
    expect(page.locator(".item-panel")).to_be_in_viewport()


def test_among_several_locations_the_shown_one_counts(store_and_van: Dashboard) -> None:
    page = store_and_van.page
    scan(page, "B-100")
    expect(page.locator(".item-panel-place")).to_have_text("Main")
    page.keyboard.press("Escape")
    show_location(page, "Van")
    scan(page, "B-100")
    expect(page.locator(".item-panel-place")).to_have_text("Van")


@pytest.mark.parametrize("place", ["#add-name", "#add-note", "#search", "#actor"])
def test_a_scan_does_not_stay_in_the_field_with_the_focus(stocked: Dashboard, place: str) -> None:
    page = stocked.page
    if place.startswith("#add"):
        stocked.open_add().locator("summary").click()
    if place == "#actor":
        stocked.open_menu()
    field = page.locator(place)
    field.fill("ut")
    field.press("End")
    scan(page, "B-100")
    if place.startswith("#add"):  # what was typed is an item with this code
        expect(page.locator("#add-code")).to_have_value("B-100")
        expect(page.locator(".add-twin")).to_contain_text("Bolts is in stock already, with 40.")
        expect(page.locator(".item-panel")).to_be_hidden()
        expect(field).to_have_value("ut")
        page.locator(".add-twin").get_by_role("button", name="Open it").click()
    expect(panel_title(page)).to_have_text("Bolts")
    expect(page.locator("dialog:modal")).to_have_count(0)
    expect(field).to_have_value("ut")
    page.keyboard.press("Escape")
    expect(page.locator(".item-panel")).to_be_hidden()
    if place.startswith("#add"):
        expect(stocked.open_add().locator(".field-error:visible")).to_have_count(0)
    expect(page.locator(".stock-row")).to_have_count(1 if place == "#search" else 3)
    stocked.equals_the_table()


def test_a_scan_closes_no_dialog_that_waits_for_the_person(stocked: Dashboard) -> None:
    page = stocked.page
    name = open_locations(stocked).locator("#location-name")
    name.fill("Attic")
    scan(page, "B-100")
    stocked.says("The code B-100 was ignored.")
    expect(name).to_be_visible()
    expect(name).to_have_value("Attic")
    page.keyboard.press("Escape")
    for item in ("Bolts", "Nuts"):
        stocked.row(item).locator(".stock-row-select").check()
    for button, title in (("Minimum…", "Minimum of 2 items"), ("Delete…", "Delete 2 items?")):
        page.locator(".selection").get_by_role("button", name=button).click()
        for code in ("N-200", "4006381333931"):
            scan(page, code)
            stocked.says(f"The code {code} was ignored.")
        expect(page.get_by_role("dialog", name=title)).to_be_visible()
        page.keyboard.press("Escape")
    expect(page.locator(".item-panel, .add-dialog").filter(visible=True)).to_have_count(0)
    stocked.equals_the_table()


def test_a_scan_does_not_change_what_is_edited_or_chosen(stocked: Dashboard) -> None:
    page = stocked.page
    box = stocked.start_edit("Bolts")
    box.fill("41")
    scan(page, "12345678")
    expect(box).to_have_value("41")
    stocked.says("No item has the code 12345678.")
    page.keyboard.press("Escape")
    expect(page.locator(".add-dialog")).to_be_hidden()
    expect(box).to_have_value("41")
    box.press("Escape")
    stocked.shows("Bolts", 40)
    page.get_by_label("Order").focus()
    scan(page, "N-200")
    expect(panel_title(page)).to_have_text("Nuts")
    expect(page.get_by_label("Order")).to_have_value("name")


@pytest.mark.parametrize("are_on", [True, False])
@pytest.mark.parametrize("place", ["body", ".stock-row-name", ".stock-row-edit", ".stock-row-select"])
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
    expect(panel_title(page)).to_have_text("Bolts")
    scan(page, "no such code")
    stocked.says("No item has the code no such code.")
    expect(page.locator("#add-code")).to_have_value("no such code")
    for hidden in (".booking", ".shortcuts", ".quantity-edit", ".selection"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(stocked.row("Nuts")).to_have_count(0)
    assert stocked.sql("SELECT quantity FROM inventory WHERE name = 'Bolts'") == [("40",)]


def test_a_person_who_types_does_not_scan(stocked: Dashboard) -> None:
    page, keys = stocked.page, stocked.page.keyboard
    search = page.get_by_label("Search or scan")

    def type_slowly(code: str) -> None:
        keys.type(code, delay=TYPING_MS)
        keys.press("Enter")

    for type_code in (type_slowly, partial(scan, page, gap_ms=TYPING_MS)):
        search.focus()
        type_code("B-999")
        expect(search).to_have_value("B-999")
        search.fill("")
        type_code("B-100")
        expect(page.get_by_label("Amount")).to_be_focused()
        expect(search).to_have_value("B-100")  # where a scanner would leave nothing
        keys.press("Escape")
        expect(page.locator(".item-panel")).to_be_hidden()
        search.fill("")
    for _ in range(6):
        keys.down("b")  # held down
    keys.up("b")
    keys.press("Enter")
    expect(search).to_have_value("bbbbbb")
    expect(page.locator(".item-panel")).to_be_hidden()
    expect(page.locator(".notice")).to_have_count(0)


def test_a_shortcut_still_works_alone_and_before_enter(stocked: Dashboard) -> None:
    page = stocked.page
    scan(page, "n")
    expect(page.locator(".add-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    stocked.row("Bolts").locator(".stock-row-name").focus()
    page.keyboard.press("+")
    box = stocked.row("Bolts").locator(".quantity-edit-input")
    expect(box).to_have_value("+")
    page.keyboard.type("1", delay=TYPING_MS)
    page.keyboard.press("Enter")
    stocked.shows("Bolts", 41)


# The tasks of booking -----------------------------------------------------------------------------------------------


@WIDTHS
def test_scans_are_counted_in_the_list(store_and_van: Dashboard, width: int) -> None:
    page = store_and_van.page
    page.set_viewport_size({"width": width, "height": 800})
    view = open_task(page, "Count")
    said = view.locator(".booking-said")
    for count in ("1", "2", "3"):
        scan(page, "B-100")
        expect(said).to_have_text(f"Bolts: {count}")
    view.get_by_label("Location").focus()
    scan(page, "SN-200")
    expect(said).to_have_text("No item has the code SN-200.")
    expect(view.get_by_label("Location")).to_have_value("")
    scan(page, "N-200")
    expect(said).to_have_text("Nuts: 1")
    view.get_by_label("Note").fill("Shelf")
    scan(page, "N-200")
    expect(said).to_have_text("Nuts: 2")
    expect(view.get_by_label("Note")).to_have_value("Shelf")
    view.get_by_label("Counted quantity of Bolts at Main").fill("7")
    scan(page, "B-100")
    expect(said).to_have_text("Bolts: 8")
    assert amounts(view) == ["8", "2"]
    view.get_by_label("Counted quantity of Bolts at Main").focus()
    scan(page, "N-200")
    expect(said).to_have_text("Nuts: 3")
    assert amounts(view) == ["8", "3"]
    save(view).focus()
    scan(page, "T-300")
    expect(said).to_have_text("Tarp: 1")
    expect(lines(view)).to_have_count(3)
    check_accessibility(page, f"scanner-booking-{width}")
    save(view).click()
    store_and_van.says("3 items were counted.")
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
    view = open_task(page, "Pick")
    view.get_by_role("button", name="Scan with the camera").click()
    expect(view.get_by_label("Picture of the camera")).to_be_visible()
    check_accessibility(page, f"scanner-camera-{width}")
    page.evaluate("inView = ['B-100']")
    expect(view.locator(".booking-said")).to_have_text("Bolts: 1")
    page.evaluate("inView = ['B-100', 'N-200']")
    expect(view.get_by_label("Amount of Nuts")).to_have_value("1")
    expect(view.get_by_label("Amount of Bolts")).to_have_value("2")  # it stayed in view for two seconds
    page.evaluate("inView = []")
    view.get_by_role("button", name="Stop the camera").click()
    expect(view.get_by_label("Picture of the camera")).to_be_hidden()
    assert page.evaluate("camera.active") is False
    view.get_by_role("button", name="Scan with the camera").click()
    expect(view.get_by_label("Picture of the camera")).to_be_visible()
    page.keyboard.press("s")
    expect(view).to_be_hidden()
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
    view = open_task(dashboard.open().page, "Pick")
    expect(view.get_by_text(sentence)).to_be_visible()
    expect(view.get_by_role("button", name="Scan with the camera")).to_be_hidden()


def test_a_camera_that_may_not_be_used_says_so(dashboard: Dashboard) -> None:
    refuse = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError') }"
    dashboard.page.add_init_script(CAMERA + refuse)
    view = open_task(dashboard.open().page, "Pick")
    view.get_by_role("button", name="Scan with the camera").click()
    expect(view.get_by_text("The camera may not be used.")).to_be_visible()
    expect(view.get_by_label("Picture of the camera")).to_be_hidden()
