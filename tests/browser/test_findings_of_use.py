"""What people stumbled over in their work with an earlier page. Each test has the number of the finding in its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.tasks import add_line, lines, open_task, save

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.dashboard import Dashboard
    from tests.browser.watched import Watch

HEX_BOLT = "Hex bolt M6 \N{MULTIPLICATION SIGN} 20"


def names(dashboard: Dashboard) -> list[str]:
    found: list[str] = dashboard.page.locator(".stock-row-name").all_text_contents()
    return found


def top_of(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return box["y"]


def test_finding_1_taps_on_one_spot_book_on_one_item(stocked: Dashboard) -> None:
    page = stocked.page
    page.get_by_label("Order").select_option("Newest change first")
    stocked.leave_list()
    first = names(stocked)[0]
    stocked.row(first).hover()
    for _ in range(3):
        stocked.stack.sql("UPDATE inventory SET quantity = quantity + 1 WHERE name = 'Bolts'")
        stocked.stack.sql("UPDATE inventory SET quantity = quantity + 1 WHERE name = 'Nuts'")
    expect(page.locator(".stock-list-waiting")).to_contain_text("changed: update order")
    assert names(stocked)[0] == first, "no row moves under the pointer"
    page.locator(".stock-list-waiting").click()
    expect(page.locator(".stock-row-name").first).to_have_text("Nuts")


def test_finding_1_the_list_is_in_the_order_of_names(stocked: Dashboard) -> None:
    stocked.sql("UPDATE inventory SET quantity = 1 WHERE name = 'Nuts'")
    stocked.shows("Nuts", 1)
    assert [name[:4] for name in names(stocked)] == ["Bolt", "Nuts", "Rope"]


def test_finding_2_a_difference_can_be_typed_and_a_delivery_received(stocked: Dashboard) -> None:
    stocked.edit("Bolts", "+200")
    stocked.shows("Bolts", 240)
    stocked.edit("Bolts", "-20")
    stocked.shows("Bolts", 220)
    view = open_task(stocked.page, "Receive")
    add_line(view, "Nuts", "3")
    save(view).click()
    stocked.says("Nuts was received.")


@pytest.mark.parametrize("key", ["u", "Control+z"])
def test_finding_3_a_change_of_a_quantity_is_confirmed_and_can_be_undone(stocked: Dashboard, key: str) -> None:
    stocked.edit("Bolts", "-20")
    stocked.says("Bolts: took 20, 20 left")
    expect(stocked.notice("took 20").get_by_role("button", name="Undo")).to_be_visible()
    stocked.page.keyboard.press(key)
    stocked.shows("Bolts", 40)
    stocked.edit("Bolts", "7")
    stocked.says("Bolts: set to 7, was 40")
    stocked.page.keyboard.press(key)
    stocked.shows("Bolts", 40)
    stocked.equals_the_table()


def test_finding_4_a_search_ends_the_selection_and_a_bulk_action_names_its_items(stocked: Dashboard) -> None:
    page = stocked.page
    for name in ("Bolts", "Nuts"):
        stocked.row(name).locator(".stock-row-select").check()
    expect(page.locator(".selection-count")).to_have_text("2 selected: Bolts, Nuts")
    page.locator(".selection-delete").click()
    dialog = page.get_by_role("dialog", name="Delete 2 items?")
    expect(dialog.get_by_role("listitem")).to_have_text(["Bolts", "Nuts"])
    dialog.get_by_role("button", name="Keep them").click()
    stocked.search("rope")
    expect(page.locator(".selection")).to_be_hidden()
    stocked.search("")
    expect(page.locator(".stock-row-select:checked")).to_have_count(0)


def test_finding_4_what_is_selected_but_not_in_the_list_is_counted(stocked: Dashboard) -> None:
    page = stocked.page
    stocked.sql("UPDATE inventory SET minimum = 50")
    page.locator('.chip[data-shows="low"]').click()
    expect(page.locator(".stock-row")).to_have_count(3)
    for name in ("Bolts", "Nuts"):
        stocked.row(name).locator(".stock-row-select").check()
    stocked.sql("UPDATE inventory SET quantity = 60 WHERE name = 'Bolts'")
    stocked.leave_list()
    expect(page.locator(".selection-count")).to_contain_text("2 selected, 1 not in the list")
    page.locator(".selection-delete").click()
    expect(page.locator("#confirm-text")).to_contain_text("1 of them is not in the list that you see.")


def test_finding_5_an_edit_does_not_overwrite_what_others_did_since_it_began(stocked: Dashboard, watch: Watch) -> None:
    watch.expect("status of 412")
    box = stocked.start_edit("Bolts")
    box.fill("37")
    stocked.stack.sql("SET stockstream.actor = 'Bob'; UPDATE inventory SET quantity = 30 WHERE name = 'Bolts'")
    expect(box).to_have_accessible_description("Now 30")
    box.press("Enter")
    dialog = stocked.page.get_by_role("dialog", name="Bolts has changed")
    expect(dialog).to_contain_text("Bob took 10 while you were editing: it was 40 and is 30 now.")
    expect(dialog.get_by_role("button")).to_have_text(["Save 37", "Save 27", "Cancel"])
    dialog.get_by_role("button", name="Save 27").click()
    stocked.shows("Bolts", 27)
    stocked.equals_the_table()


def test_finding_6_an_item_that_is_there_already_is_said_before_it_is_added_again(stocked: Dashboard) -> None:
    dialog = stocked.open_add()
    dialog.get_by_label("Name", exact=True).fill("bolts")
    expect(dialog.get_by_text("Bolts is in stock already, with 40.")).to_be_visible()
    dialog.get_by_role("button", name="Open it").click()
    expect(stocked.page.locator(".item-panel-title")).to_have_text("Bolts")


def test_finding_7_a_search_and_another_order_begin_with_the_first_row(dashboard: Dashboard) -> None:
    page = dashboard.page
    dashboard.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 300) n")
    dashboard.open()
    for act in (
        lambda: page.get_by_label("Search or scan").fill("item 1"),
        lambda: page.get_by_label("Order").select_option("Most in stock first"),
    ):
        page.mouse.wheel(0, 3_000)
        expect(page.locator(".stock-row").first).not_to_have_attribute("aria-rowindex", "2")
        act()
        expect(page.locator(".stock-row").first).to_have_attribute("aria-rowindex", "2")
        assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize(
    ("query", "name"),
    [("m6 washer", "Washer M6"), ("hex bolt m6 x 20", HEX_BOLT), ("weisswurst", "Weißwurst")],
)
def test_finding_8_words_are_found_in_any_order_and_folded(dashboard: Dashboard, query: str, name: str) -> None:
    dashboard.sql(
        f"INSERT INTO inventory (name, quantity) VALUES ('Washer M6', 1), ('{HEX_BOLT}', 2), ('Weißwurst', 3)"
    )
    dashboard.open()
    dashboard.search(query)
    expect(dashboard.page.locator(".stock-row-name")).to_have_text([name])


def test_finding_8_what_is_not_found_can_be_added(stocked: Dashboard) -> None:
    stocked.search("Washer M6")
    stocked.page.get_by_role("button", name="Add Washer M6").click()
    expect(stocked.page.locator(".add-dialog").get_by_label("Name", exact=True)).to_have_value("Washer M6")


@pytest.mark.parametrize("width", [384, 512, 768])
def test_finding_9_names_wrap_on_small_screens_and_with_zoom(stocked: Dashboard, width: int) -> None:
    stocked.page.set_viewport_size({"width": width, "height": 700})
    name = stocked.row("Rope with a rather long name, for towing").locator(".stock-row-name")
    assert name.evaluate("element => element.scrollHeight <= element.clientHeight + 1"), "the whole name is readable"
    assert name.evaluate("element => element.clientWidth") > 180


def test_finding_10_a_phone_begins_with_the_search_and_the_list(stocked: Dashboard) -> None:
    page = stocked.page
    page.set_viewport_size({"width": 390, "height": 844})
    search = page.get_by_label("Search or scan").bounding_box()
    assert search is not None
    assert search["width"] > 350
    assert top_of(page, ".stock-row") < 844 / 3
    assert page.locator(".stock-row button").evaluate_all("all => all.every(b => !/delete/i.test(b.ariaLabel))")


def test_finding_11_the_journal_has_differences_reasons_and_people(stocked: Dashboard) -> None:
    page = stocked.page
    stocked.edit("Bolts", "-20")
    stocked.says("took 20")
    page.locator('.rail [data-view="journal"]').click()
    first = page.locator(".journal tbody tr").first
    expect(first).to_contain_text("-20")
    expect(first).to_contain_text("Unknown")
    for label in ("Person", "Reason", "From", "Until"):
        expect(page.locator(".journal").get_by_label(label)).to_be_visible()


def test_finding_12_what_is_out_is_marked_and_low_goes_by_what_is_missing(stocked: Dashboard) -> None:
    page = stocked.page
    stocked.sql(
        "UPDATE inventory SET quantity = 0 WHERE name = 'Nuts'; UPDATE inventory SET minimum = 90 WHERE name = 'Bolts'"
    )
    expect(stocked.row("Nuts")).to_have_class(re.compile("is-out"))
    expect(stocked.row("Nuts").locator(".stock-row-edit")).to_have_accessible_name(re.compile("out of stock"))
    expect(page.locator('.chip[data-shows="out"]')).to_contain_text("1")
    page.locator('.rail [data-view="low"]').click()
    expect(page.locator(".low .report-item")).to_have_text(["Nuts", "Bolts"])


def test_finding_13_a_past_day_can_be_seen_and_compared(stocked: Dashboard) -> None:
    page = stocked.page
    stocked.sql("UPDATE inventory_history SET changed_at = changed_at - interval '1 day'")
    stocked.sql("UPDATE inventory SET quantity = 33 WHERE name = 'Bolts'")
    page.locator('.rail [data-view="past"]').click()
    row = page.locator(".past tbody tr", has_text="Bolts")
    expect(row.locator(".is-number")).to_have_text(["40", "33", "-7"])


def test_finding_14_a_count_leaves_a_record_and_shows_its_progress(stocked: Dashboard) -> None:
    view = open_task(stocked.page, "Count")
    view.get_by_label("Counted quantity of Bolts").fill("40")
    expect(view.locator(".booking-progress")).to_have_text("1 of 3 counted")
    save(view).click()
    stocked.says("Bolts was counted.")
    stocked.page.locator('.rail [data-view="stock"]').click()
    entry = stocked.open_item("Bolts").locator(".history-entry").first
    expect(entry).to_contain_text("Counted: 40, as expected")
    expect(lines(view)).to_have_count(0)
