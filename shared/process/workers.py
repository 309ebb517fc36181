"""Runs several worker processes that serve one socket.

Hypercorn can start workers, too, but tells the app to stop only after its graceful_timeout, and then does not wait for
streams to end. So each worker here is a complete server that drains by itself.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = structlog.get_logger()

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the environment variable that prometheus_client reads
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}
MIN_RESTART_SECONDS = 1.0  # between two starts, so that workers that die at once don't cause a loop


@contextlib.contextmanager
def shared_metrics(workers: int) -> Iterator[None]:
    """Share metrics between workers, in a temporary folder. Import the metrics inside this block."""
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="stockstream-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        yield


def run_workers(count: int, work: Callable[[int], None]) -> None:
    """Run ``work`` in this many processes, replace those that die, and return when all have ended after a SIGTERM.

    ``work`` is given a file descriptor that becomes readable when this process is gone, and must then end, too.
    """
    from prometheus_client.multiprocess import mark_process_dead  # only after the folder is set

    is_stopping = False
    read_end, write_end = os.pipe()
    signals = _Signals()
    workers = {_fork(work, read_end, write_end, signals) for _ in range(count)}
    earliest = time.monotonic() + MIN_RESTART_SECONDS  # for the next worker
    while workers or not is_stopping:
        is_one_missing = len(workers) < count and not is_stopping
        if is_one_missing and time.monotonic() >= earliest:
            workers.add(_fork(work, read_end, write_end, signals))
            earliest = time.monotonic() + MIN_RESTART_SECONDS
            continue
        if signals.wait(max(0, earliest - time.monotonic()) if is_one_missing else None) & STOP_SIGNALS:
            is_stopping = True
            for pid in workers:  # none has been reaped, so no pid was reused
                os.kill(pid, signal.SIGTERM)
        for pid, status in _ended(workers):
            workers.remove(pid)
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
            if not is_stopping:
                log.warning("a worker died and is replaced", pid=pid, status=os.waitstatus_to_exitcode(status))


class _Signals:
    """Waits for signals. The interpreter writes each to a pipe as a byte, so none is lost."""

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()
        for end in (self._read_end, self._write_end):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        for number in (*STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)

    def wait(self, seconds: float | None) -> set[int]:
        """Wait for signals until the time is over, and return those that arrived."""
        select.select([self._read_end], [], [], seconds)
        try:
            return set(os.read(self._read_end, 4096))
        except BlockingIOError:
            return set()

    def forget(self) -> None:
        """Restore the default handlers, in a process that was just forked."""
        signal.set_wakeup_fd(-1)
        for number in (*STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.close(self._read_end)
        os.close(self._write_end)


def _ended(workers: set[int]) -> list[tuple[int, int]]:
    """The pid and status of each worker that has ended."""
    return [found for pid in workers if (found := os.waitpid(pid, os.WNOHANG)) != (0, 0)]


def _fork(work: Callable[[int], None], read_end: int, write_end: int, signals: _Signals) -> int:
    """Start a worker. Signals that arrive before it is ready for them are delivered when it is."""
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)
        return pid
    code = 1
    try:
        signals.forget()
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)
        os.close(write_end)
        work(read_end)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        log.critical("a worker failed", exc_info=True)
    finally:
        sys.stdout.flush()
        os._exit(code)
