"""The page that prints labels. Its printed pages are read back, as a scanner would read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pypdfium2
import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard
from tests.browser.people import REFUSED, add_user, is_asked_to_sign_in, open_account, sign_in
from tests.browser.test_states import FOLDER, check_accessibility
from tests.scanner import BARS, QR, Scanned, scan
from tests.stack import Stack, running_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from playwright.sync_api import Locator, Page

    from tests.browser.watched import Watch
    from tests.postgres import PostgresServer

POINTS, PIXELS, MM = 72, 96, 25.4  # of an inch
PRINTER_DPI = 300  # of a usual label printer
ROUNDING_MM = (0.5 / POINTS + 1 / 300) * MM  # Chromium rounds the sides of a page to points, and then to 1/300 inch
A4 = (210, 297)
LONG_NAME = "Hexagon socket head cap screw with a flange, zinc-plated, ISO 4762, M4 by 16, in a box of 500 pieces"
ARABIC_NAME = "خوذة أمان صفراء مع حزام ذقن قابل للتعديل"


class Leaf(NamedTuple):
    """A printed page: its size in mm, the symbols on it, and whether its corner is white."""

    width: float
    height: float
    symbols: list[Scanned]
    is_white: bool


class Box(NamedTuple):
    """Where an element is and how large it is, in mm."""

    x: float
    y: float
    width: float
    height: float


def print_pages(page: Page, name: str = "labels") -> list[Leaf]:
    """Print to PDF, and read the pages at the resolution of a label printer. Saves the PDF if screenshots are saved."""
    pdf = page.pdf(prefer_css_page_size=True)
    if FOLDER:
        Path(FOLDER, f"{name}.pdf").write_bytes(pdf)
    return [_read(leaf) for leaf in pypdfium2.PdfDocument(pdf)]


def _read(leaf: Any) -> Leaf:
    width, height = (points / POINTS * MM for points in leaf.get_size())
    bitmap = leaf.render(scale=PRINTER_DPI / POINTS, grayscale=True)
    pixels = bytes(bitmap.buffer)
    return Leaf(width, height, scan(pixels, height=bitmap.height, stride=bitmap.stride), pixels[0] == 255)


def are_of_size(leaves: Sequence[Leaf], width: float, height: float) -> bool:
    return all(abs(leaf.width - width) <= ROUNDING_MM and abs(leaf.height - height) <= ROUNDING_MM for leaf in leaves)


def add_items(stack: Stack, *items: tuple[str, str | None]) -> list[int]:
    """Add items with these names and codes, and return their ids in this order."""
    rows = ", ".join(f"({_literal(name)}, 1, {_literal(code)})" for name, code in items)
    return [
        int(row[0]) for row in stack.sql(f"INSERT INTO inventory (name, quantity, code) VALUES {rows} RETURNING id")
    ]


def _literal(text: str | None) -> str:
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def labels_address(stack: Stack, ids: Sequence[int]) -> str:
    return f"{stack.api_url}/labels?{'&'.join(f'item={item_id}' for item_id in ids)}"


def open_labels(page: Page, stack: Stack, ids: Sequence[int]) -> Locator:
    """Open the page with the labels of these items and return the labels."""
    page.goto(labels_address(stack, ids))
    labels = page.locator(".label")
    labels.first.wait_for()
    return labels


def enter(page: Page, **values: float | str) -> None:
    """Enter values into the fields with these names."""
    for name, value in values.items():
        page.locator(f"[name={name}]").fill(str(value))
        page.keyboard.press("Tab")


def box(locator: Locator) -> Box:
    """Where an element is and how large it is, in mm."""
    found = locator.bounding_box()
    assert found
    pixels = (found["x"], found["y"], found["width"], found["height"])
    return Box(*(length / PIXELS * MM for length in pixels))


CODES = [
    *("PJ-2500", "4006381333931", "9912345678", "99", "7", "a~ {}\\^'", "x" * 24),
    *("Ärmel-7", "螺丝-12", "Ω 4", "رمز-3"),  # which bars can't hold
]


def test_what_is_printed_can_be_scanned(page: Page, steady_stack: Stack) -> None:
    ids = add_items(steady_stack, *((f"Item {code}", code) for code in CODES), ("Without a code", None))
    open_labels(page, steady_stack, ids)
    enter(page, width=70, height=37)
    leaves = print_pages(page)
    assert are_of_size(leaves, 70, 37)
    bars = [[(BARS, code)] if code.isascii() else [] for code in CODES]
    codes = [[*bars, (QR, code)] for bars, code in zip(bars, CODES, strict=True)]
    assert [leaf.symbols for leaf in leaves] == [*codes, [(QR, f"{steady_stack.api_url}/?item={ids[-1]}")]]


def test_the_address_on_a_label_opens_the_item(page: Page, steady_stack: Stack) -> None:
    ids = add_items(steady_stack, ("Without a code", None))
    open_labels(page, steady_stack, ids)
    ((_, address),) = print_pages(page)[0].symbols
    page.goto(address)
    Dashboard(page, steady_stack).is_now("Live")
    expect(page.locator(".item-panel")).to_contain_text("Without a code")
    assert page.url == address, "the dashboard writes the same address"


@pytest.mark.parametrize(
    ("width", "height"), [(62, 29), (50, 25), (25, 25), (20, 12), (29, 90), (100, 150), (54.3, 17.7)]
)
def test_a_page_has_the_size_that_was_entered_and_its_label_can_be_scanned(
    page: Page, steady_stack: Stack, width: float, height: float
) -> None:
    ids = add_items(steady_stack, ("Pallet jack", "PJ-2500"), (LONG_NAME, "4006381333931"), (ARABIC_NAME, None))
    labels = open_labels(page, steady_stack, ids)
    enter(page, width=width, height=height)
    expect(labels).to_have_count(3)
    leaves = print_pages(page, f"labels-{width}x{height}")
    assert len(leaves) == 3
    assert are_of_size(leaves, width, height)
    for leaf, code in zip(leaves, ("PJ-2500", "4006381333931"), strict=False):
        assert (QR, code) in leaf.symbols
        assert leaf.symbols in ([(QR, code)], [(BARS, code), (QR, code)])
    for label in labels.all():
        parts = label.locator("svg, p").all()
        outer = box(label)
        for inner in map(box, parts):
            assert inner.y >= outer.y
            assert inner.y + inner.height <= outer.y + outer.height + 0.01


def test_bars_are_left_out_where_they_would_be_too_fine_to_scan(page: Page, steady_stack: Stack) -> None:
    ids = add_items(steady_stack, ("Long", "x" * 24), ("Short", "x"))
    labels = open_labels(page, steady_stack, ids)
    enter(page, width=50, height=30)
    expect(labels.nth(0).get_by_role("img")).to_have_count(1)
    expect(labels.nth(1).get_by_role("img")).to_have_count(2)
    expect(page.get_by_text("1 bar code does not fit")).to_be_visible()
    enter(page, width=70)
    expect(labels.nth(0).get_by_role("img")).to_have_count(2)
    expect(page.get_by_text("does not fit")).not_to_be_visible()
    bars = labels.nth(0).locator(".label-bars")
    modules = float((bars.get_attribute("viewBox") or "").split()[2])
    assert box(bars).width / modules >= 0.19


def test_the_size_is_remembered_for_each_kind_of_paper(page: Page, steady_stack: Stack) -> None:
    ids = add_items(steady_stack, ("Bolt", "B-1"))
    open_labels(page, steady_stack, ids)
    enter(page, width=57, height=32.5)
    page.get_by_label("Paper").select_option("a4")
    enter(page, columns=2, rows=5, width=99.1, height=57, left=4.6, top=6)
    page.reload()
    expect(page.get_by_label("Paper")).to_have_value("a4")
    for name, value in {
        "columns": "2",
        "rows": "5",
        "width": "99.1",
        "height": "57",
        "left": "4.6",
        "top": "6",
    }.items():
        expect(page.locator(f"[name={name}]")).to_have_value(value)
    assert are_of_size(print_pages(page), *A4)
    page.get_by_label("Paper").select_option("label")
    expect(page.get_by_label("Label height")).to_have_value("32.5")
    assert are_of_size(print_pages(page), 57, 32.5)


@pytest.mark.parametrize("stored", ["{", "null", "7", '{"paper": "constructor"}', '{"sizes": {"label": {"width": 1}}}'])
def test_a_memory_that_makes_no_sense_is_ignored(page: Page, steady_stack: Stack, stored: str) -> None:
    page.add_init_script(f"localStorage.setItem('stockstream.labels', {stored!r})")
    open_labels(page, steady_stack, add_items(steady_stack, ("Bolt", "B-1")))
    expect(page.get_by_label("Paper")).to_have_value("label")
    expect(page.get_by_label("Label width")).to_have_value("62")


def test_a_sheet_has_its_labels_where_its_paper_has_them(page: Page, steady_stack: Stack) -> None:
    """Avery L7160: 3 by 7 labels of 63.5 by 38.1 mm, 66 mm from one to the next."""
    ids = add_items(steady_stack, *((f"Item {number}", f"C-{number}") for number in range(23)))
    labels = open_labels(page, steady_stack, ids)
    page.get_by_label("Paper").select_option("a4")
    expect(page.get_by_text("23 labels on 2 sheets")).to_be_visible()
    sheet, first, last = box(page.locator(".sheet").first), box(labels.first), box(labels.nth(20))
    assert first.x - sheet.x == pytest.approx(7.2, abs=0.1)
    assert first.y - sheet.y == pytest.approx(15.1, abs=0.1)
    assert last.x - first.x == pytest.approx(2 * 66.04, abs=0.1)
    assert last.y - first.y == pytest.approx(6 * 38.1, abs=0.1)
    leaves = print_pages(page, "labels-a4")
    assert are_of_size(leaves, *A4)
    assert [len(leaf.symbols) for leaf in leaves] == [2 * 21, 2 * 2]
    enter(page, copies=2)
    expect(page.get_by_text("46 labels on 3 sheets")).to_be_visible()
    page.get_by_label("Paper").select_option("letter")
    assert are_of_size(print_pages(page), 215.9, 279.4)


def test_a_size_that_can_not_be_is_refused_and_not_remembered(page: Page, steady_stack: Stack) -> None:
    open_labels(page, steady_stack, add_items(steady_stack, ("Bolt", "B-1")))
    enter(page, width=19)
    expect(page.locator("#label-width-error")).to_have_text("Enter a number from 20 to 300.")
    expect(page.get_by_role("button", name="Print")).to_be_disabled()
    check_accessibility(page, "labels-refused")
    enter(page, width="")
    expect(page.locator("#label-width-error")).to_be_visible()
    enter(page, width=62, copies=1.5)
    expect(page.locator("#label-copies-error")).to_have_text("Enter a whole number from 1 to 20.")
    enter(page, copies=1)
    expect(page.get_by_role("button", name="Print")).to_be_enabled()
    page.get_by_label("Paper").select_option("a4")
    enter(page, columns=4)
    expect(page.locator("#label-columns-error")).to_have_text(
        "So many labels do not fit on 210 mm, with these margins."
    )
    enter(page, columns=3, rows=8)
    expect(page.locator("#label-rows-error")).to_contain_text("do not fit on 297 mm")
    page.reload()
    page.locator(".label").first.wait_for()
    expect(page.get_by_label("Columns")).to_have_value("3")
    expect(page.get_by_label("Rows")).to_have_value("7")


SHELF = "Shelf 12, upper board, second box from the left"


@pytest.fixture
def shelves(steady_stack: Stack) -> Iterator[Stack]:
    """The services with more than one location."""
    steady_stack.sql("INSERT INTO location (name) VALUES ('Hall')")
    steady_stack.sql(f"INSERT INTO location (name, parent) SELECT '{SHELF}', max(id) FROM location")
    yield steady_stack
    steady_stack.sql("DELETE FROM inventory; DELETE FROM location WHERE parent IS NOT NULL")
    steady_stack.sql("DELETE FROM location WHERE name = 'Hall'")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_a_label_shows_where_the_item_is_if_there_is_a_choice(page: Page, shelves: Stack, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    ids = add_items(shelves, ("Jack", "PJ-2500"), (LONG_NAME, "4006381333931"), (ARABIC_NAME, "رمز-3"), ("Bolt", None))
    shelves.sql("INSERT INTO inventory (name, quantity, location) SELECT 'On the shelf', 1, max(id) FROM location")
    ids += [int(row[0]) for row in shelves.sql("SELECT max(id) FROM inventory")]
    labels = open_labels(page, shelves, ids)
    expect(labels.locator(".label-location")).to_have_text(["Main"] * 4 + [f"Hall/{SHELF}"])
    check_accessibility(page, f"labels-{width}")
    page.get_by_label("Paper").select_option("a4")
    check_accessibility(page, f"labels-a4-{width}")


def test_with_one_location_labels_do_not_show_it(page: Page, steady_stack: Stack) -> None:
    labels = open_labels(page, steady_stack, add_items(steady_stack, ("Bolt", "B-1")))
    expect(labels).to_have_text("BoltB-1")


def test_paper_is_white_on_a_dark_page(page: Page, steady_stack: Stack) -> None:
    page.emulate_media(color_scheme="dark")
    open_labels(page, steady_stack, add_items(steady_stack, ("Bolt", "B-1")))
    (leaf,) = print_pages(page)
    assert leaf.is_white
    assert leaf.symbols == [(BARS, "B-1"), (QR, "B-1")]
    page.get_by_label("Paper").select_option("a4")
    (leaf,) = print_pages(page)
    assert leaf.is_white


def test_the_button_prints(page: Page, steady_stack: Stack) -> None:
    page.add_init_script("globalThis.print = () => { document.title = 'printed' }")
    open_labels(page, steady_stack, add_items(steady_stack, ("Bolt", "B-1")))
    page.get_by_role("button", name="Print").click()
    expect(page).to_have_title("printed")


def test_the_dashboard_leads_to_the_label_of_an_item_and_to_those_of_selected_ones(dashboard: Dashboard) -> None:
    page, stack = dashboard.page, dashboard.stack
    bolt, nut, jack = add_items(stack, ("Bolt", "B-1"), ("Nut", "N-1"), ("Pallet jack", None))
    dashboard.open()
    panel = dashboard.open_item("Nut")
    panel.get_by_label("More actions").click()
    with page.expect_popup() as opened:
        panel.get_by_role("link", name="Print label").click()
    expect(opened.value.locator(".label-name")).to_have_text(["Nut"])
    panel.get_by_role("button", name="Close").click()
    for name in ("Pallet jack", "Bolt"):
        dashboard.row(name).locator(".stock-row-select").check()
    with page.expect_popup() as opened:
        page.locator(".selection").get_by_role("link", name="Print labels").click()
    expect(opened.value.locator(".label-name")).to_have_text(["Pallet jack", "Bolt"])
    assert opened.value.url == labels_address(stack, [jack, bolt])
    check_accessibility(page, "labels-selected")
    dashboard.sql(f"DELETE FROM inventory WHERE id = {nut}")
    dashboard.leave_list()
    dashboard.shows_nothing_of("Nut")
    page.goto(f"{stack.api_url}/?item={nut}")
    expect(page.locator(".item-panel-quantity")).to_have_text("Deleted")
    expect(page.get_by_label("More actions")).not_to_be_visible()
    expect(page.get_by_role("link", name="Print label")).not_to_be_visible()


def test_more_than_200_items_are_too_many(dashboard: Dashboard) -> None:
    page, stack = dashboard.page, dashboard.stack
    stack.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 201) AS n")
    dashboard.open()
    page.get_by_label("Select all that are shown").check()
    links = page.locator(".selection-labels")
    expect(links).to_have_text("Labels: at most 200")
    assert links.get_attribute("href") is None
    dashboard.page.locator(".stock-row-select").first.uncheck()
    expect(links).to_have_text("Print labels")
    page.goto(f"{stack.api_url}{links.get_attribute('href')}")
    expect(page.locator(".label")).to_have_count(200)
    page.goto(labels_address(stack, range(1, 202)))
    expect(page.get_by_text("These are 201 items. Print at most 200 at a time.")).to_be_visible()


def test_items_that_are_missing_are_counted(page: Page, steady_stack: Stack) -> None:
    (bolt,) = add_items(steady_stack, ("Bolt", "B-1"))
    open_labels(page, steady_stack, [bolt, 999_999_999])
    expect(page.get_by_text("1 item is missing: it was deleted, or you may not see it.")).to_be_visible()
    page.goto(labels_address(steady_stack, [999_999_999]))
    expect(page.get_by_text("There are no such items.")).to_be_visible()
    expect(page.get_by_role("button", name="Print")).not_to_be_visible()
    page.goto(f"{steady_stack.api_url}/labels?item=x&item=-1")
    expect(page.get_by_text("Select items in the stock to print their labels.")).to_be_visible()
    check_accessibility(page, "labels-none")


@pytest.fixture(scope="module")
def login_stack(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(postgres, tmp_path_factory.mktemp("login"), {"AUTH": "login"}) as stack:
        add_user(stack, "ann", "admin")
        add_user(stack, "vera", "viewer")
        yield stack


def test_labels_are_for_those_who_have_signed_in_and_only_as_long(
    page: Page, new_page: Callable[[], Page], login_stack: Stack, watch: Watch
) -> None:
    watch.expect(REFUSED)
    ids = add_items(login_stack, ("Bolt", "B-1"))
    page.goto(labels_address(login_stack, ids))
    expect(page.get_by_text("To print labels, sign in first.")).to_be_visible()
    check_accessibility(page, "labels-sign-in")
    page.get_by_role("link", name="sign in").click()
    sign_in(page, "vera")
    Dashboard(page, login_stack).is_now("Live")
    page.go_back()
    expect(page.locator(".label")).to_have_text("BoltB-1")
    dashboard = Dashboard(new_page(), login_stack).open()
    panel = dashboard.open_item("Bolt")
    panel.get_by_label("More actions").click()
    expect(panel.get_by_role("link", name="Print label")).to_be_visible()
    open_account(dashboard.page, "vera")
    dashboard.page.get_by_role("button", name="Sign out", exact=True).click()
    is_asked_to_sign_in(dashboard.page)
    expect(page.get_by_text("To print labels, sign in first.")).to_be_visible()
    assert "Bolt" not in page.content()


def test_somebody_without_a_role_gets_the_reason(page: Page, login_stack: Stack, watch: Watch) -> None:
    watch.expect(REFUSED)
    ids = add_items(login_stack, ("Nut", "N-1"))
    login_stack.sql("DELETE FROM access_grant WHERE principal = (SELECT id FROM principal WHERE name = 'vera')")
    page.goto(login_stack.api_url)
    sign_in(page, "vera")
    expect(page.get_by_text("You have no role. Ask an admin for one.")).to_be_visible()
    page.goto(labels_address(login_stack, ids))
    expect(page.get_by_role("status").filter(has_text=re.compile("vera may not do this"))).to_be_visible()
    expect(page.locator(".label")).to_have_count(0)
