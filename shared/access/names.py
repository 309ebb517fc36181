"""Names of accounts. Two names that look the same have the same key, and only one account can have that key.

A name follows RFC 8265 (UsernameCasePreserved): letters, digits and ASCII punctuation, no spaces, control characters or
invisible characters. Its key is the skeleton of UTS #39, so that nobody can take a name that people would mistake for
another, such as `admin` with a Cyrillic letter.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import NamedTuple

from precis_i18n import get_profile

MAX_NAME_LENGTH = 64
MAX_MAPPINGS = 4  # some characters need two until nothing changes
RESERVED = "stockstream"  # the database's roles, which the history shows for changes by psql, start with it
_PROFILE = get_profile("UsernameCasePreserved")


class AccountName(NamedTuple):
    """A name, and the key by which names are compared."""

    text: str
    key: str

    def is_same(self, other: str) -> bool:
        """Whether this is the other name, apart from the case. Names that only look the same are not."""
        return self.text.casefold() == other.casefold()


class InvalidNameError(ValueError):
    """This can't be a name. The text says why."""


def parse_name(text: str) -> AccountName:
    """The name in its normal form, and its key. Raises InvalidNameError."""
    try:
        name: str = _PROFILE.enforce(text) if len(text) <= MAX_NAME_LENGTH else text
    except UnicodeEncodeError:
        if not text:
            raise InvalidNameError("must not be empty") from None
        raise InvalidNameError("must not contain spaces, control characters or invisible characters") from None
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidNameError(f"must have at most {MAX_NAME_LENGTH} characters")
    key = name_key(name)
    if key.startswith(name_key(RESERVED)):
        raise InvalidNameError(f"must not start with {RESERVED}")
    return AccountName(name, key)


def name_key(name: str) -> str:
    """A key that is equal for names that differ only in case, or look the same."""
    key, former = unicodedata.normalize("NFKC", name).casefold(), ""
    for _ in range(MAX_MAPPINGS):
        if key == former:
            break
        former = key
        key = "".join(map(_prototype, unicodedata.normalize("NFD", key))).casefold()
    return unicodedata.normalize("NFD", key)


@functools.lru_cache(maxsize=4096)
def _prototype(character: str) -> str:
    """The character, or the characters, that stand for all that look like this one."""
    from confusable_homoglyphs.confusables import confusables_data  # a table of a megabyte

    similar: list[str] = [entry["c"] for entry in confusables_data.get(character, ())]
    if len(similar) != 1:
        return character  # a prototype itself, or unlike any other
    (other,) = similar
    is_pair = [entry["c"] for entry in confusables_data.get(other, ())] == [character]
    return min(character, other) if is_pair else other
