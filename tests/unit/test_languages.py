"""The languages of the pages: which one a reader gets, and that no text stands in a template."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from api_service.app import create_app
from api_service.settings import ApiSettings
from tests.stack import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FRONTEND = ROOT / "frontend"
MESSAGES = {path.stem: json.loads(path.read_text()) for path in sorted((FRONTEND / "messages").glob("*.json"))}
HEADINGS = {"/": "stock", "/accounts": "accounts.title", "/labels": "labels.title"}  # key of a text on each page
TEMPLATES = sorted(path for path in FRONTEND.rglob("*.html") if path.name != "docs.html")  # the API docs are English

EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
LETTER = re.compile(r"[^\W\d_]")
SHOWN_ATTRIBUTES = {"aria-label", "placeholder", "title", "alt"}


async def language_of(headers: dict[str, str], path: str = "/") -> str:
    """The language that a page says it is in."""
    answer = await create_app(ApiSettings()).test_client().get(path, headers=headers)
    page = await answer.get_data(as_text=True)
    assert f'<html lang="{answer.headers["Content-Language"]}">' in page
    assert {"Accept-Language", "Cookie"} <= set(answer.vary)
    return str(answer.headers["Content-Language"])


@pytest.mark.parametrize("language", MESSAGES)
@pytest.mark.parametrize("path", HEADINGS)
async def test_each_page_is_in_the_language_of_its_reader(path: str, language: str) -> None:
    answer = await create_app(ApiSettings()).test_client().get(path, headers={"Accept-Language": language})
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert answer.headers["Content-Language"] == language
    assert {"Accept-Language", "Cookie"} <= set(answer.vary)
    assert f'<html lang="{language}">' in page
    assert re.search(rf">{re.escape(html.escape(MESSAGES[language][HEADINGS[path]]))}<", page)
    assert f"/messages/{language}.json" in page


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("de", "de"),
        ("de-CH", "de"),
        ("de-DE, de;q=0.9, en;q=0.8", "de"),
        ("en-GB, de;q=0.9", "en"),
        ("fr", "en"),
        ("fr, de;q=0.5", "de"),
        ("de;q=0.5, en-GB", "en"),
        ("*", "en"),
        ("de;q=0", "en"),
        ("", "en"),
        (";;q=x,,-", "en"),
    ],
)
async def test_a_reader_gets_the_preferred_language_of_the_browser(accepted: str | None, language: str) -> None:
    assert await language_of({} if accepted is None else {"Accept-Language": accepted}) == language


@pytest.mark.parametrize(("cookie", "accepted"), [("de", "en"), ("en", "de")])
async def test_the_language_chosen_on_the_page_wins(cookie: str, accepted: str) -> None:
    assert await language_of({"Cookie": f"language={cookie}", "Accept-Language": accepted}) == cookie


@pytest.mark.parametrize(
    "cookie", ["", "fr", "DE", "de-CH", "../messages/en", "en.json", '"><script>', "__class__", "\u00fc", "d" * 5000]
)
async def test_a_cookie_that_names_no_language_is_ignored(cookie: str) -> None:
    assert await language_of({"Cookie": f"language={cookie}", "Accept-Language": "de"}) == "de"
    assert await language_of({"Cookie": f"language={cookie}"}) == "en"


async def test_the_api_docs_are_english() -> None:
    assert await language_of({"Cookie": "language=de", "Accept-Language": "de"}, "/docs") == "en"


class Texts(HTMLParser):
    """The texts of a template that a reader sees or hears, without the symbols on keys."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: str | None = None
        self.feed(EXPRESSION.sub("", source))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.found += [value for name, value in attrs if value and name in SHOWN_ATTRIBUTES]

    def handle_endtag(self, tag: str) -> None:
        self._inside = None

    def handle_data(self, data: str) -> None:
        is_key = self._inside == "kbd" and len(data) == 1
        if not is_key:
            self.found.append(data.strip())


@pytest.mark.parametrize("path", TEMPLATES, ids=[path.relative_to(FRONTEND).as_posix() for path in TEMPLATES])
def test_a_template_has_its_texts_from_the_messages(path: Path) -> None:
    found = [text for text in Texts(path.read_text()).found if LETTER.search(text.replace("stockstream", ""))]
    assert found == []


def test_the_sweep_finds_texts() -> None:
    source = '<p title="a">b {{ c }}<kbd>d</kbd> <kbd>Esc</kbd></p>{# e #}<img alt="f">{% g %}h'
    assert Texts(source).found == ["a", "b", "", "Esc", "f", "h"]


@pytest.mark.parametrize("language", MESSAGES)
def test_every_text_of_a_template_is_a_plain_message(language: str) -> None:
    """It has no plural forms, and no values, unless it is split there to put in an element."""
    for path in TEMPLATES:
        for key in re.findall(r'text\("([^"]*)"\)(?!\.split)', path.read_text()):
            message = MESSAGES[language][key]
            assert isinstance(message, str), key
            assert "{" not in message, key
