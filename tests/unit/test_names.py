"""Names of accounts: which are allowed, and which look the same."""

from __future__ import annotations

import hashlib
import sys
import unicodedata

import pytest

from shared.access.names import InvalidNameError, name_key, parse_name


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("admin", "ADMIN"),
        ("admin", "\u0430dmin"),  # Cyrillic
        ("admin", "\u0430dm\u0456n"),
        ("admin", "adm\u0131n"),  # without a dot
        ("admin", "\uff41dmin"),  # full width
        ("Zo\u00eb", "zoe\u0308"),
        ("stra\u00dfe", "STRASSE"),
        ("modem", "rnodern"),
        ("l0ng", "1ong"),
        ("\u03c3\u03b1\u03c2", "\u03c3\u03b1\u03c3"),
    ],
)
def test_names_that_look_the_same_have_the_same_key(name: str, twin: str) -> None:
    assert name_key(name) == name_key(twin)


@pytest.mark.parametrize(("name", "other"), [("ann", "anna"), ("bob", "rob"), ("zoe", "zo\u00eb"), ("ian", "lan")])
def test_other_names_have_other_keys(name: str, other: str) -> None:
    assert name_key(name) != name_key(other)


@pytest.mark.parametrize("name", ["ann", "Ann.Lee", "o'neil", "ann@example.org", "\u7ba1\u7406", "x" * 64])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert parse_name(name).text == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "a\tb", "a\u00a0b", "a\u200bb", "a\u202eb", "a\u00adb", "a\0b", "x" * 65, "Stockstream_api"],
)
def test_names_that_would_confuse_people_are_refused(name: str) -> None:
    with pytest.raises(InvalidNameError, match="must"):
        parse_name(name)


def test_keys_in_the_database_are_those_of_this_version() -> None:
    """Keys are stored, so a library whose tables differ would lock people out. It needs a migration of the keys.

    Characters that are new in another version of Unicode don't count: nobody has a name with them.
    """
    assigned = (
        chr(code) for code in range(0x20, 0x2000) if unicodedata.category(chr(code))[0] in "LMNP" and code not in NEWER
    )
    keys = "".join(name_key(character) for character in assigned)
    assert hashlib.sha256(keys.encode()).hexdigest()[:16] == KEYS, sys.version


NEWER = {0x0897, 0x0CF3, 0x0ECE, 0x1C89, 0x1C8A}  # added by Unicode 15 and 16
KEYS = "8055fe0dcc6ec3b1"
