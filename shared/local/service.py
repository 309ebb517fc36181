"""`python -m shared.local.service <module>`: waits for the migrations, then becomes a service. Run by supervisord.

A service would wait by itself, but it would log that it waits, and the first start of all should not look like a fault.
It imports nothing else: both services pass through here at each start.
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
