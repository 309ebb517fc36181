"""The page searches and sorts exactly as the server does."""

# ruff: noqa: RUF001 - these tests need look-alike letters

from __future__ import annotations

import csv
import json
import random
import re
import unicodedata
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.stack import ROOT

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard
    from tests.stack import Stack

SEARCH_CASES = json.loads((ROOT / "tests/search_cases.json").read_text())
ORDER_CASES = json.loads((ROOT / "tests/order_cases.json").read_text())
COUNT = re.compile(r": (\d+) items?$")
ALPHABET = "aAzZ019 .-%_'\"ßøŁđþæŒıİIΣσς\u0301\u0308\u3099\u200b×–″½²ﬁㄱ각がガहिन्\ue000\ufffdé📦𝄞𐐀\ufdfa"
QUERIES = [
    *["lodz", "ŁÓDŹ", "strasse", "weisswurst", "ø", "d", "th", "ae", "OE", "i", "ı", "İ", "Σ", "ς", "ह", "हि", "か"],
    *["m6 x 20", "m6 × 20", '3"', "o'brien", "%", "_", "\\", " ", "  bolt ", "\u00a0", "\u200b", "no such", "bolt 1"],
    *["a" * 200, "a" * 201, "a" * 200 + " b", "\ufdfa" * 200, "📦" * 200],
]
FOLD = """async (texts) => {
    const { fold } = await import(new URL("state/search.js", document.querySelector("[type=module]").src));
    return JSON.stringify(JSON.parse(texts).map((text) => [fold(text), fold(fold(text)), !/\\p{Cn}/u.test(text)]));
}"""
KEYS = """async (texts) => {
    const { fold } = await import(new URL("state/search.js", document.querySelector("[type=module]").src));
    const { naturalKey } = await import(new URL("state/order.js", document.querySelector("[type=module]").src));
    return JSON.stringify(JSON.parse(texts).map((text) => naturalKey(fold(text))));
}"""
MATCH = """async (cases) => {
    const { matcher } = await import(new URL("state/search.js", document.querySelector("[type=module]").src));
    return cases.map(([name, query]) => matcher(query)({ name }));
}"""
ORDERED = """async (sort) => {
    const { store } = await import(new URL("main.js", document.querySelector("[type=module]").src));
    const { currentItems } = await import(new URL("state/stock.js", document.querySelector("[type=module]").src));
    const { createOrder } = await import(new URL("state/order.js", document.querySelector("[type=module]").src));
    return createOrder().update(currentItems(store.state.stock), sort, "").all.map(({ id }) => id);
}"""


def send(stack: Stack, texts: list[str]) -> None:
    """Load texts into the table `given (text, place)`. Uses COPY, since they are too long for a command line."""
    stack.sql("CREATE TABLE sent (hex text)")
    done = stack.server.psql(stack.database, "COPY sent FROM STDIN", stdin=json.dumps(texts).encode().hex() + "\n")
    assert done.returncode == 0, done.stderr
    stack.sql(
        "DROP TABLE IF EXISTS given; CREATE TABLE given AS SELECT text, place FROM sent,"
        " json_array_elements_text(convert_from(decode(hex, 'hex'), 'UTF8')::json) WITH ORDINALITY AS e (text, place);"
        " DROP TABLE sent"
    )


def in_database(stack: Stack, expression: str, texts: list[str]) -> list[str | None]:
    """Evaluate an SQL expression for each `text`. The result is hex-encoded, since psql prints line ends unescaped."""
    send(stack, texts)
    rows = stack.sql(
        f"SELECT encode(convert_to(json_agg({expression} ORDER BY place)::text, 'UTF8'), 'hex') FROM given"
    )
    found: list[str | None] = json.loads(bytes.fromhex(rows[0][0]))
    return found


def in_page(dashboard: Dashboard, script: str, texts: list[str]) -> list[Any]:
    """Run a script on the texts in the page. Passes JSON, which playwright handles faster than a list."""
    found: list[Any] = json.loads(dashboard.page.evaluate(script, json.dumps(texts)))
    return found


def add(stack: Stack, names: list[str]) -> None:
    send(stack, names)
    stack.sql("INSERT INTO inventory (name, quantity) SELECT text, length(text) % 3 FROM given ORDER BY place")


def random_texts(seed: int, count: int) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choices(ALPHABET, k=chance.randint(1, 60))) for _ in range(count)]


