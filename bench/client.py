"""Load generator: many subscribers in one process, on raw sockets, which only count events and time some of them.

It prints `ready` once every client has received its first bytes, then reads commands from standard input:

`mark` starts a measurement. `wait N` returns once every client has received N events since the mark, `total N` once
all of them together have, and `snapshots` once every client has received a snapshot. `deaf` makes every client stop
reading. `stop` prints the result as JSON and exits. The other commands are answered with `ok`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import h2.connection
import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT = b"inventory_update\n"
SNAPSHOT_END = b"id: "  # the last frame of a snapshot is the first with an id
MAX_WINDOW = 2**31 - 1  # HTTP/2: more than is ever sent here, so that no window has to be updated
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

    async def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            self.progress.clear()
            await self.progress.wait()

    def has_received(self, events: int) -> bool:
        """Whether every client has received this number of events."""
        return all(client.events >= events for client in self.clients)

    def has_received_in_total(self, events: int) -> bool:
        return sum(client.events for client in self.clients) >= events

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

    def __init__(self, load: Load, request: bytes, *, timed: bool, is_deaf: bool) -> None:
        self.events = self.bytes = 0
        self.has_snapshot = False
        self._is_deaf = is_deaf
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
            if self._is_deaf:
                self.transport.pause_reading()
        self.bytes += len(data)
        joined = self._tail + data
        self.events += joined.count(EVENT)
        self.has_snapshot = self.has_snapshot or SNAPSHOT_END in joined
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


def _same(client: Subscriber) -> Subscriber:
    return client


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def request(arguments: argparse.Namespace, number: int) -> bytes:
    """The request of this client."""
    path = f"{arguments.path}?item={1 + number % arguments.items}" if arguments.items else arguments.path
    if arguments.http2:
        return _http2_request(path)
    headers = [f"Last-Event-ID: {arguments.position}\r\n"] if arguments.position else []
    headers += [f"Authorization: Bearer {arguments.tokens[number]}\r\n"] if arguments.tokens else []
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{''.join(headers)}Accept: text/event-stream\r\n\r\n".encode()


def _http2_request(path: str) -> bytes:
    connection = h2.connection.H2Connection()
    connection.local_settings.initial_window_size = MAX_WINDOW
    connection.initiate_connection()
    connection.increment_flow_control_window(MAX_WINDOW - 2**16)
    headers = [(":method", "GET"), (":path", path), (":scheme", "http"), (":authority", "localhost")]
    connection.send_headers(1, headers, end_stream=True)
    return connection.data_to_send()


async def run(arguments: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    load = Load(arguments.clients)
    load.mark()
    timed_every = max(1, arguments.clients // TIMED_CLIENTS)
    for start in range(0, arguments.clients, CONNECTS_AT_A_TIME):
        numbers = range(start, min(start + CONNECTS_AT_A_TIME, arguments.clients))
        new = [
            Subscriber(load, request(arguments, number), timed=number % timed_every == 0, is_deaf=arguments.deaf)
            for number in numbers
        ]
        load.clients += new
        await asyncio.gather(
            *(loop.create_connection(partial(_same, client), "127.0.0.1", arguments.port) for client in new)
        )
    await load.everyone_opened.wait()
    print("ready", flush=True)
    while True:
        command, *values = (await loop.run_in_executor(None, sys.stdin.readline)).split() or ["stop"]
        if command == "mark":
            load.mark()
        elif command == "wait":
            await load.until(partial(load.has_received, int(values[0])))
        elif command == "total":
            await load.until(partial(load.has_received_in_total, int(values[0])))
        elif command == "snapshots":
            await load.until(lambda: all(client.has_snapshot for client in load.clients))
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
    parser.add_argument("--items", type=int, default=0, help="narrow client n to item 1 + n %% ITEMS")
    parser.add_argument("--http2", action="store_true")
    parser.add_argument("--tokens", type=_lines, help="file with a token for each client")
    parser.add_argument("--deaf", action="store_true", help="stop reading after the first bytes")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
