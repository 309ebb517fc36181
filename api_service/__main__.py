"""`python -m api_service [--check]`: serves the API and the dashboard, or only checks the settings."""

from __future__ import annotations

import sys

from api_service.settings import ApiSettings
from shared.process.settings import load

UNDO_SECONDS = 3.0  # for PostgreSQL to roll back the statements of cancelled requests


def main() -> None:
    settings = load(ApiSettings)
    if "--check" not in sys.argv:
        serve(settings)


def serve(settings: ApiSettings) -> None:
    """Serve until SIGTERM. The imports are here so that `--check` is fast."""
    from shared.db.pooler import refuse_transaction_pooler
    from shared.process import logging, serving
    from shared.process.workers import shared_metrics

    logging.configure("api", settings.log_format, settings.log_level)
    if settings.database_url is not None:
        refuse_transaction_pooler(settings.database_url.get_secret_value(), "DATABASE_URL")
    with shared_metrics(settings.api_workers):
        from api_service.app import create_app  # the metrics read the setting of their folder when they are imported

        serving.serve(
            create_app(settings),
            settings.api_bind,
            "API_BIND",
            workers=settings.api_workers,
            limits=serving.Limits(settings.max_header_bytes, settings.idle_seconds),
            grace_seconds=settings.api_drain_seconds,
            end_seconds=UNDO_SECONDS,
        )


if __name__ == "__main__":
    main()
