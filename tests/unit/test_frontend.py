"""Runs the tests of the frontend's pure modules with `node --test`, if Node.js is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from api_service.http.files import Files
from tests.stack import ROOT

if TYPE_CHECKING:
    from pathlib import Path

NODE = shutil.which("node")
MIN_NODE_VERSION = 20


def _version() -> int:
    if NODE is None:
        return 0
    said = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.removeprefix("v").split(".")[0])


needs_node = pytest.mark.skipif(_version() < MIN_NODE_VERSION, reason=f"no node of version {MIN_NODE_VERSION} or newer")


@needs_node
def test_the_tests_of_the_pure_modules_pass() -> None:
    assert NODE
    files = sorted(str(path) for path in (ROOT / "tests" / "frontend").glob("*.test.mjs"))
    done = subprocess.run([NODE, "--test", *files], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_node
def test_shortened_scripts_mean_the_same(tmp_path: Path) -> None:
    """Comments and indentation are not sent. What is sent has the syntax tree of the source."""
    files = Files(ROOT / "frontend")
    pairs = []
    for path in (ROOT / "frontend").rglob("*.js"):
        name = path.relative_to(ROOT / "frontend").as_posix()
        file = files.find(files.version, name)
        assert file
        assert len(file.content) < len(file.source)
        sent = tmp_path / name.replace("/", "-")
        sent.write_bytes(file.content)
        pairs += [str(path), str(sent)]
    assert len(pairs) > 200
    assert NODE
    compare = [NODE, "--expose-internals", str(ROOT / "tests" / "frontend" / "same_syntax.cjs"), *pairs]
    done = subprocess.run(compare, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_has_a_message_for_every_reason_of_the_stream() -> None:
    """The page maps the text of each `busy` reason of the stream to a message."""
    given = re.findall(r'BusyError\("([^"]+)"(?!, is_full)', (ROOT / "stream_service" / "subscribers.py").read_text())
    page = (ROOT / "frontend" / "scripts" / "state" / "connection.js").read_text()
    known = page.partition("const BUSY = {")[2].partition("};")[0]
    assert given
    for reason in given:
        assert f'"{reason}":' in known, reason
