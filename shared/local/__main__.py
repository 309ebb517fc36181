"""`python -m shared.local [run | psql | postgres | service]`: the commands behind `make run` and `make psql`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from shared.database import database_url
from shared.local import postgres, runner
from shared.local.run import MIGRATED, POLL_SECONDS, run
from shared.settings import Settings, load


def psql(settings: Settings, arguments: list[str]) -> None:
    """Become psql on the database that stockstream uses."""
    if settings.database_url is None and not postgres.is_running(settings.data_dir):
        raise SystemExit(f"stockstream: no PostgreSQL is running in {settings.data_dir} (start it with `make run`)")
    program = postgres.binary("psql")
    os.execv(program, [program, database_url(settings, postgres.OWNER), *arguments])  # noqa: S606


def server(settings: Settings) -> None:
    """Become the embedded PostgreSQL; the process runner calls this."""
    postgres.prepare_socket_dir(settings.data_dir)
    command = postgres.server_command(settings.data_dir)
    os.execv(command[0], command)  # noqa: S606


def service(module: str) -> None:
    """Become a service, once the schema is there; the process runner calls this. It would wait by itself, but not
    without a word, and the first start of all should not look like a fault."""
    while not (Path(os.environ["STOCKSTREAM_RUN_DIR"]) / MIGRATED).exists():
        time.sleep(POLL_SECONDS)
    os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606


def main() -> None:
    command, *arguments = sys.argv[1:] or ["run"]
    settings = load(Settings)
    try:
        match command:
            case "run":
                raise SystemExit(run(settings))
            case "psql":
                psql(settings, arguments)
            case "postgres":
                server(settings)
            case "runner":
                raise SystemExit(runner.main(*arguments))
            case "service":
                service(*arguments)
            case _:
                raise SystemExit(f"stockstream: no such command: {command}")
    except postgres.EmbeddedPostgresError as error:
        raise SystemExit(f"stockstream: {error}") from None


if __name__ == "__main__":
    main()
