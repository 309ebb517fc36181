"""A real broker for the tests: Debian's redis-server (or valkey-server), which tests stop, kill and pause."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.exceptions import RedisError

from tests import processes
from tests.stack import free_port
from tests.system_programs import find_broker

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS = 20
POLL_SECONDS = 0.02
PASSWORD = "only for tests"


class Broker:
    """A broker, which keeps nothing on disk."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = url(self.port)
        self._folder = folder
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        program = find_broker()
        assert program is not None
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": PASSWORD,
            "masterauth": PASSWORD,
            "save": "",
            "appendonly": "no",
            "repl-diskless-sync-delay": "0",
            "dir": str(self._folder),
            **self._settings,
        }
        command = [str(program), *(word for name, value in options.items() for word in (f"--{name}", value))]
        with (self._folder / f"broker-{self.port}.log").open("ab") as log:
            self._process = processes.start(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, (self._folder / f"broker-{self.port}.log").read_text()
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        with contextlib.suppress(RedisError):
            return bool(self.call("PING"))
        return False

    def call(self, *command: str | int) -> Any:
        """Send a command and return the answer."""
        with Redis.from_url(self.url, socket_timeout=START_SECONDS) as client:
            return client.execute_command(*command)

    def kill(self) -> None:
        """Kill it, if it runs. It forgets everything."""
        if self._process is not None:
            processes.kill(self._process)
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def url(port: int) -> str:
    return f"redis://:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}"


@contextlib.contextmanager
def running_broker(folder: Path, **settings: str) -> Iterator[Broker]:
    """Run a broker within the block."""
    broker = Broker(folder, **settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
