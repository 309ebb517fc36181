"""Starts processes that never outlive their starter, not even if it is killed by SIGKILL.

Each process runs in its own session and process group, and is killed with that group. Each starter has a reaper, a
separate process that reads a FIFO which the starter keeps open. A process announces itself in the FIFO before it
executes its program. When the starter is gone, the reaper kills every group that is still registered and removes the
registered folders. PR_SET_PDEATHSIG would be simpler, but it is tied to the thread that starts a process.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# The program keeps the shell's pid. If the reaper is gone, so is the FIFO, and the program does not start.
ANNOUNCE = 'echo "start $$" 1<>"$0" && exec "$@"'


class Reaper:
    """Starts the reaper process and writes to its FIFO."""

    def __init__(self) -> None:
        self.fifo = Path(tempfile.mkdtemp(prefix="stockstream-reaper-")) / "fifo"
        os.mkfifo(self.fifo)
        self._end = os.open(self.fifo, os.O_RDWR)  # not inherited; O_WRONLY would block until there is a reader
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(self.fifo)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def tell(self, message: str) -> None:
        os.write(self._end, f"{message}\n".encode())


@functools.cache
def reaper() -> Reaper:
    """Return the reaper of this process, started on first use."""
    return Reaper()


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """Start a program in its own process group. Takes the options of Popen."""
    announced = ["/bin/sh", "-c", ANNOUNCE, str(reaper().fifo), *command]
    return subprocess.Popen(announced, start_new_session=True, **options)


class StartedProcess(Protocol):
    """A started process that leads its own process group."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit code, or None while the process runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code, or the negative signal number. Raises subprocess.TimeoutExpired."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal, unless the process has ended."""


def kill(process: StartedProcess) -> int:
    """Kill the process and the rest of its group. Returns the exit code of the process."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    reaper().tell(f"end {process.pid}")
    return code


def children(parent: int) -> list[int]:
    """Return the processes that this process has started and that still run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.append(int(status.parent.name))
    return found


def run(command: Sequence[str], *, seconds: float, **options: Any) -> subprocess.CompletedProcess[Any]:
    """Run a program like subprocess.run, with a timeout and captured output."""
    process = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    try:
        out, error = process.communicate(timeout=seconds)
    finally:
        kill(process)
    return subprocess.CompletedProcess(command, process.returncode, out, error)


def remove_at_exit(folder: Path) -> None:
    """Make the reaper remove this folder when the current process has ended."""
    reaper().tell(f"folder {folder}")


class Leftovers:
    """The process groups and folders that a starter has registered and not ended."""

    def __init__(self) -> None:
        self.groups: set[int] = set()
        self.folders: list[str] = []

    def follow(self, messages: Iterable[str]) -> None:
        for message in messages:
            kind, _, value = message.rstrip("\n").partition(" ")
            if kind == "start":
                self.groups.add(int(value))
            elif kind == "end":
                self.groups.discard(int(value))
            else:
                self.folders.append(value)

    def end(self) -> None:
        for group in self.groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


def reap(fifo: Path) -> None:
    """Wait until the starter is gone, then kill its process groups and remove its folders."""
    left = Leftovers()
    end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)  # does not block if the starter is already gone
    os.set_blocking(end, True)
    with open(end) as messages:
        left.follow(messages)
        shutil.rmtree(fifo.parent)  # no process can announce itself or start any more
        left.follow(messages)  # read the last announcements
    left.end()


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    reap(Path(sys.argv[1]))
