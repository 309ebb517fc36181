"""What people stumbled over on an earlier page itself. Each test has the number of the finding in its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard
from tests.browser.test_keyboard import TYPING_MS

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

    from tests.browser.cable import CabledStack
    from tests.browser.watched import Watch

CONTRAST = """(element) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const light = (color) => {
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
        const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const style = getComputedStyle(element);
    const [a, b] = [light(style.borderTopColor), light(getComputedStyle(document.body).backgroundColor)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def test_finding_15_the_axis_has_distinct_full_numbers_from_zero_and_days(stocked: Dashboard) -> None:
    stocked.sql("UPDATE inventory SET quantity = 1250 WHERE name = 'Bolts'")
    stocked.sql("UPDATE inventory_history SET changed_at = changed_at - interval '5 days'")
    stocked.sql("UPDATE inventory SET quantity = 1247 WHERE name = 'Bolts'")
    panel = stocked.open_item("Bolts")
    labels = panel.locator(".step-chart text").all_text_contents()
    assert {"0", "500", "1,000", "1,500"} <= set(labels)
    assert len(labels) == len(set(labels))
    assert sum(bool(re.search(r"\bNov\b|\bDec\b|[A-Z][a-z]{2}", label)) for label in labels) >= 3, "days have ticks"


def test_finding_16_the_list_begins_near_the_top_and_no_total_adds_bolts_to_rope(stocked: Dashboard) -> None:
    box = stocked.page.locator(".stock-row").first.bounding_box()
    assert box is not None
    assert box["y"] < 250
    expect(stocked.page.get_by_text("Total in stock")).to_have_count(0)
    expect(stocked.page.locator(".chip")).to_contain_text(["All 3", "Low", "Out", "Changed today 3"])


def test_finding_17_a_row_says_how_much_has_changed_today(stocked: Dashboard) -> None:
    stocked.sql("UPDATE inventory_history SET changed_at = changed_at - interval '1 day'")
    stocked.sql("UPDATE inventory SET quantity = 37 WHERE name = 'Bolts'")
    stocked.page.reload()
    expect(stocked.row("Bolts").locator(".stock-row-today")).to_have_text("-3")
    expect(stocked.row("Nuts").locator(".stock-row-today")).to_have_text("")
    stocked.sql("UPDATE inventory SET quantity = 41 WHERE name = 'Bolts'")
    expect(stocked.row("Bolts").locator(".stock-row-today")).to_have_text("+1")


def test_finding_18_an_export_says_how_much_of_the_stock_it_has(stocked: Dashboard) -> None:
    page = stocked.page
    stocked.search("nuts")
    expect(page.locator(".stock-row")).to_have_count(1)
    page.locator(".person").click()
    menu = page.get_by_role("dialog", name="You and more")
    expect(menu.get_by_role("link", name="Export what is shown: 1 item")).to_be_visible()
    with page.expect_download() as download:
        menu.get_by_role("link", name="Export all: 3 items").click()
    assert len(download.value.path().read_text().splitlines()) == 4
    assert re.fullmatch(r"stock-\d{4}-\d\d-\d\d\.csv", download.value.suggested_filename)


def test_finding_20_a_displayed_number_can_be_pasted_back_and_heads_stay_in_view(dashboard: Dashboard) -> None:
    page = dashboard.page
    dashboard.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, 1247 FROM generate_series(1, 100) n")
    dashboard.open()
    shown = dashboard.row("Item 1").locator("data").text_content() or ""
    assert shown == "1,247"
    dashboard.edit("Item 2", f"={shown}")
    dashboard.edit("Item 3", "1,248")
    dashboard.shows("Item 3", 1248)
    assert page.locator(".stock-row-quantity").first.evaluate("e => getComputedStyle(e).textAlign") == "end"
    page.mouse.wheel(0, 2_000)
    expect(page.locator(".stock-row").first).not_to_have_attribute("aria-rowindex", "2")
    expect(page.locator(".stock-list-columns")).to_be_in_viewport()


def test_finding_21_tab_leaves_the_list_after_one_step_and_enter_opens_the_first_result(dashboard: Dashboard) -> None:
    page, keys = dashboard.page, dashboard.page.keyboard
    dashboard.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 298) n")
    dashboard.open()
    page.get_by_label("Select all that are shown").focus()
    keys.press("Tab")
    expect(dashboard.row("Item 1").locator(".stock-row-name")).to_be_focused()
    keys.press("Tab")
    assert page.evaluate("document.activeElement.closest('.stock-list-grid')") is None
    search = page.get_by_label("Search or scan")
    search.focus()
    keys.type("item 29", delay=TYPING_MS)
    expect(page.locator("#search-said")).to_have_text("12 items found")
    keys.press("Enter")
    expect(page.locator(".item-panel-title")).to_have_text("Item 29")
    panel = page.locator(".item-panel")
    panel.get_by_role("button", name="Take").press("Enter")
    expect(page.get_by_role("status").get_by_text("Item 29: took 1, 28 left")).to_be_visible()


def test_finding_21_controls_have_a_contrast_of_three_to_one(stocked: Dashboard) -> None:
    for scheme in ("light", "dark"):
        stocked.page.emulate_media(color_scheme=scheme)
        for selector in (".search", ".chip", ".stock-list-sort"):
            assert stocked.page.locator(selector).first.evaluate(CONTRAST) >= 3, (scheme, selector)


def test_finding_22_a_wall_screen_has_a_board(stocked: Dashboard) -> None:
    page = stocked.page
    stocked.sql("UPDATE inventory SET quantity = 0 WHERE name = 'Nuts'")
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto(f"{stocked.stack.api_url}/?board")
    expect(page.locator('[data-list="out"] li')).to_have_count(1)
    assert page.locator('[data-list="out"] li').evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 20
    expect(page.locator(".board-age")).to_contain_text("Live")


def test_finding_22_a_large_screen_shows_more_rows(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 100) n")
    dashboard.page.set_viewport_size({"width": 1440, "height": 900})
    dashboard.open()
    rows = dashboard.page.locator(".stock-row")
    seen = rows.evaluate_all("all => all.filter(r => r.getBoundingClientRect().bottom <= innerHeight).length")
    assert seen >= 17


def test_finding_23_nothing_is_fetched_for_an_icon_when_it_is_first_shown(stocked: Dashboard) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/static/" in request.url:
            asked.append(request.url)

    stocked.page.on("request", note)
    stocked.delete("Nuts")
    stocked.says("Nuts was deleted.")
    stocked.open_item("Bolts")
    assert asked == []


def test_finding_23_with_only_the_api_down_the_page_says_that_it_cannot_save(
    page: Page, cabled_stack: CabledStack, watch: Watch
) -> None:
    watch.expect("net::ERR_|Failed to load resource")
    cabled_stack.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 5)")
    dashboard = Dashboard(page, cabled_stack).open()
    dashboard.shows("Bolts", 5)
    cabled_stack.cables["api"].cut()
    dashboard.edit("Bolts", "+1")
    expect(page.locator(".connection-word")).to_have_text("Can't save")
    dashboard.notice("may not have been added").get_by_role("button", name="Try again").wait_for()
    cabled_stack.cables["api"].mend()
    expect(page.locator(".connection-word")).to_have_text("Live")
    dashboard.notice("may not have been added").get_by_role("button", name="Try again").click()
    dashboard.shows("Bolts", 6)
    dashboard.equals_the_table()


