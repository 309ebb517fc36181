"""Processes that the benchmarks and the tests start end with them, even after an interrupt or a kill."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.servers import Nchan
from tests import processes
from tests.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_SECONDS = 60
END_SECONDS = 60
POLL_SECONDS = 0.2  # scanning all processes takes 10 ms
pytestmark = pytest.mark.timeout(180)
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
LONG_TEST = """
import pathlib, signal

def test_that_does_not_end(stack):
    pathlib.Path(__file__).with_name("services run").touch()
    signal.pause()
"""


class MarkedProgram:
    """A program with a TMPDIR of its own, by which it and all its descendants are recognized."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self.folder = folder
        self.folder.mkdir()
        self._groups: set[int] = set()
        # A shell ignores SIGINT in background jobs, and the program would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with (folder / "output").open("wb") as output:
            self.program = processes.start(
                [sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, "TMPDIR": str(folder)},
                stdout=output,
                stderr=output,
            )

    def processes(self) -> dict[int, str]:
        """Return the command lines of running marked processes, and of their process groups, by pid."""
        mark, found = os.fsencode(self.folder), {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                pid, group = int(entry.name), int((entry / "stat").read_text().rpartition(")")[2].split()[2])
                command = (entry / "cmdline").read_bytes()
                is_marked = (
                    mark in (entry / "environ").read_bytes()
                    or mark in command
                    or os.fsencode((entry / "cwd").readlink()).startswith(mark)
                )
            except OSError:
                continue
            if is_marked:
                self._groups.add(group)
            if is_marked or group in self._groups:
                found[pid] = command.replace(b"\0", b" ").decode(errors="replace")
        return found

    def wait_until(self, condition: Callable[[dict[int, str]], bool], seconds: float, *, is_running: bool) -> None:
        """Wait until the condition holds for the processes. With `is_running`, fail if the program exits first."""
        deadline = time.monotonic() + seconds
        while not condition(found := self.processes()):
            assert time.monotonic() < deadline, (found, (self.folder / "output").read_text())
            assert not is_running or self.program.poll() is None, (self.folder / "output").read_text()
            time.sleep(POLL_SECONDS)

    def wait_until_running(self, *words: str) -> None:
        """Wait until, for each word, a process runs whose command line contains it."""
        self.wait_until(
            lambda found: all(any(word in line for line in found.values()) for word in words),
            START_SECONDS,
            is_running=True,
        )

    def check_cleanup_after(self, number: signal.Signals) -> None:
        """Send a signal to the program alone, and check that no process and no folder is left."""
        self.processes()
        self.program.send_signal(number)
        self.program.wait(END_SECONDS)
        self.wait_until(lambda found: not found, END_SECONDS, is_running=False)
        assert list(self.folder.glob("stockstream-*")) == []


@pytest.fixture
def marked(tmp_path: Path) -> Iterator[Callable[..., MarkedProgram]]:
    programs: list[MarkedProgram] = []

    def start(*command: str) -> MarkedProgram:
        programs.append(MarkedProgram(tmp_path / "marked", list(command)))
        return programs[-1]

    yield start
    for program in programs:
        processes.kill(program.program)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_an_interrupted_bench_leaves_nothing_running(
    marked: Callable[..., MarkedProgram], number: signal.Signals
) -> None:
    program = marked("-m", "bench", "a", "--seconds", "1", "--runs", "1")
    program.wait_until_running("bin/postgres", "stream_service", "bench.client")
    program.check_cleanup_after(number)


@pytest.mark.skipif(not Nchan.is_installed(), reason="nginx with nchan is not here")
def test_a_killed_bench_leaves_no_nginx(marked: Callable[..., MarkedProgram]) -> None:
    program = marked("-m", "bench", "f", "--seconds", "0.2", "--runs", "1")
    program.wait_until_running("nginx: master", "nginx: worker", "bench.nchan")
    program.check_cleanup_after(signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_an_interrupted_test_leaves_nothing_running(
    marked: Callable[..., MarkedProgram], number: signal.Signals, tmp_path: Path
) -> None:
    long_test = tmp_path / "test_long.py"
    long_test.write_text(LONG_TEST)
    program = marked(
        *("-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)),
        *("-p", "tests.conftest", "-p", "no:cacheprovider", str(long_test)),
    )
    program.wait_until(lambda _: (tmp_path / "services run").exists(), START_SECONDS, is_running=True)
    program.wait_until_running("bin/postgres", "tests.template")
    program.check_cleanup_after(number)
