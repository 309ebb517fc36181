"""The optional fields on the page: added, shown, changed and cleared. CASES lists the texts to type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from playwright.sync_api import expect

from shared.log.fields import FIELDS, REQUIRED_FIELDS

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.dashboard import Dashboard
    from tests.browser.watched import Watch

PAGE_FIELDS = """async () => {
    const main = document.querySelector("[type=module]").src;
    const { FIELDS, isRequired } = await import(new URL("state/fields.js", main));
    return FIELDS.map((field) => [field.name, isRequired(field)]);
}"""


class Case(NamedTuple):
    """Texts to type, the stored value, the history entries, and an invalid text with its error."""

    label: str
    text: str
    value: Any
    other: str
    history: tuple[str, str]
    wrong: str
    error: str


CASES = {
    "code": Case(
        "Code",
        " PJ-2500 ",
        "PJ-2500",
        "'6381",
        ("Code PJ-2500 → '6381", "Code '6381 removed"),
        "x" * 101,
        "A code has at most 100 characters.",
    ),
    "unit": Case(
        "Unit",
        " pcs ",
        "pcs",
        "m²",
        ("Unit pcs → m²", "Unit m² removed"),
        "x" * 21,
        "A unit has at most 20 characters.",
    ),
    "minimum": Case(
        "Minimum",
        " 1000 ",
        1000,
        "0",
        ("Minimum 1,000 → 0", "Minimum 0 removed"),
        "-1",
        "Enter a whole number, 0 or more.",
    ),
    "note": Case(
        "Note",
        " Handle with care.\nTop shelf. ",
        "Handle with care.\nTop shelf.",
        "w" * 100,
        ("Note Handle with care. Top shelf. → www", "www… removed"),
        "x" * 2_001,
        "A note has at most 2,000 characters.",
    ),
}
IS_LOW = re.compile(r"\bis-low\b")
each_field = pytest.mark.parametrize("field", list(CASES))


def stored(dashboard: Dashboard, field: str) -> list[Any]:
    return [item[field] for item in dashboard.documents()]


def open_more(dashboard: Dashboard) -> Locator:
    dialog = dashboard.open_add()
    dialog.get_by_text("More fields").click()
    return dialog


def test_the_page_has_the_fields_of_the_api(dashboard: Dashboard) -> None:
    dashboard.open()
    assert sorted(dashboard.page.evaluate(PAGE_FIELDS)) == sorted([name, name in REQUIRED_FIELDS] for name in FIELDS)
    assert CASES.keys() == set(FIELDS) - set(REQUIRED_FIELDS)


@each_field
def test_a_field_is_added_with_its_item_changed_and_cleared(dashboard: Dashboard, field: str) -> None:
    case = CASES[field]
    dashboard.open()
    dialog = open_more(dashboard)
    dialog.get_by_label(case.label, exact=True).fill(case.text)
    dashboard.add("Bolts", 12)
    dashboard.shows("Bolts", 12)
    assert stored(dashboard, field) == [case.value]
    expect(dialog.get_by_label(case.label, exact=True)).to_have_value("")
    dashboard.close_add()
    panel = dashboard.open_fields("Bolts")
    box = panel.get_by_label(case.label, exact=True)
    expect(box).to_have_value(str(case.value))
    for text, said in ((case.other, case.history[0]), ("", case.history[1])):
        box.fill(text)
        panel.get_by_role("button", name="Save").click()
        expect(panel.locator(".history-entry").first).to_contain_text(said)
    dashboard.page.keyboard.press("Escape")
    assert stored(dashboard, field) == [None]
    dashboard.equals_the_table()


@each_field
def test_an_invalid_value_is_reported_at_the_field_and_not_sent(dashboard: Dashboard, field: str) -> None:
    case = CASES[field]
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Nuts', 1)")
    dashboard.open()
    dialog = open_more(dashboard)
    dialog.get_by_label(case.label, exact=True).fill(case.wrong)
    dialog.get_by_text("More fields").click()
    dashboard.add("Bolts", 12)
    expect(dialog.get_by_text(case.error)).to_be_visible()
    expect(dialog.get_by_label(case.label, exact=True)).to_be_focused()
    dashboard.close_add()
    panel = dashboard.open_fields("Nuts")
    panel.get_by_label(case.label, exact=True).fill(case.wrong)
    panel.get_by_role("button", name="Save").click()
    expect(panel.get_by_text(case.error)).to_be_visible()
    expect(panel.get_by_label(case.label, exact=True)).to_be_focused()
    assert stored(dashboard, field) == [None]


def test_a_row_shows_the_code_and_the_search_finds_it(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity, code) VALUES ('Bolts', 12, 'PJ-É25'), ('Nuts', 1, null)")
    dashboard.open()
    expect(dashboard.row("Bolts").locator(".stock-row-code")).to_have_text("PJ-É25")
    expect(dashboard.row("Nuts").locator(".stock-row-code")).to_have_text("")
    dashboard.search("pj-e2")
    dashboard.shows_nothing_of("Nuts")
    dashboard.shows("Bolts", 12)


def test_a_quantity_is_shown_with_its_unit(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity, unit) VALUES ('Cable', 1200, 'm')")
    dashboard.open()
    expect(dashboard.row("Cable").locator(".stock-row-edit")).to_have_text("1,200 m")
    panel = dashboard.open_item("Cable")
    expect(panel.locator(".item-panel-quantity")).to_have_text("1,200 m")


def test_an_item_below_its_minimum_is_marked_as_low(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity, minimum) VALUES ('Bolts', 5, 5), ('Nuts', 9, null)")
    dashboard.open()
    bolts = dashboard.row("Bolts")
    low = dashboard.open_item("Bolts").locator(".item-panel-low")
    expect(bolts.locator(".stock-row-minimum")).to_have_text("5")
    expect(bolts).not_to_have_class(IS_LOW)
    expect(low).to_be_hidden()
    dashboard.step("Bolts", -1)
    expect(low).to_have_text("Low: less than 5")
    expect(bolts).to_have_class(IS_LOW)
    expect(bolts.locator(".stock-row-edit")).to_have_accessible_name("Quantity of Bolts: 4, low. Edit")
    dashboard.step("Bolts", 1)
    expect(low).to_be_hidden()
    expect(bolts).not_to_have_class(IS_LOW)
    expect(bolts.locator(".stock-row-edit")).to_have_accessible_name("Quantity of Bolts: 5. Edit")
    expect(dashboard.row("Nuts")).not_to_have_class(IS_LOW)
    expect(dashboard.row("Nuts").locator(".stock-row-minimum")).to_have_text("")


def test_a_code_that_is_taken_is_reported_at_the_field(dashboard: Dashboard, watch: Watch) -> None:
    watch.expect("status of 409")
    dashboard.sql("INSERT INTO inventory (name, quantity, code) VALUES ('Bolts', 12, 'A-1'), ('Nuts', 1, null)")
    dashboard.open()
    dialog = open_more(dashboard)
    dialog.get_by_label("Code", exact=True).fill("A-1")
    dashboard.add("Washers", 12)
    expect(dialog.locator(".field-code .field-error")).to_contain_text("already the code of item")
    dashboard.close_add()
    panel = dashboard.open_fields("Nuts")
    panel.get_by_label("Code", exact=True).fill("A-1")
    panel.get_by_role("button", name="Save").click()
    expect(panel.locator(".field-code .field-error")).to_contain_text("already the code of item")
    dashboard.equals_the_table()
    dashboard.sql("DELETE FROM inventory WHERE name = 'Bolts'")
    panel.get_by_role("button", name="Save").click()
    expect(panel.locator(".history-entry").first).to_contain_text("Code A-1")
    dashboard.page.keyboard.press("Escape")
    dashboard.equals_the_table()
