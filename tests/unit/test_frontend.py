"""The page's pure modules under `node --test`, where there is a node. The browser tests run them in the page itself."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tests.stack import ROOT

NODE = shutil.which("node")
OLDEST = 20


def _version() -> int:
    if NODE is None:
        return 0
    said = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.removeprefix("v").split(".")[0])


@pytest.mark.skipif(_version() < OLDEST, reason=f"no node of version {OLDEST} or newer")
def test_the_pure_modules_do_what_their_tests_say() -> None:
    assert NODE
    files = sorted(str(path) for path in (ROOT / "tests" / "frontend").glob("*.test.mjs"))
    done = subprocess.run([NODE, "--test", *files], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_has_words_for_every_reason_that_the_stream_gives() -> None:
    """The stream says why there is no place now; the page says it in plainer words, by the text of the reason."""
    given = re.findall(r'BusyError\("([^"]+)"(?!, is_full)', (ROOT / "stream_service" / "subscribers.py").read_text())
    page = (ROOT / "frontend" / "scripts" / "connection.js").read_text()
    known = page.partition("const BUSY = {")[2].partition("};")[0]
    assert given
    for reason in given:
        assert f'"{reason}":' in known, reason
