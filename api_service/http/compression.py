"""Compresses what the pages load, as the browser accepts it."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import brotli
from quart import request

if TYPE_CHECKING:
    from collections.abc import Callable

FAST = 5  # for what is compressed again for each request
BEST = 11  # takes 50 times as long, for what is kept

_COMPRESSIONS: dict[str, Callable[[bytes, int], bytes]] = {  # best first
    "br": lambda content, quality: brotli.compress(content, quality=quality),
    "gzip": lambda content, quality: gzip.compress(content, compresslevel=min(quality, 9), mtime=0),
}


def accepted_encoding() -> str | None:
    """The best compression that the client of the current request accepts; None if it accepts none."""
    return next((encoding for encoding in _COMPRESSIONS if request.accept_encodings[encoding]), None)


def compress(content: bytes, encoding: str | None, quality: int = FAST) -> bytes:
    """The content in this encoding."""
    return content if encoding is None else _COMPRESSIONS[encoding](content, quality)


def encoding_headers(encoding: str | None) -> dict[str, str]:
    """The headers of an answer in this encoding. Caches must know that the answer depends on what is accepted."""
    return {"Vary": "Accept-Encoding"} | ({} if encoding is None else {"Content-Encoding": encoding})
