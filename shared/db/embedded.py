"""The address of the embedded PostgreSQL, which `make run` starts."""

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
    """The folder of the socket.

    It is not in DATA_DIR, since a socket's path is limited to 107 bytes, and not in TMPDIR, since every process must
    find it.
    """
    name = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]
    return Path("/tmp") / f"stockstream-{name}"  # noqa: S108 - checked by prepare_socket_dir
