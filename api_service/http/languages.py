"""The languages of the pages: their texts, and which of them a reader gets.

Each file in frontend/messages is a language. The scripts read the same file: see frontend/scripts/state/messages.js.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from quart import current_app, request

if TYPE_CHECKING:
    from pathlib import Path

    from quart import Quart

COOKIE = "language"  # set by the page's switch
DEFAULT = "en"

_EXTENSION = "languages"  # among the app's extensions
_OWN_NAME = "language.name"  # key of what a language calls itself


class Languages:
    """The texts of the pages by language and key, as they were when the service started."""

    def __init__(self, folder: Path) -> None:
        self._texts = {path.stem: json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))}
        self.names: dict[str, str] = {language: texts[_OWN_NAME] for language, texts in self._texts.items()}

    def choose(self) -> str:
        """The language for the current request: the one chosen on the page, else the browser's, else English."""
        accepted = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality > 0)
        wanted = [request.cookies.get(COOKIE), *accepted]
        return next((language for language in wanted if language in self._texts), DEFAULT)

    def text(self, language: str, key: str) -> str:
        """The text with this key. Raises KeyError if there is none, or if it has plural forms."""
        text = self._texts[language][key]
        if not isinstance(text, str):
            raise KeyError(key)
        return text


def provide_languages(app: Quart, folder: Path) -> None:
    """Make the files of this folder the app's languages."""
    app.extensions[_EXTENSION] = Languages(folder)


def languages() -> Languages:
    """The languages of the current app."""
    found: Languages = current_app.extensions[_EXTENSION]
    return found
