"""A Chromium for the tests: the machine's own, else playwright's, else one installed now (`make test` runs this).

The headless shell is Chromium without a window's frame. It is preferred, and installed where it can be, because a new
page costs it 0.1 s of CPU time, and the whole browser a second more.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HEADLESS_SHELL = "chromium-headless-shell"  # Debian's package, and its program
NAMES = (HEADLESS_SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_SECONDS = 600


def find_chromium() -> str | None:
    """The path of a Chromium that is on this machine."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install_headless_shell() -> str | None:
    """Install it by apt, as root, and return its path; None when that did not work."""
    if _apt_installs(HEADLESS_SHELL) and (path := shutil.which(HEADLESS_SHELL)) and _starts(path):
        return path
    return None


def install_chromium() -> str | None:
    """Install a whole Chromium and return its path; None when no way worked."""
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
    """A downloaded browser may lack a system library."""
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
