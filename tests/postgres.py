"""A real PostgreSQL for the tests, with a database per test, cloned from a migrated template."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from shared.db.embedded import DATABASE, OWNER, embedded_url, socket_dir
from shared.db.migrations import migrate
from shared.local import postgres
from tests import processes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from shared.db.database import Connection

    Connect = Callable[..., Awaitable[Connection]]  # type of the fixture `connect`

TEMPLATE = "migrated_template"
START_SECONDS = 30
STOP_SECONDS = 30
CONNECT_SECONDS = 10
PSQL_SECONDS = 60.0
POLL_SECONDS = 0.05
_numbers = itertools.count(1)


class PostgresServer:
    """An embedded PostgreSQL server that tests may stop, kill and start."""

    def __init__(self, data_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str, role: str = OWNER) -> str:
        return embedded_url(self.data_dir, role).replace(f"/{DATABASE}?", f"/{database}?")

    def start(self) -> None:
        """Start the server and wait until it answers.

        Backends of a killed server hold its shared memory for a moment, and meanwhile a new server refuses to start.
        Therefore, a server that exits is started again until the deadline.
        """
        postgres.prepare(self.data_dir)
        processes.remove_at_exit(socket_dir(self.data_dir))
        self.log.write_text("")
        deadline = time.monotonic() + START_SECONDS
        self._launch()
        while not self._answers():
            assert time.monotonic() < deadline, f"PostgreSQL did not start:\n{self.log.read_text()}"
            if self.has_ended():
                self.stop()
                self._launch()
            time.sleep(POLL_SECONDS)

    def _launch(self) -> None:
        with self.log.open("ab") as log:
            self._process = processes.start(
                postgres.server_command(self.data_dir), env=self._environment, stdout=log, stderr=log
            )

    def _answers(self) -> bool:
        return self.psql("postgres", "SELECT 1").returncode == 0

    def has_ended(self) -> bool:
        """Return whether the server process has exited by itself."""
        return self._process is not None and self._process.poll() is not None

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: smart (SIGTERM), fast (SIGINT) or immediate (SIGQUIT) shutdown, or SIGKILL."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"PostgreSQL did not stop:\n{self.log.read_text()}") from None
        finally:
            processes.kill(self._process)
            self._process = None

    def log_statements(self, role: str) -> None:
        """Write every statement of this role's sessions to the log, from now on."""
        for setting in ("log_min_messages = 'log'", "log_statement = 'all'"):
            self.sql("postgres", f"ALTER ROLE {role} SET {setting}")

    def pause(self) -> None:
        """Suspend every process of the server. The kernel still accepts connections for it."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        server = self._process.pid
        for pid in (server, *processes.children(server)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def close(self) -> None:
        self.stop(signal.SIGQUIT)
        postgres.remove_socket_dir(self.data_dir)

    def sql(self, database: str, text: str, *, seconds: float = PSQL_SECONDS) -> list[tuple[str, ...]]:
        """Run SQL by psql and return the rows as text."""
        done = self.psql(database, text, seconds=seconds)
        assert done.returncode == 0, done.stderr
        return [tuple(line.split("\x1f")) for line in done.stdout.splitlines()]

    def psql(
        self, database: str, text: str, *, stdin: str | None = None, seconds: float = PSQL_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run psql and return the completed process. Raises TimeoutExpired after `seconds`."""
        return subprocess.run(
            self._psql(database, text),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, "PGCONNECT_TIMEOUT": str(CONNECT_SECONDS)},
            check=False,
        )

    def _psql(self, database: str, text: str) -> list[str]:
        options = ["-X", "-q", "-A", "-t", "-F", "\x1f", "-v", "ON_ERROR_STOP=1"]
        return [postgres.binary("psql"), *options, "-d", self.url(database), "-c", text]

    def copy_to(self, data_dir: Path) -> None:
        """Copy the cluster of this stopped server for a new one, which is much faster than initdb."""
        data_dir.mkdir(mode=0o700, parents=True)
        copy = ["cp", "-a", str(postgres.cluster_dir(self.data_dir)), str(postgres.cluster_dir(data_dir))]
        subprocess.run(copy, check=True)

    def make_template(self) -> None:
        self.sql("postgres", f"CREATE DATABASE {TEMPLATE}")
        asyncio.run(migrate(self.url(TEMPLATE)))

    def create_database(self) -> str:
        """Create a database with the current schema and return its name."""
        name = f"test_{next(_numbers)}"
        self.sql("postgres", f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return name

    def drop_database(self, name: str) -> None:
        self.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")
