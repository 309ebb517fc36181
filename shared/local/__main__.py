"""`python -m shared.local [run | psql]`: the commands behind `make run` and `make psql`."""

from __future__ import annotations

import os
import sys

from shared.db.database import database_url
from shared.db.embedded import OWNER
from shared.local import postgres
from shared.local.run import run
from shared.process.settings import Settings, load


def psql(settings: Settings, arguments: list[str]) -> None:
    """Run psql on the database that stockstream uses."""
    if settings.database_url is None and not postgres.is_running(settings.data_dir):
        raise SystemExit(f"stockstream: no PostgreSQL is running in {settings.data_dir} (start it with `make run`)")
    program = postgres.binary("psql")
    os.execv(program, [program, database_url(settings, OWNER), *arguments])  # noqa: S606


def main() -> None:
    command, *arguments = sys.argv[1:] or ["run"]
    settings = load(Settings)
    try:
        match command:
            case "run":
                raise SystemExit(run(settings))
            case "psql":
                psql(settings, arguments)
            case _:
                raise SystemExit(f"stockstream: no such command: {command}")
    except postgres.EmbeddedPostgresError as error:
        raise SystemExit(f"stockstream: {error}") from None


if __name__ == "__main__":
    main()
