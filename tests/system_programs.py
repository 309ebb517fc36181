"""Programs of the system that some tests need, installed where they can be (`make test` runs this).

A test whose program is not here is skipped, and named at the end of the run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

INSTALL_SECONDS = 600


def find_faketime() -> Path | None:
    """The library by which a test sets the clocks of the services."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def find_pgbouncer() -> Path | None:
    """A pooler, which the services must know from PostgreSQL itself."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(found) if found else None


FINDERS = {"libfaketime": find_faketime, "pgbouncer": find_pgbouncer}  # by Debian's name of the package


def install(packages: list[str]) -> None:
    """Install these by apt, as root. One who cannot is told by the tests what they did not prove."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        try:
            done = subprocess.run(["apt-get", *command], stdout=sys.stderr, timeout=INSTALL_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return
        if done.returncode != 0:
            return


def main() -> None:
    missing = [package for package, find in FINDERS.items() if find() is None]
    if missing:
        install(missing)
    for package, find in FINDERS.items():
        sys.stdout.write(f"The tests use {find() or f'no {package}: those that need it are skipped'}\n")


if __name__ == "__main__":
    main()
