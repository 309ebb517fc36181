"""A bare Quart route on the same server, as the baseline cost of a request that does nothing."""

from __future__ import annotations

import logging
import sys

from quart import Quart

from shared.process.serving import serve
from shared.process.settings import Bind

app = Quart(__name__)


@app.get("/readyz")
async def readyz() -> str:
    return "ready"


if __name__ == "__main__":
    logging.basicConfig(level="WARNING")
    serve(app, Bind("127.0.0.1", int(sys.argv[1])), "port")
