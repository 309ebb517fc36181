"""Services that start by a fork, so that a start does not import the libraries again.

Importing Quart, Hypercorn, asyncpg and Pydantic takes longer than all else that a service does at its start, and the
tests start hundreds. One process, the template, has imported them, and forks itself for each start. The fork runs
`python -m <service>` in all but name: only the libraries are there already, the project's own modules are not.
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
# What the services import, but for prometheus_client, which reads the environment when it is imported.
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
REQUEST_BYTES = 64 * 1024  # a module, an environment and the reaper's FIFO


class ForkedProcess:
    """A process that the template has forked."""

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers
        self._read = b""
        self.pid = int(self._line())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or minus the number of the signal that ended it. Raises subprocess.TimeoutExpired."""
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
    """The starter's side of the template process."""

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
        """Run a module as a program, in a process group of its own, with its output in the file ``log``."""
        request = json.dumps([module, dict(environment), str(processes.reaper().fifo)]).encode()
        assert len(request) < REQUEST_BYTES
        answers, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._requests, [request], [theirs.fileno(), log])
        return ForkedProcess(answers)


@functools.cache
def template() -> Template:
    """The template of this process, started when it is first needed."""
    return Template()


def import_libraries() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)


def serve(requests: socket.socket) -> None:
    """Fork for each request, until the starter is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who stand between
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
    """Stand between the template and the service, to tell the starter its pid and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    module, environment, fifo = json.loads(request)
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        _become(module, environment, Path(fifo), log)
    os.write(answers, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(module: str, environment: Mapping[str, str], fifo: Path, log: int) -> NoReturn:
    """Announce this process to the reaper, as `processes.start` does, and run the module."""
    os.setsid()
    announcing = os.open(fifo, os.O_RDWR)  # gone with the starter, and then nothing is to start
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
