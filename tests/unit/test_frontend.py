"""Runs the tests of the frontend's pure modules with `node --test`, if Node.js is installed."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tests.stack import ROOT

NODE = shutil.which("node")
MIN_NODE_VERSION = 20


def _version() -> int:
    if NODE is None:
        return 0
    said = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.removeprefix("v").split(".")[0])


@pytest.mark.skipif(_version() < MIN_NODE_VERSION, reason=f"no node of version {MIN_NODE_VERSION} or newer")
def test_the_tests_of_the_pure_modules_pass() -> None:
    assert NODE
    files = sorted(str(path) for path in (ROOT / "tests" / "frontend").glob("*.test.mjs"))
    done = subprocess.run([NODE, "--test", *files], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_has_a_message_for_every_reason_of_the_stream() -> None:
    """The page maps the text of each `busy` reason of the stream to a message."""
    given = re.findall(r'BusyError\("([^"]+)"(?!, is_full)', (ROOT / "stream_service" / "subscribers.py").read_text())
    page = (ROOT / "frontend" / "scripts" / "state" / "connection.js").read_text()
    known = page.partition("const BUSY = {")[2].partition("};")[0]
    assert given
    for reason in given:
        assert f'"{reason}":' in known, reason
