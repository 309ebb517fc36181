"""Processes that never outlive the one that starts them, not even when it is killed by SIGKILL.

Each is started in a session, and so a process group, of its own, and is ended with that group. A reaper, one process
beside each starter, reads a FIFO that the starter keeps open. A process announces itself there before it becomes what
it is to run. When the starter is gone, the reaper kills every group that has not been ended and removes the folders
that were left. PR_SET_PDEATHSIG would be simpler, but is tied to the thread that starts a process.
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

# The program keeps the shell's pid. Without a reaper the folder of the FIFO is gone and the program is not run.
ANNOUNCE = 'echo "start $$" 1<>"$0" && exec "$@"'


class Reaper:
    """The starter's side of the reaper."""

    def __init__(self) -> None:
        self.fifo = Path(tempfile.mkdtemp(prefix="stockstream-reaper-")) / "fifo"
        os.mkfifo(self.fifo)
        self._end = os.open(self.fifo, os.O_RDWR)  # not inherited; opening it for writing alone would wait for a reader
        subprocess.Popen(
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
    """The reaper of this process, started when it is first needed."""
    return Reaper()


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """Start a program in a process group of its own. Takes the options of Popen."""
    announced = ["/bin/sh", "-c", ANNOUNCE, str(reaper().fifo), *command]
    return subprocess.Popen(announced, start_new_session=True, **options)


class Started(Protocol):
    """A process that was started, and leads a group of its own."""

    pid: int

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or minus the number of the signal that ended it. Raises subprocess.TimeoutExpired."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal, unless the process has ended."""


def kill(process: Started) -> int:
    """Kill the process, unless it has ended, and what is left of its group; returns its exit code."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    reaper().tell(f"end {process.pid}")
    return code


def run(command: Sequence[str], *, seconds: float, **options: Any) -> subprocess.CompletedProcess[Any]:
    """As subprocess.run with a timeout and captured output."""
    process = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    try:
        out, error = process.communicate(timeout=seconds)
    finally:
        kill(process)
    return subprocess.CompletedProcess(command, process.returncode, out, error)


def remove_in_the_end(folder: Path) -> None:
    """Have the reaper remove this folder, if it is still there when this process has ended."""
    reaper().tell(f"folder {folder}")


class Left:
    """What a starter has started and not ended."""

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
    """Wait until the starter is gone, and end what it has left."""
    left = Left()
    end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)  # does not wait for a starter that is gone already
    os.set_blocking(end, True)
    with open(end) as messages:
        left.follow(messages)
        shutil.rmtree(fifo.parent)  # from here on nothing can announce itself, and so nothing starts
        left.follow(messages)  # what announced itself just before
    left.end()


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    reap(Path(sys.argv[1]))
