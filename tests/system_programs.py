"""Finds and installs the system programs that some tests need. `make test` runs this.

Tests whose program is missing are skipped and listed at the end of the run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

INSTALL_SECONDS = 600


def find_faketime() -> Path | None:
    """Return the path of libfaketime, which changes the clock of a process, or None."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def find_pgbouncer() -> Path | None:
    """Return the path of pgbouncer, or None."""
    return _find("pgbouncer")


def find_broker() -> Path | None:
    """Return the path of a server that speaks the protocol of Redis, or None."""
    return _find("valkey-server") or _find("redis-server")


def _find(program: str) -> Path | None:
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(found) if found else None


# By name of the Debian package.
FINDERS = {"libfaketime": find_faketime, "pgbouncer": find_pgbouncer, "redis-server": find_broker}


def install(packages: list[str]) -> None:
    """Install packages by apt if possible. If not, the tests that need them are skipped."""
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
