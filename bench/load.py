"""Controls the load generator."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests import processes


class Client:
    """The load generator process (bench.client), controlled through its standard input."""

    def __init__(self, port: int, clients: int, *options: str) -> None:
        command = [sys.executable, "-m", "bench.client", str(port), str(clients), *options]
        self._process = processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._read("ready")

    def _read(self, expected: str) -> None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line == expected, line

    def say(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        self._read("ok")

    def stop(self) -> dict[str, Any]:
        out, _ = self._process.communicate("stop\n")
        processes.kill(self._process)
        result: dict[str, Any] = json.loads(out)
        return result
