"""Changes by others are summarized in one line, and their rows flash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard

COUNT_SENTENCES = """() => {
    globalThis.sentences = [];
    const line = document.querySelector(".activity");
    const note = () => line.textContent && globalThis.sentences.push(line.textContent);
    new MutationObserver(note).observe(line, { childList: true });
}"""


def test_a_burst_of_changes_is_one_sentence(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity) SELECT 'Item ' || n, n FROM generate_series(1, 37) n")
    dashboard.open()
    dashboard.page.evaluate(COUNT_SENTENCES)
    for _ in range(4):
        dashboard.sql("UPDATE inventory SET quantity = quantity + 1")
    line = dashboard.page.locator(".activity")
    expect(line).to_have_text("37 items changed")
    expect(line).to_have_attribute("aria-live", "polite")
    assert dashboard.page.evaluate("globalThis.sentences") == ["37 items changed"]
    expect(dashboard.page.locator(".notice")).to_have_count(0)


def test_a_single_change_is_announced_by_name_and_own_changes_are_not(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12), ('Nuts', 1)")
    dashboard.open()
    dashboard.edit("Nuts", 5)
    dashboard.shows("Nuts", 5)
    dashboard.sql("UPDATE inventory SET quantity = 13 WHERE name = 'Bolts'")
    expect(dashboard.page.locator(".activity")).to_have_text("Bolts is now 13")


def test_a_changed_row_flashes_without_motion_if_reduced_motion_is_preferred(dashboard: Dashboard) -> None:
    dashboard.sql("INSERT INTO inventory (name, quantity) VALUES ('Bolts', 12)")
    dashboard.open()
    row = dashboard.row("Bolts")
    assert row.get_attribute("data-flash") is None
    timing = "element => getComputedStyle(element).animationTimingFunction"
    dashboard.sql("UPDATE inventory SET quantity = 13")
    dashboard.shows("Bolts", 13)
    flash = row.get_attribute("data-flash")
    assert flash in {"a", "b"}
    assert row.evaluate(timing) == "ease-out"
    dashboard.page.emulate_media(reduced_motion="reduce")
    assert row.evaluate(timing) == "steps(1)"
    dashboard.sql("UPDATE inventory SET quantity = 14")
    dashboard.shows("Bolts", 14)
    assert row.get_attribute("data-flash") not in {flash, None}
