"""`python -m shared.local.runner`: runs supervisord until the command that started it ends, even by a SIGKILL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

CONFIGURATION = Path(__file__).with_name("supervisord.conf")
STOP_TIMEOUT_SECONDS = 60.0  # longer than any stopwaitsecs of supervisord.conf
CHUNK_BYTES = 65_536


async def keep_running() -> int:
    """Run supervisord until it ends, or until standard input is closed because the starting command has ended.

    This process leads its own session. Processes that are left in the session at the end are killed.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), stop.set)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    runner = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "supervisor.supervisord",
        "-c",
        str(CONFIGURATION),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = asyncio.create_task(_copy_output(runner))
    ended = asyncio.create_task(runner.wait())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    with contextlib.suppress(ProcessLookupError):
        runner.terminate()
    await asyncio.wait({ended}, timeout=STOP_TIMEOUT_SECONDS)
    kill_session(os.getsid(0))
    await ended
    await output
    return 0


async def _copy_output(runner: asyncio.subprocess.Process) -> None:
    """Copy the output from a pipe: supervisord reopens /dev/stdout, which not every kind of output allows.

    If nobody reads our output any more, this still reads the pipe, so that supervisord can stop in order.
    """
    assert runner.stdout is not None  # noqa: S101 - it was started with a pipe
    while chunk := await runner.stdout.read(CHUNK_BYTES):
        with contextlib.suppress(OSError):
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()


def kill_session(session: int) -> None:
    """Kill every other process of this session. Needs /proc to find them."""
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        with contextlib.suppress(OSError):
            if pid != os.getpid() and os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)


def main(*folders: str) -> int:
    """Run supervisord, and remove these folders at the end."""
    try:
        return asyncio.run(keep_running())
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
