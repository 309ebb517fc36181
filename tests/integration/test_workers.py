"""Workers as real processes: SIGTERM ends all of them, at any moment."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import processes
from tests.stack import ROOT, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS = 20
WORKERS = 3
ROUNDS = 25
# Each worker writes a line when it starts and then waits for the parent to exit, so that only a signal can end it.
PROGRAM = f"""
import os, select, sys, structlog
from shared.process.workers import run_workers, shared_metrics

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

def work(parent_gone):
    os.write(1, b"worker\\n")
    select.select([parent_gone], [], [])

with shared_metrics({WORKERS}):
    os.write(1, b"start\\n")
    run_workers({WORKERS}, work)
"""


class Parent:
    """A process that runs workers."""

    def __init__(self, folder: Path) -> None:
        self.process = processes.start(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env=environment(TMPDIR=str(folder)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def reads(self, line: str, times: int) -> None:
        assert self.process.stdout is not None
        for _ in range(times):
            assert self.process.stdout.readline() == f"{line}\n".encode()

    def workers(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def check_stop(self) -> None:
        """Send SIGTERM, and check that the parent exits with 0 and no process of its group is left."""
        self.process.terminate()
        assert self.process.wait(PATIENCE_SECONDS) == 0
        with pytest.raises(ProcessLookupError):
            os.killpg(self.process.pid, 0)

    def close(self) -> None:
        processes.kill(self.process)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[Parent]:
    parent = Parent(tmp_path)
    yield parent
    parent.close()


def test_a_sigterm_in_the_pause_before_a_dead_worker_is_replaced_ends_all(parent: Parent) -> None:
    parent.reads("start", 1)
    parent.reads("worker", WORKERS)
    victim = parent.workers()[0]
    os.kill(victim, signal.SIGKILL)  # a worker that dies within a second is replaced after a pause
    deadline = time.monotonic() + PATIENCE_SECONDS
    while Path(f"/proc/{victim}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.002)
    parent.check_stop()


def test_a_dead_worker_is_replaced(parent: Parent) -> None:
    parent.reads("start", 1)
    parent.reads("worker", WORKERS)
    os.kill(parent.workers()[0], signal.SIGKILL)
    parent.reads("worker", 1)
    assert len(parent.workers()) == WORKERS
    parent.check_stop()


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_sigterm_at_any_moment_of_the_start_ends_all(tmp_path: Path, seed: int) -> None:
    """Sends SIGTERM at a random time after the first worker started. Until then, kills workers at random."""
    choose = random.Random(seed)
    parent = Parent(tmp_path)
    try:
        parent.reads("start", 1)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not parent.workers():  # the signal handler is installed before the first worker starts
            assert time.monotonic() < deadline
        ends = time.monotonic() + choose.choice([0, 0.003, 0.02, 1.2]) * choose.random()
        while time.monotonic() < ends:
            for pid in parent.workers():
                if choose.random() < 0.3:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        parent.check_stop()
    finally:
        parent.close()
