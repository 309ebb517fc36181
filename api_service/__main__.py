"""`python -m api_service [--check]`: serve the API and the dashboard, or only check the settings."""

from __future__ import annotations

import sys

from api_service.app import create_app
from api_service.settings import ApiSettings
from shared import logging
from shared.pooler import refuse_transaction_pooler
from shared.serving import Limits, serve
from shared.settings import load


def main() -> None:
    settings = load(ApiSettings)
    if "--check" in sys.argv:
        return
    limits = Limits(settings.max_header_bytes, settings.idle_seconds)
    logging.configure("api", settings.log_format, settings.log_level)
    if settings.database_url is not None:
        refuse_transaction_pooler(settings.database_url.get_secret_value(), "DATABASE_URL")
    app, grace = create_app(settings), settings.api_drain_seconds
    serve(app, settings.api_bind, "API_BIND", limits=limits, grace_seconds=grace)


if __name__ == "__main__":
    main()
