"""libfaketime, by which a test sets the clocks of the services: installed where it can be (`make test` runs this)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

INSTALL_SECONDS = 600
INSTALL = (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "libfaketime"])


def find_faketime() -> Path | None:
    """The library to preload, if it is on this machine."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def install_faketime() -> None:
    """Install it by apt, as root. One who cannot is told by the tests what they did not prove."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    for command in INSTALL:
        try:
            done = subprocess.run(command, stdout=sys.stderr, timeout=INSTALL_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return
        if done.returncode != 0:
            return


if __name__ == "__main__":
    if find_faketime() is None:
        install_faketime()
    sys.stdout.write(f"The tests of clocks use {find_faketime() or 'no libfaketime and are skipped'}\n")
