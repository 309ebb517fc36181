"""A Chromium for the tests: the machine's own, else playwright's, else one installed now (`make test` runs this)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_SECONDS = 600


def find_chromium() -> str | None:
    """The path of a Chromium that is on this machine."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install_chromium() -> str | None:
    """Install one and return its path; None when no way worked."""
    ways = [[[sys.executable, "-m", "playwright", "install", "chromium"]]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        ways.append([["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]])
    for commands in ways:
        if all(_succeeds(command) for command in commands) and (path := find_chromium()) and _starts(path):
            return path
    return None


def _succeeds(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, stdout=sys.stderr, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _starts(path: str) -> bool:
    """A downloaded browser may lack a system library."""
    return _succeeds([path, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "about:blank"])


def main() -> int:
    path = find_chromium() or install_chromium()
    if path is None:
        sys.stderr.write(
            "The browser tests need Chromium, and none could be installed: install the package chromium.\n"
        )
        return 1
    sys.stdout.write(f"The browser tests use {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