def test_finding_24_one_notice_at_a_time_and_each_undo_stays_within_reach(stocked: Dashboard) -> None:
    for name in ("Bolts", "Nuts"):
        stocked.delete(name)
        stocked.says(f"{name} was deleted.")
    expect(stocked.page.locator(".notice")).to_have_count(1)
    for name, quantity in (("Nuts", 12), ("Bolts", 40)):
        stocked.page.keyboard.press("u")
        stocked.says(f"{name} was restored.")
        stocked.leave_list()
        stocked.shows(name, quantity)


def test_finding_24_delete_is_in_a_menu_away_from_other_buttons(stocked: Dashboard) -> None:
    panel = stocked.open_item("Bolts")
    expect(panel.get_by_role("button", name="Delete")).to_be_hidden()
    panel.get_by_label("More actions").click()
    panel.get_by_role("button", name="Delete").click()
    stocked.says("Bolts was deleted.")


@pytest.mark.parametrize("wrong", ["this minute", "all the same", "The API of this stock", "was not changed to"])
def test_finding_25_the_wording_is_plain(stocked: Dashboard, wrong: str) -> None:
    stocked.edit("Bolts", "-1")
    stocked.says("Bolts: took 1, 39 left")
    text = stocked.page.locator("body").inner_text()
    assert wrong not in text
    expect(stocked.row("Bolts").locator("time")).to_have_text(re.compile(r"^(now|\d+ sec ago)"))
