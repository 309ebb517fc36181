"""The files of the pages: scripts, styles, texts and icons. Each has the version of all of them in its address.

So a browser keeps a file for ever, a page never mixes files of two versions, and nothing is asked for twice. Comments
and indentation of scripts and styles are not sent.
"""

from __future__ import annotations

import hashlib
import mimetypes
import posixpath
import re
from functools import cached_property
from typing import TYPE_CHECKING

from quart import current_app

from api_service.http.compression import BEST, compress
from api_service.http.shortening import SHORTENED, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from quart import Quart

_NAME = "files"  # among the app's extensions
_SERVED = {".css", ".js", ".json", ".svg", ".png"}
_NOT_SERVED = {"package.json"}  # tells Node.js that the scripts are modules
_VERSION_DIGITS = 16
_IMPORT = re.compile(r'^(?:import|export)\b[^;"]*"(\.[^"]+)";', re.MULTILINE)


class File:
    """A file of the pages. What is sent of it is made when it is first asked for, since that takes a while."""

    def __init__(self, path: Path) -> None:
        self._suffix = path.suffix
        self.source = path.read_bytes()
        content_type, _ = mimetypes.guess_type(path.name)
        assert content_type is not None  # noqa: S101 - every served suffix has one
        self.content_type = f"{content_type}; charset=utf-8" if content_type.startswith("text/") else content_type
        self._encoded: dict[str | None, bytes] = {}

    @cached_property
    def content(self) -> bytes:
        """The source, without comments and indentation."""
        if self._suffix not in SHORTENED:
            return self.source
        return shorten(self._suffix, self.source.decode()).encode()

    def encoded(self, encoding: str | None) -> bytes:
        """The content in this encoding."""
        if encoding not in self._encoded:
            self._encoded[encoding] = compress(self.content, encoding, BEST)
        return self._encoded[encoding]


class Files:
    """The files of this folder, as they were when the service started."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.relative_to(folder).as_posix(): File(path) for path in sorted(_served(folder))}
        self._imports = {
            name: _imports(name, file.source.decode()) for name, file in self._files.items() if name.endswith(".js")
        }
        digest = hashlib.sha256()
        for name, file in self._files.items():
            digest.update(b"%s\0%d\0%s" % (name.encode(), len(file.source), file.source))
        self.version = digest.hexdigest()[:_VERSION_DIGITS]

    @property
    def address(self) -> str:
        """The address of the folder."""
        return f"/static/{self.version}"

    def find(self, version: str, name: str) -> File | None:
        """The file with this name, if this is the version of it."""
        return self._files.get(name) if version == self.version else None

    def current(self, name: str) -> File:
        """The file with this name."""
        return self._files[name]

    def modules(self, *entries: str) -> list[str]:
        """The names of these scripts and of all modules that they import, for a page to load them at once."""
        found = list(entries)
        for name in found:
            found.extend(module for module in self._imports[name] if module not in found)
        return found


def _served(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix in _SERVED and path.name not in _NOT_SERVED)


def _imports(name: str, script: str) -> list[str]:
    """The names of the modules that a script imports, each once."""
    folder = posixpath.dirname(name)
    return list(dict.fromkeys(posixpath.normpath(posixpath.join(folder, module)) for module in _IMPORT.findall(script)))


def provide_files(app: Quart, folder: Path) -> None:
    """Make this the folder of the app's files."""
    app.extensions[_NAME] = Files(folder)


def files() -> Files:
    """The files of the current app."""
    found: Files = current_app.extensions[_NAME]
    return found
