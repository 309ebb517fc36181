"""`python -m stream_service [--check]`: serves the events, or only checks the settings."""

from __future__ import annotations

import gc
import sys

from shared.process.settings import load
from stream_service.settings import StreamSettings


def main() -> None:
    settings = load(StreamSettings)
    if "--check" not in sys.argv:
        serve(settings)


def serve(settings: StreamSettings) -> None:
    """Serve until SIGTERM. Imports are here, so that a check of the settings is fast."""
    from shared.db.pooler import refuse_transaction_pooler
    from shared.process import logging, serving
    from shared.process.workers import shared_metrics

    logging.configure("stream", settings.log_format, settings.log_level)
    for setting, url in (
        ("DATABASE_URL", settings.database_url),
        ("LISTEN_DATABASE_URL", settings.listen_database_url),
    ):
        if url is not None:
            refuse_transaction_pooler(url.get_secret_value(), setting)
    # Open streams are thousands of objects that the collector would visit in vain.
    gc.set_threshold(100_000, 5, 100)
    with shared_metrics(settings.stream_workers):
        from stream_service.app import create_app  # the metrics read the setting of their folder when they are imported

        app = create_app(settings)
        serving.serve(
            app,
            settings.stream_bind,
            "STREAM_BIND",
            app.extensions["subscribers"].drain,
            workers=settings.stream_workers,
            limits=serving.Limits(settings.max_header_bytes, settings.idle_seconds),
        )


if __name__ == "__main__":
    main()
