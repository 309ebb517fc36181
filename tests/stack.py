"""Runs both services as real processes on one database."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tests import processes
from tests.postgres import PSQL_SECONDS
from tests.template import template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.postgres import PostgresServer

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 30
STOP_SECONDS = 15
POLL_SECONDS = 0.02
FIRST_PORT, PORTS_EACH = 12_000, 4_000
_ports = itertools.count(random.randrange(PORTS_EACH))
KEPT_SETTINGS = ("STREAM_DIRECT_WRITES", "BROKER_URL")  # to run all tests in other ways
MODULES = {"api": "api_service", "stream": "stream_service"}


def free_port() -> int:
    """Return an unused port. Each pytest worker has its own range, below the ephemeral ports of the kernel."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for number in _ports:
        port = FIRST_PORT + worker * PORTS_EACH + number % PORTS_EACH
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("unreachable: the numbers have no end")


def environment(**settings: str) -> dict[str, str]:
    """Return a minimal environment with only these settings of stockstream, and KEPT_SETTINGS."""
    names = ("PATH", "HOME", "LANG", "TMPDIR", *KEPT_SETTINGS)
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **settings}


class Stack:
    """The services `api` and `stream`, which tests start, stop, kill and pause.

    There may be more than one stream: `stream2`, `stream3`.
    """

    def __init__(
        self,
        server: PostgresServer,
        database: str,
        logs: Path,
        settings: Mapping[str, str] | None = None,
        services: Sequence[str] = tuple(MODULES),
    ) -> None:
        self.server = server
        self.database = database
        self.database_url = server.url(database)
        self.ports = {name: free_port() for name in {**MODULES, **dict.fromkeys(services)}}
        self.api_url = f"http://127.0.0.1:{self.ports['api']}"
        self.stream_url = f"http://127.0.0.1:{self.ports['stream']}"
        self.settings = dict(settings or {})
        self._logs = logs
        self._processes: dict[str, processes.StartedProcess] = {}

    def start(self, name: str, *, wait: bool = True) -> None:
        """Start a service and, by default, wait until it is ready."""
        kind = name.rstrip("0123456789")
        settings = {
            "DATABASE_URL": self.server.url(self.database, f"stockstream_{kind}"),
            "API_BIND": f"127.0.0.1:{self.ports['api']}",
            "STREAM_BIND": f"127.0.0.1:{self.ports[name if kind == 'stream' else 'stream']}",
            **self.settings,
        }
        with self.log_path(name).open("ab") as log:
            self._processes[name] = self._run(MODULES[kind], environment(**settings), log)
        if wait:
            self.wait_until_ready(name)

    def _run(self, module: str, environment: Mapping[str, str], log: IO[bytes]) -> processes.StartedProcess:
        if "LD_PRELOAD" not in environment:
            return template().start(module, environment=environment, log=log.fileno())
        command = [sys.executable, "-m", module]  # LD_PRELOAD has no effect on a forked process
        return processes.start(command, env=environment, cwd=ROOT, stdout=log, stderr=log)

    def wait_until_ready(self, name: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.is_ready(name):
            assert self._processes[name].poll() is None, f"{name} ended:\n{self.log(name)}"
            assert time.monotonic() < deadline, f"{name} did not become ready:\n{self.log(name)}"
            time.sleep(POLL_SECONDS)

    def is_ready(self, name: str) -> bool:
        return answers(f"http://127.0.0.1:{self.ports[name]}/readyz")

    def stop(self, name: str) -> int:
        """Send SIGTERM and return the exit code. Kills and fails if the service does not stop in time."""
        self.signal(name, signal.SIGTERM)
        return self.wait_until_ended(name)

    def wait_until_ended(self, name: str) -> int:
        """Wait for a stopping service and return its exit code. Kills it and fails if it does not stop in time."""
        process = self._processes[name]
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{name} did not stop within {STOP_SECONDS} s:\n{self.log(name)}") from None
        finally:
            self.kill(name)

    def kill(self, name: str) -> None:
        processes.kill(self._processes.pop(name))

    def ended(self) -> list[str]:
        """The services that have ended without being stopped or killed."""
        return [name for name, process in self._processes.items() if process.poll() is not None]

    def signal(self, name: str, number: signal.Signals) -> None:
        self._processes[name].send_signal(number)

    def pause(self, name: str) -> None:
        self.signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self.signal(name, signal.SIGCONT)

    def metrics(self, name: str) -> dict[str, float]:
        """The metrics of a service, by their names and labels as they are in the text."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}/metrics", timeout=5) as response:
            text = response.read().decode()
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def close(self) -> None:
        for name in list(self._processes):
            self.kill(name)

    def sql(self, text: str, *, seconds: float = PSQL_SECONDS) -> list[tuple[str, ...]]:
        """Run SQL by psql as the owner and return the rows as text."""
        return self.server.sql(self.database, text, seconds=seconds)

    def log_path(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def log(self, name: str) -> str:
        return self.log_path(name).read_text()


@contextlib.contextmanager
def running_stack(
    postgres: PostgresServer,
    logs: Path,
    settings: Mapping[str, str] | None = None,
    services: Sequence[str] = tuple(MODULES),
) -> Iterator[Stack]:
    """Run services on a new database, which is dropped at the end of the block."""
    database = postgres.create_database()
    stack = Stack(postgres, database, logs, settings, services)
    try:
        for name in services:
            stack.start(name, wait=False)
        for name in services:
            stack.wait_until_ready(name)
        yield stack
    finally:
        stack.close()
        postgres.drop_database(database)


def answers(url: str) -> bool:
    """Return whether a GET of this URL gets a 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def refuses(port: int) -> bool:
    """Return whether nothing listens on this port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
