"""Load generator: many subscribers in one process, on raw sockets, which only count events and time some of them.

It prints `ready` once every client has received its first bytes, then reads commands from standard input:

`mark` starts a measurement. `wait N` returns once every client has received N events since the mark. `deaf` makes
every client stop reading. `stop` prints the result as JSON and exits. The other commands are answered with `ok`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from datetime import datetime
from typing import Any, cast

import uvloop

EVENT = b"inventory_update\n"
CHANGED_AT = b'"changed_at":"'
TIMED_CLIENTS = 50  # timing every client would make the load generator the bottleneck
CONNECTS_AT_A_TIME = 200


class Load:
    """The subscribers and their combined result."""

    def __init__(self, clients: int) -> None:
        self.opened = 0
        self.everyone_opened = asyncio.Event()
        self.progress = asyncio.Event()
        self.clients: list[Subscriber] = []
        self.wanted = clients
        self.latencies: list[float] = []
        self.lost = 0
        self.mark()

    def mark(self) -> None:
        self.latencies.clear()
        for client in self.clients:
            client.events = client.bytes = 0
        self.marked_at = time.perf_counter()
        self.cpu_at_mark = time.process_time()

    def result(self) -> dict[str, Any]:
        seconds = time.perf_counter() - self.marked_at
        ordered = sorted(self.latencies)
        return {
            "seconds": seconds,
            "events": sum(client.events for client in self.clients),
            "fewest": min(client.events for client in self.clients),
            "bytes": sum(client.bytes for client in self.clients),
            "client_cpu": (time.process_time() - self.cpu_at_mark) / seconds,
            "p50": ordered[len(ordered) // 2] if ordered else None,
            "p99": ordered[int(len(ordered) * 0.99)] if ordered else None,
            "lost": self.lost,
        }


class Subscriber(asyncio.Protocol):
    """Counts the events of one stream. Times the first event of each chunk, which has waited longest."""

    def __init__(self, load: Load, request: bytes, *, timed: bool) -> None:
        self.events = self.bytes = 0
        self._load = load
        self._request = request
        self._timed = timed
        self._heard = False
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's transport doesn't inherit from asyncio.Transport
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self._heard:
            self._heard = True
            self._load.opened += 1
            if self._load.opened == self._load.wanted:
                self._load.everyone_opened.set()
        self.bytes += len(data)
        joined = self._tail + data
        self.events += joined.count(EVENT)
        self._tail = joined[1 - len(EVENT) :]
        if self._timed:
            self._time(data)
        self._load.progress.set()

    def _time(self, data: bytes) -> None:
        start = data.find(CHANGED_AT)
        if start >= 0:
            text = data[start + len(CHANGED_AT) : start + len(CHANGED_AT) + 27]
            if text.endswith(b"Z"):
                changed_at = datetime.fromisoformat(text.decode()).timestamp()
                self._load.latencies.append((time.time() - changed_at) * 1000)

    def connection_lost(self, _error: Exception | None) -> None:
        self._load.lost += 1


async def run(arguments: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    load = Load(arguments.clients)
    position = f"Last-Event-ID: {arguments.position}\r\n" if arguments.position else ""
    request = (
        f"GET {arguments.path} HTTP/1.1\r\nHost: localhost\r\n{position}Accept: text/event-stream\r\n\r\n".encode()
    )
    load.mark()
    timed_every = max(1, arguments.clients // TIMED_CLIENTS)
    for start in range(0, arguments.clients, CONNECTS_AT_A_TIME):
        numbers = range(start, min(start + CONNECTS_AT_A_TIME, arguments.clients))
        new = [Subscriber(load, request, timed=number % timed_every == 0) for number in numbers]
        load.clients += new
        await asyncio.gather(
            *(loop.create_connection(lambda client=client: client, "127.0.0.1", arguments.port) for client in new)
        )
    await load.everyone_opened.wait()
    print("ready", flush=True)
    while True:
        command, *values = (await loop.run_in_executor(None, sys.stdin.readline)).split() or ["stop"]
        if command == "mark":
            load.mark()
        elif command == "wait":
            while min(client.events for client in load.clients) < int(values[0]):
                load.progress.clear()
                await load.progress.wait()
        elif command == "deaf":
            for client in load.clients:
                client.transport.pause_reading()
        elif command == "stop":
            print(json.dumps(load.result()), flush=True)
            return
        print("ok", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("clients", type=int)
    parser.add_argument("--path", default="/events")
    parser.add_argument("--position")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
