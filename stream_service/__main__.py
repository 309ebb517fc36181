"""`python -m stream_service [--check]`: serve the events, or only check the settings."""

from __future__ import annotations

import sys

from shared import logging
from shared.serving import serve
from shared.settings import load
from stream_service.app import create_app
from stream_service.settings import StreamSettings


def main() -> None:
    settings = load(StreamSettings)
    if "--check" in sys.argv:
        return
    logging.configure("stream", settings.log_format, settings.log_level)
    app = create_app(settings)
    serve(app, settings.stream_bind, "STREAM_BIND", app.extensions["subscribers"].drain)


if __name__ == "__main__":
    main()
