"""The servers under test: the stream, the usual design and nchan; the API and a bare route."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bench import nchan
from tests import processes
from tests.gateway.gateway import CADDY, CADDYFILE, LIMITS
from tests.stack import ROOT, answers, environment, free_port

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping

    from tests.postgres import PostgresServer

NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
START_SECONDS = 30
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


class Server:
    """A server under test: starts its processes, waits until it is ready, measures CPU time and memory."""

    name: str
    role = "stockstream_stream"

    def __init__(
        self, postgres: PostgresServer, database: str, folder: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self.folder = folder
        self.settings = settings or {}
        self.url = postgres.url(database, self.role)
        self.processes: list[subprocess.Popen[bytes]] = []  # the server first, then helpers that are not measured

    def spawn(self, command: list[str], **settings: str) -> None:
        with (self.folder / f"{self.name}.log").open("ab") as log:
            process = processes.start(
                command, cwd=ROOT, env=environment(DATABASE_URL=self.url, **settings), stdout=log, stderr=log
            )
        self.processes.append(process)

    def start(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_for(self.is_ready)
        except BaseException:
            self.__exit__()
            raise
        return self

    def is_ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}/readyz")

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            assert time.monotonic() < deadline, (self.folder / f"{self.name}.log").read_text()
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        while self.processes:
            processes.kill(self.processes.pop())

    def _pids(self) -> list[int]:
        return with_children(self.processes[0].pid)

    def cpu_seconds(self) -> float:
        """Return the user and system CPU time that the server and its child processes have used."""
        return sum(map(cpu_seconds, self._pids()))

    def resident_kb(self) -> int:
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KB for pid in self._pids())


def cpu_seconds(pid: int, *, with_ended: bool = False) -> float:
    """The user and system CPU time of a process; with that of its ended children, if wanted."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if with_ended else 13])) / CLOCK_TICKS


def with_children(pid: int) -> list[int]:
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


class Stockstream(Server):
    name = "stockstream"

    def start(self) -> None:
        self.start_stream(self.port)

    def start_stream(self, port: int) -> None:
        settings = {"STREAM_BIND": f"127.0.0.1:{port}", "STREAM_MAX_PER_CLIENT": "20000"}
        self.spawn([sys.executable, "-m", "stream_service"], LOG_LEVEL="warning", **settings, **self.settings)


class Gateway(Stockstream):
    """The stream behind Caddy. Both are measured."""

    name = "stockstream and Caddy"

    def start(self) -> None:
        self.stream_port, health_port = free_port(), free_port()
        self.start_stream(self.stream_port)
        settings = {
            **LIMITS,
            "GATEWAY_SITE": f"http://:{self.port}",
            "GATEWAY_HEALTH_PORT": str(health_port),
            "STREAM_HOST": "127.0.0.1",
            "STREAM_PORT": str(self.stream_port),
            "XDG_DATA_HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
        }
        self.spawn([CADDY, "run", "--config", CADDYFILE, "--adapter", "caddyfile"], **settings)
        self.wait_for(lambda: answers(f"http://127.0.0.1:{health_port}/"))

    def is_ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.stream_port}/readyz")

    def _pids(self) -> list[int]:
        return [pid for process in self.processes for pid in with_children(process.pid)]


class Api(Server):
    name = "api_service"
    role = "stockstream_api"

    def start(self) -> None:
        bind = f"127.0.0.1:{self.port}"
        self.spawn([sys.executable, "-m", "api_service"], LOG_LEVEL="warning", API_BIND=bind, **self.settings)


class Bare(Server):
    name = "bare route"

    def start(self) -> None:
        self.spawn([sys.executable, "-m", "bench.bare", str(self.port)])


class Usual(Server):
    name = "usual design"

    def start(self) -> None:
        self.spawn([sys.executable, "-m", "bench.usual", str(self.port)])


class Nchan(Server):
    name = "nchan"

    @staticmethod
    def is_installed() -> bool:
        return shutil.which("nginx", path="/usr/sbin:/usr/bin") is not None and NCHAN_MODULE.exists()

    def start(self) -> None:
        configuration = self.folder / "nginx.conf"
        self.folder.chmod(0o755)
        workers = self.settings.get("STREAM_WORKERS", "1")
        configuration.write_text(
            nchan.CONFIGURATION.format(module=NCHAN_MODULE, folder=self.folder, port=self.port, workers=workers)
        )
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin") or "nginx"
        self.spawn([nginx, "-c", str(configuration)])
        publish = f"http://127.0.0.1:{self.port}/publish"
        self.spawn([sys.executable, "-m", "bench.nchan", publish])
        self.wait_for(lambda: "ready" in (self.folder / f"{self.name}.log").read_text())