def test_the_page_finds_what_the_table_of_cases_says(dashboard: Dashboard) -> None:
    dashboard.open()
    found = dashboard.page.evaluate(MATCH, SEARCH_CASES)
    assert [[*case[:2], answer] for case, answer in zip(SEARCH_CASES, found, strict=True)] == SEARCH_CASES


def test_every_character_is_folded_as_in_the_database(dashboard: Dashboard) -> None:
    """Compares the characters that Python, PostgreSQL and Chromium all know.

    Unicode guarantees that normalization and lower case of an assigned character never change, so their Unicode
    versions may differ.
    """
    dashboard.open()
    texts = [chr(code) for code in range(1, 0x110000) if unicodedata.category(chr(code)) not in {"Cn", "Co", "Cs"}]
    in_table = in_database(dashboard.stack, "CASE WHEN unicode_assigned(text) THEN fold_text(text) END", texts)
    compared = 0
    for text, there, (here, again, is_known) in zip(texts, in_table, in_page(dashboard, FOLD, texts), strict=True):
        if there is None or not is_known:
            continue
        compared += 1
        assert there == here == again, f"U+{ord(text):04X}"
    assert compared > 140_000


def test_texts_are_folded_and_ordered_as_in_the_database(dashboard: Dashboard) -> None:
    dashboard.open()
    texts = random_texts(1, 3_000) + ["9" * length for length in (1, 19, 20, 21, 200)] + ["0" * 30, "1a" * 100]
    expected = in_database(dashboard.stack, "natural_key(fold_text(text))", texts)
    for text, there, here in zip(texts, expected, in_page(dashboard, KEYS, texts), strict=True):
        assert there == here, text


@pytest.mark.parametrize("sort", ["name", "-name", "quantity", "-quantity", "updated_at", "-updated_at"])
def test_the_page_has_the_order_of_the_api(dashboard: Dashboard, sort: str) -> None:
    texts = [text for text in random_texts(2, 500) if text.strip()]
    add(dashboard.stack, [f"item {n % 40} {'x' * (n % 3)}" for n in range(200)] + texts + ORDER_CASES[::-1])
    dashboard.stack.sql("UPDATE inventory SET code = 'Ä' || (id * 7919 % 1009) WHERE id % 3 = 0")
    dashboard.open()
    dashboard.equals_the_table()
    listed = dashboard.page.request.get(f"{dashboard.stack.api_url}/api/inventories", params={"sort": sort}).json()
    assert dashboard.page.evaluate(ORDERED, sort) == [item["id"] for item in listed]


def test_the_listed_items_are_exported(dashboard: Dashboard) -> None:
    names = [*dict.fromkeys(name for name, _, _ in SEARCH_CASES), "a" * 200, "a" * 199, "\ufdfa" * 200]
    add(dashboard.stack, names)
    dashboard.page.set_viewport_size({"width": 1280, "height": 12_000})  # high enough to render every row
    dashboard.open()
    for query in QUERIES:
        dashboard.page.get_by_label("Search or scan").evaluate(
            "(box, text) => { box.value = text; box.dispatchEvent(new Event('input')); }", query
        )
        dashboard.next_frame()
        dashboard.next_frame()
        menu = dashboard.open_menu()
        link = menu.get_by_role("link", name="Export").first  # of what is shown, if that is not all
        number = COUNT.search(link.inner_text())
        exported = dashboard.page.request.get(link.evaluate("link => link.href"))
        dashboard.page.keyboard.press("Escape")
        expect(menu).to_be_hidden()
        assert exported.ok, query
        assert listed(dashboard) == sorted(exported_ids(exported.text())), query
        assert number, query
        assert int(number[1]) == len(dashboard.items()), query


def test_a_search_in_the_url_finds_the_same_items_as_the_api(dashboard: Dashboard) -> None:
    add(dashboard.stack, ["Łódź cable", "a b", "ab"])
    for query in ("lodz", " ", " b ", "\u200b"):
        found = dashboard.page.request.get(f"{dashboard.stack.api_url}/api/inventories", params={"q": query}).json()
        dashboard.page.goto(f"{dashboard.stack.api_url}/?{urlencode({'q': query})}")
        dashboard.is_now("Live")
        expect(dashboard.page.locator(".stock-row")).to_have_count(len(found))
        assert listed(dashboard) == sorted(item["id"] for item in found)


def listed(dashboard: Dashboard) -> list[int]:
    return sorted(item.id for item in dashboard.items())


def exported_ids(text: str) -> list[int]:
    rows: list[dict[str, Any]] = list(csv.DictReader(text.removeprefix("\ufeff").splitlines()))
    return [int(row["id"]) for row in rows]
