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


def shorten(suffix: str, text: str) -> str:
    """The text of a file with this suffix, with one space or one line break for each run of spaces and comments.

    Whether there is a line break matters in scripts: it can end a statement.
    """
    runs = groupby(_lexer(suffix).get_tokens(text), key=_is_space)
    return "".join(_shorten_run("".join(part for _, part in tokens), is_space=is_space) for is_space, tokens in runs)


def _is_space(token: tuple[_TokenType, str]) -> bool:
    kind, _ = token
    return kind in Whitespace or (kind in Comment and kind not in Comment.Preproc)  # such as `!important`


def _shorten_run(text: str, *, is_space: bool) -> str:
    if not is_space:
        return text
    return "\n" if "\n" in text else " "


@cache
def _lexer(suffix: str) -> Lexer:
    return get_lexer_for_filename(f"file{suffix}", stripnl=False, ensurenl=False)
