"""Stocks at one location and at several, and who may see and change them there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.dashboard import Dashboard
    from tests.stack import Stack

ONE_PLACE = "DELETE FROM inventory; DELETE FROM location WHERE id > 1; UPDATE location SET name = 'Main', parent = NULL"
RESTART_IDS = "ALTER TABLE location ALTER id RESTART WITH 2"
# A tree, and a stock in it.
MAKE_PLACES = """
    INSERT INTO location (name, parent) VALUES ('Room 2', 1);
    INSERT INTO location (name, parent) VALUES ('Shelf 10', 2);
    INSERT INTO location (name) VALUES ('Van');
"""
TREE_STOCK = """
    INSERT INTO inventory (name, quantity, location, code, minimum) VALUES
        ('Bolts', 5, 1, 'B-1', 9),
        ('Bolts', 40, 3, 'B-1', 9),
        ('Nuts', 12, 2, null, 20),
        ('Rope with a rather long name, for towing', 3, 4, 'ROPE-2026-XL', 5),
        ('Tarp', 2, 4, null, null)
"""
# A store, and a van.
STOCK = """
    INSERT INTO inventory (name, quantity, code, unit) VALUES
        ('Bolts', 40, 'B-100', null), ('Nuts', 12, 'N-200', 'pcs'),
        ('Rope with a rather long name, for towing', 3, null, 'm')
"""
STOCK_OF_VAN = """
    INSERT INTO location (name) VALUES ('Van');
    INSERT INTO inventory (name, quantity, code, location) VALUES ('Bolts', 5, 'B-100', 2), ('Tarp', 2, 'T-300', 2)
"""


def grant(stack: Stack, name: str, roles: dict[int | None, str]) -> None:
    """Give an account exactly these roles, by location."""
    rows = ", ".join(f"({'null' if place is None else place}::bigint, '{role}')" for place, role in roles.items())
    added = (
        "; INSERT INTO access_grant (principal, location, role)"
        f" SELECT p.id, g.place, g.role::access_role FROM principal p, (VALUES {rows}) AS g (place, role)"
        f" WHERE p.name = '{name}'"
    )
    old = f"DELETE FROM access_grant WHERE principal = (SELECT id FROM principal WHERE name = '{name}')"
    stack.sql(old + (added if roles else ""))


def location_filter(page: Page) -> Locator:
    """What shows one location: on wide screens a list of buttons, on others a select. Hidden if there is no choice."""
    return page.locator(".rail-locations:visible, .stock-list-location:visible")


def show_location(page: Page, path: str) -> None:
    """Show only what is at this location and below it."""
    select = page.get_by_label("Show location")
    if select.is_visible():
        select.select_option(path)
    else:
        location_button(page, path).click()


def shows_location(page: Page, path: str) -> None:
    """Wait until this is the location that is shown, on a wide screen."""
    expect(page.locator(".rail-location[aria-current] .rail-location-name")).to_have_text([path])


def location_button(page: Page, path: str) -> Locator:
    name = page.locator(".rail-location-name").get_by_text(path, exact=True)
    return page.locator(".rail-location", has=name)


def offered_locations(page: Page) -> list[str]:
    """The locations that can be shown, on a wide screen."""
    return page.locator(".rail-location-name").all_inner_texts()


def add_location(page: Page) -> Locator:
    """The select of the dialog that adds an item."""
    return page.locator(".add-dialog").get_by_label("Location")


def low_filter(page: Page) -> Locator:
    """What shows only the items that are low. Hidden while there are none."""
    return page.get_by_role("group", name="Show", exact=True).get_by_role("button", name="Low")


def shown(dashboard: Dashboard) -> list[tuple[str, str]]:
    """The names and locations of the rows, from top to bottom."""
    texts: list[list[str]] = dashboard.page.locator(".stock-row").evaluate_all(
        "rows => rows.map(row => [row.querySelector('.stock-row-name').textContent,"
        " row.querySelector('.stock-row-place').textContent])"
    )
    return [(name, place) for name, place in texts]


def shows_rows(dashboard: Dashboard, count: int) -> None:
    expect(dashboard.page.locator(".stock-row")).to_have_count(count)


def open_locations(dashboard: Dashboard) -> Locator:
    dashboard.open_menu().get_by_role("button", name="Locations", exact=True).click()
    return dashboard.page.get_by_role("dialog", name="Locations")


def tree(stack: Stack) -> list[tuple[str, ...]]:
    return stack.sql("SELECT location_path(id, NULL) FROM location ORDER BY 1")
