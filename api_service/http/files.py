"""The files of the pages: scripts, styles and icons. Each has the version of all of them in its address.

So a browser keeps a file for ever, a page never mixes files of two versions, and nothing is asked for twice.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from quart import current_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from quart import Quart

_NAME = "files"  # among the app's extensions
_SERVED = {".css", ".js", ".json", ".svg", ".png"}
_NOT_SERVED = {"package.json"}  # tells Node.js that the scripts are modules
_VERSION_DIGITS = 16
_IMPORT = re.compile(r'^(?:import|export)\b[^;"]*"(\.[^"]+)";', re.MULTILINE)


class File(NamedTuple):
    """A file of the pages."""

    content_type: str
    content: bytes
    compressed: bytes  # with gzip


class Files:
    """The files of this folder, as they were when the service started."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.relative_to(folder).as_posix(): _read(path) for path in sorted(_served(folder))}
        digest = hashlib.sha256()
        for name, file in self._files.items():
            digest.update(b"%s\0%d\0%s" % (name.encode(), len(file.content), file.content))
        self.version = digest.hexdigest()[:_VERSION_DIGITS]

    @property
    def address(self) -> str:
        """The address of the folder."""
        return f"/static/{self.version}"

    def find(self, version: str, name: str) -> File | None:
        """The file with this name, if this is the version of it."""
        return self._files.get(name) if version == self.version else None

    def modules(self, entry: str) -> list[str]:
        """The names of a script and of all modules that it imports, for a page to load them at once."""
        found = [entry]
        for name in found:
            text = self._files[name].content.decode()
            for imported in _IMPORT.findall(text):
                module = posixpath.normpath(posixpath.join(posixpath.dirname(name), imported))
                if module not in found:
                    found.append(module)
        return found


def _served(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix in _SERVED and path.name not in _NOT_SERVED)


def _read(path: Path) -> File:
    content = path.read_bytes()
    content_type, _ = mimetypes.guess_type(path.name)
    assert content_type is not None  # noqa: S101 - every served suffix has one
    is_text = content_type.startswith("text/")
    return File(f"{content_type}; charset=utf-8" if is_text else content_type, content, gzip.compress(content, mtime=0))


def provide_files(app: Quart, folder: Path) -> None:
    """Make this the folder of the app's files."""
    app.extensions[_NAME] = Files(folder)


def files() -> Files:
    """The files of the current app."""
    found: Files = current_app.extensions[_NAME]
    return found
