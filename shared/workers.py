"""Several processes that serve one socket.

Hypercorn can start workers too, but tells the app of a stop only when its graceful_timeout is over, and then in no way
that can wait for streams to end; so each worker here is a whole server of its own that drains by itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = structlog.get_logger()

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the client library's own variable
YOUNG_SECONDS = 1.0  # a worker that dies before this age is replaced no sooner than after it


@contextlib.contextmanager
def shared_metrics(workers: int) -> Iterator[None]:
    """A folder where several workers add up what they count. The metrics must be imported in here."""
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="stockstream-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        yield


def run_workers(count: int, work: Callable[[int], None]) -> None:
    """Run ``work`` in this many processes, replace those that die, and return when all have ended after a SIGTERM.

    ``work`` is given a file descriptor that becomes readable when this process is gone, and must end then too.
    """
    from prometheus_client.multiprocess import mark_process_dead  # after the folder is known

    workers: set[int] = set()
    is_stopping = False

    def stop(*_: Any) -> None:
        nonlocal is_stopping
        is_stopping = True
        for pid in workers:
            os.kill(pid, signal.SIGTERM)

    read_end, write_end = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    for _ in range(count):
        workers.add(_fork(work, read_end, write_end))
    born = time.monotonic()
    while workers:
        pid, status = os.wait()
        workers.discard(pid)
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
        if not is_stopping:
            log.warning("a worker died and is replaced", pid=pid, status=os.waitstatus_to_exitcode(status))
            time.sleep(max(0, YOUNG_SECONDS - (time.monotonic() - born)))
            born = time.monotonic()
            workers.add(_fork(work, read_end, write_end))


def _fork(work: Callable[[int], None], read_end: int, write_end: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
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
