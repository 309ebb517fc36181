"""Request generator: sends requests back to back on a few keep-alive connections, on raw sockets.

Prints, as JSON, the responses per second, the response times, the failures and the CPU share of this process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from functools import partial
from typing import Any

import uvloop

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """Sends the next request once the previous response is complete."""

    def __init__(self, requests: list[bytes], until: float) -> None:
        self.seconds: list[float] = []
        self.failures = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._until = until
        self._answer = bytearray()
        self._whole = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests[len(self.seconds) % len(self._requests)])

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._whole:
            end = self._answer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._whole = end + 4 + self._body_length(end + 2)
        if len(self._answer) >= self._whole:
            self._take()

    def _body_length(self, end: int) -> int:
        if self._answer[9:12] == b"304":
            return 0
        length = LENGTH.search(self._answer, 0, end)
        assert length is not None, bytes(self._answer[:end])
        return int(length[1])

    def _take(self) -> None:
        now = time.perf_counter()
        self.seconds.append(now - self._sent_at)
        self.failures += chr(self._answer[9]) not in "23"
        self._answer.clear()
        self._whole = 0
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def _same(connection: Connection) -> Connection:
    return connection


async def run(arguments: argparse.Namespace) -> None:
    requests = [line.encode().decode("unicode_escape").encode("latin-1") for line in arguments.request]
    started = time.perf_counter()
    cpu = time.process_time()
    loop = asyncio.get_running_loop()
    connections = [Connection(requests, started + arguments.seconds) for _ in range(arguments.connections)]
    for connection in connections:
        await loop.create_connection(partial(_same, connection), "127.0.0.1", arguments.port)
    await asyncio.gather(*(connection.ended for connection in connections))
    seconds = time.perf_counter() - started
    taken = sorted(second for connection in connections for second in connection.seconds)
    print(
        json.dumps(
            {
                "rate": len(taken) / seconds,
                "p50": taken[len(taken) // 2] * 1000,
                "p99": taken[int(len(taken) * 0.99)] * 1000,
                "failures": sum(connection.failures for connection in connections),
                "client_cpu": (time.process_time() - cpu) / seconds,
            }
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("request", nargs="+", help="requests to take turns with, whole, with \\r\\n for line ends")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
