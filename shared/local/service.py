"""`python -m shared.local.service <module>`: waits for the migrations, then becomes a service. Run by supervisord.

A service can wait by itself, but logs a warning, which would make the very first start look like a fault. This module
imports only the standard library, since both services pass through it at each start.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

MIGRATED = "migrated"  # a file in the run's folder that exists once the schema is current
POLL_SECONDS = 0.1

if __name__ == "__main__":
    while not (Path(os.environ["STOCKSTREAM_RUN_DIR"]) / MIGRATED).exists():
        time.sleep(POLL_SECONDS)
    os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])  # noqa: S606
