"""QR codes and Code 128 bar codes, as paths for SVG."""

from __future__ import annotations

import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import segno
from barcode.codex import Code128

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from api_service.limits import Limit

    Drawn = TypeVar("Drawn")

# One thread, so that one answer is drawn at a time even if those who wait for it are gone.
_THREAD: Final = ThreadPoolExecutor(1, "symbols")


class Symbol(NamedTuple):
    """The dark modules of a symbol, each of size 1, as the `d` of an SVG path. The margin is not part of it."""

    width: int
    height: int
    path: str


class _Code128(Code128):  # type: ignore[misc]  # the library has no types
    """Code 128 without a flaw of python-barcode 0.16 (its issue 251, mended after that release).

    The number of the digits 99 is also that of a switch to digits. If they come first, the library takes them for a
    switch that can be left out, and the bars lack them.
    """

    def _try_to_optimize(self, encoded: list[int]) -> Any:
        return encoded if self.code.startswith("99") else super()._try_to_optimize(encoded)


async def draw(limit: Limit, work: Callable[[], Drawn]) -> Drawn:
    """Do this work in the thread for symbols: a QR code takes 2 to 30 ms of a core. Raises BusyError."""
    async with limit.slot():
        return await asyncio.get_running_loop().run_in_executor(_THREAD, work)


def qr_code(text: str) -> Symbol:
    """A QR code with this text in UTF-8. It can still be read if 15 % of it are dirty.

    Beyond ASCII the mode must be stated: segno takes some words in UTF-8 for Kanji, and readers then show other words.
    """
    mode = None if text.isascii() else "byte"
    return _symbol(segno.make_qr(text, error="m", mode=mode, encoding="utf-8").matrix)


def code_128(text: str) -> Symbol | None:
    """A bar code with this text; None unless it is printable ASCII, as scanners that act as keyboards need."""
    if not (text.isascii() and text.isprintable()):
        return None
    (modules,) = _Code128(text).build()
    return _symbol([[int(module) for module in modules]])


def _symbol(rows: Iterable[Iterable[int]]) -> Symbol:
    """A symbol with these rows of light (0) and dark (1) modules. Dark ones side by side are one rectangle."""
    modules = [list(row) for row in rows]
    parts = []
    for y, row in enumerate(modules):
        x = 0
        for is_dark, run in itertools.groupby(row):
            length = len(list(run))
            if is_dark:
                parts.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return Symbol(len(modules[0]), len(modules), "".join(parts))
