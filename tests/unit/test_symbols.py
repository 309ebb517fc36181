"""QR codes and bar codes hold the text that they were made of, whatever it is."""

from __future__ import annotations

import random
import string

import pytest

from api_service.symbols import Symbol, code_128, qr_code
from shared.log.fields import ItemFields
from tests.scanner import BARS, QR, Scanned, scan_path

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
QR_MARGIN, BAR_MARGIN = 4, 10


def read_bars(text: str) -> list[Scanned]:
    symbol = code_128(text)
    assert symbol is not None, text
    assert symbol.height == 1
    return scan_path(*symbol, margin=BAR_MARGIN)


def read_qr(symbol: Symbol) -> list[Scanned]:
    assert symbol.width == symbol.height
    return scan_path(*symbol, margin=QR_MARGIN)


def random_codes(seed: int, count: int) -> list[str]:
    """Random codes in which runs of digits, which have signs of their own in Code 128, are frequent."""
    randomness = random.Random(seed)
    alphabets = (string.digits, string.digits + "A", string.ascii_letters + string.digits * 9, PRINTABLE)
    codes = (
        "".join(randomness.choices(randomness.choice(alphabets), k=randomness.randint(1, 40))) for _ in range(count)
    )
    return [code.strip() or "x" for code in codes]


@pytest.mark.parametrize("rest", ["", "0", "12", "1234567", "AB", "A1234", "9999"])
def test_bars_can_be_scanned_whichever_digits_they_begin_with(rest: str) -> None:
    for number in range(100):
        code = f"{number:02d}{rest}"
        assert read_bars(code) == [(BARS, code)]


def test_bars_hold_every_printable_character_of_ascii() -> None:
    for character in PRINTABLE.strip():
        for code in (character, f"{character}1", f"1{character}", f"1234{character}5678", f"a{character}1234"):
            assert read_bars(code) == [(BARS, code)]


def test_bars_hold_random_codes() -> None:
    for code in random_codes(seed=7, count=200):
        assert read_bars(code) == [(BARS, code)]


@pytest.mark.parametrize("code", ["Ä", "a\N{NO-BREAK SPACE}b", "螺丝", "\N{ARABIC-INDIC DIGIT ONE}2", "a\tb", "ñ1234"])
def test_a_code_beyond_printable_ascii_has_no_bars(code: str) -> None:
    assert code_128(code) is None


LONGEST = 100  # characters of a code


@pytest.mark.parametrize(
    "text",
    [
        *("7", "PJ-2500", "pj-2500", "4006381333931", "http://127.0.0.1:8000/?item=7"),
        *("Ärmel", "ä", "ß€", "Ω 4", "螺丝-12", "ネジ", "ﾈｼﾞ", "رمز-3", "שלום", "é" * 9, "\N{GRINNING FACE}"),
        *(letter * LONGEST for letter in ("9", "A", "x", "ä", "ж", "螺", "\N{GRINNING FACE}")),
    ],
)
def test_a_qr_code_holds_any_code(text: str) -> None:
    assert ItemFields(name="x", quantity=1, code=text).code == text
    assert read_qr(qr_code(text)) == [(QR, text)]


# Letters of Latin, Greek, Cyrillic, Hebrew, Arabic, Japanese, Chinese and Korean, and smileys.
SCRIPTS = ["Àÿ", "Āſ", "αω", "Ѐѿ", "את", "ؠي", "ぁゖ", "ァヺ", "ｦﾝ", "一龥", "가힣", "\U0001f600\U0001f64f"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_qr_code_holds_random_words_of_any_script(script: str) -> None:
    """Some words in UTF-8 look like words in another encoding."""
    randomness = random.Random(script)
    first, last = map(ord, script)
    for _ in range(20):
        letters = [chr(randomness.randint(first, last)) for _ in range(randomness.randint(1, 8))]
        word = "".join(randomness.sample([*letters, "a", "B", "1", "-"], len(letters))) or letters[0]
        assert read_qr(qr_code(word)) == [(QR, word)]
