"""Words that occur nowhere else. Whoever finds one in an answer was shown something of where the word is used."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from tests.acceptance.rights.model import contains

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from tests.acceptance.rights.model import Scope

LETTERS = "abcdefghijklmnop"  # no digits, which sort keys change, and no capitals, which search does not see
WORD = re.compile(f"zq[{LETTERS}]{{10}}")


class Words:
    """All words, and the locations where each is used."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._locations: defaultdict[str, set[int]] = defaultdict(set)

    def new(self) -> str:
        """A word that is used nowhere yet."""
        return "zq" + "".join(self._rng.choices(LETTERS, k=10))

    def place(self, text: str, location: int) -> None:
        """Note that the words of this text are used at a location. Those who may see it may always see them."""
        for word in WORD.findall(text):
            self._locations[word].add(location)

    def draw(self) -> str:
        """A word that is or was used somewhere."""
        return self._rng.choice(list(self._locations))

    def leaked(self, received: str, scopes: Iterable[Scope], sent: str = "") -> list[str]:
        """The words that somebody received who may see none of the locations where they are used.

        Words that they have sent themselves do not count.
        """
        found = sorted(set(WORD.findall(received)) - set(WORD.findall(sent)))
        scopes = list(scopes)
        return [
            word
            for word in found
            if not any(
                scope is None or any(contains(scope, location) for location in self._locations.get(word, ()))
                for scope in scopes
            )
        ]
