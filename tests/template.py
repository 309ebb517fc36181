"""Starts services by forking a template process that has already imported the libraries.

Importing Quart, Hypercorn, asyncpg and Pydantic takes most of the startup time of a service, and the tests start
hundreds of services. The template process imports them once and forks for each start. The fork behaves like
`python -m <service>`: it imports the project's own modules itself.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tests import processes

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
# Libraries of the services, except prometheus_client, which reads the environment when it is imported.
LIBRARIES = [
    "aiosql",
    "asyncpg",
    "hypercorn.asyncio",
    "pydantic_settings",
    "quart",
    "quart_cors",
    "quart_schema",
    "structlog",
]
REQUEST_BYTES = 64 * 1024  # for a module name, an environment and the path of the reaper's FIFO


class ForkedProcess:
    """A service process that the template process has forked."""

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers
        self._read = b""
        self.pid = int(self._line())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while the process runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code, or the negative signal number. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._answers.settimeout(timeout)
            try:
                self.returncode = int(self._line())
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("a forked service", timeout or 0) from None
            self._answers.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _line(self) -> str:
        while b"\n" not in self._read:
            received = self._answers.recv(64)
            if not received:
                raise AssertionError("the template process ended")
            self._read += received
        line, self._read = self._read.split(b"\n", 1)
        return line.decode()


class Template:
    """Starts the template process and sends it requests to fork."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            processes.start(
                [sys.executable, "-m", "tests.template", str(theirs.fileno())],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
                pass_fds=[theirs.fileno()],
            )

    def start(self, module: str, *, environment: Mapping[str, str], log: int) -> ForkedProcess:
        """Run a module in its own process group. Its output goes to the file descriptor ``log``."""
        request = json.dumps([module, dict(environment), str(processes.reaper().fifo)]).encode()
        assert len(request) < REQUEST_BYTES
        answers, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._requests, [request], [theirs.fileno(), log])
        return ForkedProcess(answers)


@functools.cache
def template() -> Template:
    """Return the template of this process, started on first use."""
    return Template()


def import_libraries() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)


def serve(requests: socket.socket) -> None:
    """Fork for each request until the starter is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # reap the intermediate processes automatically
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 2)
        if not request:
            return
        if os.fork() == 0:
            requests.close()
            _start_and_wait(request, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _start_and_wait(request: bytes, answers: int, log: int) -> NoReturn:
    """Fork the service, and send its pid and later its exit code to the starter."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    module, environment, fifo = json.loads(request)
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        _run_module(module, environment, Path(fifo), log)
    os.write(answers, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run_module(module: str, environment: Mapping[str, str], fifo: Path, log: int) -> NoReturn:
    """Announce this process to the reaper, like `processes.start`, and run the module."""
    os.setsid()
    announcing = os.open(fifo, os.O_RDWR)  # fails if the starter is gone, so that nothing starts
    os.write(announcing, f"start {os.getpid()}\n".encode())
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    for descriptor in (announcing, log):
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    import_libraries()
    serve(socket.socket(fileno=int(sys.argv[1])))
