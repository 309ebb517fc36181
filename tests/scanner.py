"""Reads QR codes and bar codes, as a scanner does: with a library that shares nothing with those that drew them."""

from __future__ import annotations

import re
from typing import NamedTuple

import zxingcpp

QR, BARS = "QR Code", "Code 128"
PIXELS = 4  # of a module
BAR_PIXELS = 40  # height of a bar
_RUN = re.compile(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z")


class Scanned(NamedTuple):
    kind: str
    text: str


def scan(pixels: bytes, *, height: int, stride: int, is_pure: bool = False) -> list[Scanned]:
    """The symbols of an image in shades of grey, a byte for each pixel and ``stride`` bytes for each row.

    A pure image shows one symbol and nothing else, so that it need not be searched.
    """
    image = memoryview(pixels).cast("B", shape=[height, stride])
    return sorted(Scanned(str(found.format), found.text) for found in zxingcpp.read_barcodes(image, is_pure=is_pure))


def scan_path(width: int, height: int, path: str, *, margin: int) -> list[Scanned]:
    """The symbols that this SVG path shows, with a light margin of so many modules."""
    assert _RUN.sub("", path) == ""
    rows = [bytearray(b"\xff" * (width + 2 * margin)) for _ in range(height + 2 * margin)]
    for x, y, length, back in (map(int, run) for run in _RUN.findall(path)):
        assert length == back
        assert x + length <= width
        rows[margin + y][margin + x : margin + x + length] = bytes(length)
    tall = PIXELS if height > 1 else BAR_PIXELS
    pixels = b"".join(bytes(module for module in row for _ in range(PIXELS)) * tall for row in rows)
    return scan(pixels, height=tall * len(rows), stride=PIXELS * len(rows[0]), is_pure=True)
