"""The files of the page as they are sent, without comments and indentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_service.http.files import Files
from tests.stack import ROOT

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard

FRONTEND = ROOT / "frontend"
RULES = """styles => styles.map(text => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return [...sheet.cssRules].map(({ cssText }) => cssText).join("\\n");
})"""


def test_shortened_styles_mean_the_same(dashboard: Dashboard) -> None:
    """Chromium reads the same rules from what is sent as from the source."""
    files = Files(FRONTEND)
    names = [path.relative_to(FRONTEND).as_posix() for path in sorted(FRONTEND.rglob("*.css"))]
    found = [file for name in names if (file := files.find(files.version, name))]
    assert len(found) == len(names) > 10
    dashboard.open()
    sent = dashboard.page.evaluate(RULES, [file.content.decode() for file in found])
    sources = dashboard.page.evaluate(RULES, [file.source.decode() for file in found])
    for name, rules, wanted in zip(names, sent, sources, strict=True):
        assert rules == wanted != "", name
