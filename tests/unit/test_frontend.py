"""The page's pure modules under `node --test`, where there is a node. The browser tests run them in the page itself."""

from __future__ import annotations

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
