"""The PostgreSQL that `make run` starts: where it is reached."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

DATABASE = "stockstream"
OWNER = "stockstream"


def embedded_url(data_dir: Path, role: str = OWNER) -> str:
    """The DSN of the embedded PostgreSQL in this directory."""
    return f"postgresql://{role}@/{DATABASE}?host={quote(str(socket_dir(data_dir)), safe='')}"


def socket_dir(data_dir: Path) -> Path:
    """Where the socket is. A socket's path has 107 bytes at most and a checkout's may be longer, hence not DATA_DIR;
    every process must come to the same place, hence no TMPDIR."""
    name = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]
    return Path("/tmp") / f"stockstream-{name}"  # noqa: S108 - checked by prepare_socket_dir
