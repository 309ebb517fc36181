"""Removes comments and indentation from scripts and styles, which browsers don't need."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Whitespace

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

SHORTENED = {".js", ".css"}

# In a script, spaces and line breaks mean nothing after the first of these, and before the second.
_OPENING = {".js": tuple("{([,;"), ".css": ()}
_CLOSING = {".js": tuple("})],;"), ".css": ()}


def shorten(suffix: str, text: str) -> str:
    """The text of a file with this suffix, with at most one character for each run of spaces and comments.

    That is a line break if the run has one, which can end a statement of a script.
    """
    runs = groupby(_lexer(suffix).get_tokens(text), key=_is_space)
    texts = [(is_space, "".join(part for _, part in tokens)) for is_space, tokens in runs]
    parts = [""]
    for (is_space, run), (_, following) in zip(texts, [*texts[1:], (False, "")], strict=True):
        if not is_space:
            parts.append(run)
        elif not parts[-1].endswith(_OPENING[suffix]) and not following.startswith(_CLOSING[suffix]):
            parts.append("\n" if "\n" in run else " ")
    return "".join(parts)


def _is_space(token: tuple[_TokenType, str]) -> bool:
    kind, _ = token
    return kind in Whitespace or (kind in Comment and kind not in Comment.Preproc)  # such as `!important`


@cache
def _lexer(suffix: str) -> Lexer:
    return get_lexer_for_filename(f"file{suffix}", stripnl=False, ensurenl=False)
