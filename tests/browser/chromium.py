"""Finds a Chromium for the tests, or installs one. `make test` runs this.

The headless shell is preferred, and installed if possible: it opens a new page with 0.1 s of CPU time, and the full
browser needs a second more.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HEADLESS_SHELL = "chromium-headless-shell"  # name of Debian's package and of its program
NAMES = (HEADLESS_SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_SECONDS = 600


def find_chromium() -> str | None:
    """Return the path of an installed Chromium, or None."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install_headless_shell() -> str | None:
    """Install the headless shell by apt and return its path, or None if that fails. Requires root."""
    if _apt_installs(HEADLESS_SHELL) and (path := shutil.which(HEADLESS_SHELL)) and _starts(path):
        return path
    return None


def install_chromium() -> str | None:
    """Install the full Chromium by playwright or apt and return its path, or None if both fail."""
    for install in (_playwright_installs, _apt_installs):
        if install("chromium") and (path := find_chromium()) and _starts(path):
            return path
    return None


def _playwright_installs(browser: str) -> bool:
    return _succeeds([sys.executable, "-m", "playwright", "install", browser])


def _apt_installs(package: str) -> bool:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    commands = (["update"], ["install", "-y", "--no-install-recommends", package])
    return all(_succeeds(["apt-get", *command]) for command in commands)


def _succeeds(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, stdout=sys.stderr, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _starts(path: str) -> bool:
    """Check that the browser starts. A downloaded one may lack a system library."""
    return _succeeds([path, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "about:blank"])


def main() -> int:
    path = shutil.which(HEADLESS_SHELL) or install_headless_shell() or find_chromium() or install_chromium()
    if path is None:
        sys.stderr.write(
            "The browser tests need Chromium, and none could be installed: install the package chromium.\n"
        )
        return 1
    sys.stdout.write(f"The browser tests use {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
