"""`make run`: checks the settings, then runs PostgreSQL and both services until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg

from shared.db.database import CONNECT_TIMEOUT_SECONDS, database_url
from shared.db.embedded import DATABASE, OWNER, embedded_url, socket_dir
from shared.db.errors import DRIVER_ERRORS
from shared.db.migrations import MigrationError, migrate
from shared.local import postgres
from shared.local.runner import kill_session
from shared.local.service import MIGRATED, POLL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.process.settings import Bind, Settings

SERVICES = ("api_service", "stream_service")
START_TIMEOUT_SECONDS = 60.0


class StartError(Exception):
    """stockstream can't start. The text is for the person who typed the command."""


def run(settings: Settings) -> int:
    """Run everything and return the exit code: 0 after Ctrl-C or SIGTERM."""
    try:
        check_services()
        with _claimed(settings) as lock:
            return asyncio.run(_run(settings, lock))
    except (StartError, MigrationError, postgres.EmbeddedPostgresError) as error:
        print(f"stockstream: {error}", file=sys.stderr)
        return 1


@contextlib.contextmanager
def _claimed(settings: Settings) -> Iterator[int | None]:
    """Check the ports, and prepare and lock DATA_DIR. Yields the lock, or None with DATABASE_URL."""
    check_port("API_BIND", settings.api_bind)
    check_port("STREAM_BIND", settings.stream_bind)
    if settings.database_url is not None:
        yield None
        return
    postgres.prepare(settings.data_dir)
    with (settings.data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"DATA_DIR {settings.data_dir} is in use by another stockstream") from None
        try:
            yield lock.fileno()
        finally:
            postgres.remove_socket_dir(settings.data_dir)


def check_port(name: str, bind: Bind) -> None:
    """Raise StartError if this address can't be listened on."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(bind)
            probe.listen()
        except OSError as error:
            raise StartError(f"{name} {bind}: {error.strerror or error}") from None


def check_services() -> None:
    """Exit if a service refuses its settings. It has printed the reason, on one line."""
    checks = [subprocess.Popen([sys.executable, "-m", service, "--check"]) for service in SERVICES]
    codes = [check.wait() for check in checks]
    if any(codes):
        raise SystemExit(max(codes))


async def _run(settings: Settings, lock: int | None) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if settings.database_url is not None:
        await _connect(settings)  # report a wrong URL now: services would retry for ever
    with tempfile.TemporaryDirectory(prefix="stockstream-") as run_dir:
        runner = await _start_runner(settings, run_dir, lock)
        await _watch(settings, runner, run_dir, stop)
    return 0 if stop.is_set() else 1


async def _watch(settings: Settings, runner: asyncio.subprocess.Process, run_dir: str, stop: asyncio.Event) -> None:
    """Wait until we are told to stop, the runner ends, or the start fails (which raises)."""
    work = asyncio.create_task(_bring_up(settings, Path(run_dir)))
    stopped = asyncio.create_task(stop.wait())
    ended = asyncio.create_task(runner.wait())
    try:
        await asyncio.wait({work, stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
            await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        work.cancel()
        assert runner.stdin is not None  # noqa: S101 - it was started with a pipe
        runner.stdin.close()
        await ended
        kill_session(runner.pid)  # in case the runner itself was killed


async def _start_runner(settings: Settings, run_dir: str, lock: int | None) -> asyncio.subprocess.Process:
    """Start the runner of supervisord, which stops it in order when its standard input ends.

    It has its own session, so that a Ctrl-C at the terminal reaches only this process. It shares the lock of DATA_DIR:
    even if this process is killed, nobody else can use the directory before everything has stopped.
    """
    environment = {
        **os.environ,
        "STOCKSTREAM_PYTHON": sys.executable,
        "DATA_DIR": str(settings.data_dir.resolve()),
        "PYTHONUNBUFFERED": "1",
        "STOCKSTREAM_UID": str(os.geteuid()),
        "STOCKSTREAM_RUN_DIR": run_dir,
        "STOCKSTREAM_EMBEDDED": "true" if settings.database_url is None else "false",
    }
    folders = [run_dir, *([] if lock is None else [str(socket_dir(settings.data_dir))])]
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shared.local.runner", *folders),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        pass_fds=() if lock is None else (lock,),
        start_new_session=True,
    )


async def _bring_up(settings: Settings, run_dir: Path) -> None:
    if settings.database_url is None:
        await _create_database(settings)
    await migrate(database_url(settings, OWNER))
    (run_dir / MIGRATED).touch()
    for url in (settings.api_bind.url, settings.stream_bind.url):
        await _wait_until_ready(f"{url}/readyz")
    token = "" if settings.auth == "open" else ' -H "Authorization: Bearer $TOKEN"'
    print(f"\nstockstream is ready\n  dashboard  {settings.api_bind.url}/", flush=True)
    print(f"  events     curl -N {settings.stream_bind.url}/events{token}\n", flush=True)


async def _connect(settings: Settings) -> None:
    url = database_url(settings, OWNER)
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_SECONDS)
    except (ValueError, *DRIVER_ERRORS) as error:
        where = urlsplit(url)
        raise StartError(
            f"DATABASE_URL: cannot connect to {where.hostname or 'the server'}: {_reason(error)}"
        ) from None
    await connection.close()


async def _create_database(settings: Settings) -> None:
    """Wait for the embedded PostgreSQL, and create the database in a new cluster."""
    url = embedded_url(settings.data_dir).replace(f"/{DATABASE}?", "/postgres?")
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        problem = "it is not ready yet"
        if postgres.is_ready(settings.data_dir):
            try:
                connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_SECONDS)
                break
            except DRIVER_ERRORS as error:
                problem = _reason(error)
        if time.monotonic() > deadline:
            raise StartError(f"PostgreSQL did not start: {problem}")
        await asyncio.sleep(POLL_SECONDS)
    with contextlib.suppress(asyncpg.DuplicateDatabaseError):
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    await connection.close()


async def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while problem := await asyncio.to_thread(_why_not_ready, url):
        if time.monotonic() > deadline:
            raise StartError(f"{url} did not become ready: {problem}")
        await asyncio.sleep(POLL_SECONDS)


def _why_not_ready(url: str) -> str | None:
    """Why the service is not ready, in its own words if it answers; None if it is ready."""
    try:
        with urllib.request.urlopen(url, timeout=CONNECT_TIMEOUT_SECONDS):  # noqa: S310 - http://, ours
            return None
    except urllib.error.HTTPError as answer:
        with contextlib.suppress(ValueError, KeyError):
            return str(json.load(answer)["detail"])
        return f"it answers with status {answer.code}"
    except OSError as error:
        return f"it does not answer ({error})"


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
