"""The view that imports a file, as a person uses it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import openpyxl
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Locator

    from tests.browser.dashboard import Dashboard


def csv(text: str, encoding: str = "utf-8") -> FilePayload:
    return {"name": "stock.csv", "mimeType": "text/csv", "buffer": text.encode(encoding)}


def workbook(*rows: list[object]) -> FilePayload:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return {"name": "stock.xlsx", "mimeType": "application/octet-stream", "buffer": file.getvalue()}


def open_import(dashboard: Dashboard) -> Locator:
    """Open the view from the menu, unless it is shown. Returns it."""
    view = dashboard.page.locator(".import")
    if not view.is_visible():
        dashboard.open_menu().get_by_role("button", name="Import", exact=True).click()
    return view


def choose(dashboard: Dashboard, file: str | FilePayload) -> Locator:
    """Choose a file, or a CSV file with this text, in place of the one that is shown. Returns the view."""
    view = open_import(dashboard)
    another = view.get_by_role("button", name="Another file")
    if another.is_visible():
        another.click()
    view.get_by_label("Choose a file").set_input_files(csv(file) if isinstance(file, str) else file)
    return view


def row(view: Locator, line: int) -> Locator:
    return view.locator(f'.import-row:has(.import-row-line:text-is("{line}"))')


def sums_up(view: Locator, **counts: int) -> None:
    """Wait until the summary has these counts, and 0 of everything else."""
    kinds = ("new", "changed", "unchanged", "wrong", "left out")
    said = ", ".join(f"{counts.get(kind.partition(' ')[0], 0)} {kind}" for kind in kinds)
    expect(view.locator(".import-summary")).to_have_text(f"{said}.")


def send(view: Locator) -> Locator:
    return view.locator(".import-send")
