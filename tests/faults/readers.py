"""Readers that follow the log during faults and record every event they receive."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp

from shared.log.documents import MAX_ID
from tests.faults.waiting import within
from tests.sse import Frame, subscribe

if TYPE_CHECKING:
    import random

PATIENCE_SECONDS = 4.0  # heartbeats come every second
COMEBACK_SECONDS = 0.05  # shorter than in EventSource, to reconnect during the fault
UNREACHABLE = (aiohttp.ClientError, ConnectionError, EOFError, TimeoutError, json.JSONDecodeError)


class Seen(NamedTuple):
    """The position of an event that a reader received."""

    epoch: str
    event_id: int


class Access(NamedTuple):
    """What a reader sends to be admitted, and the account that this belongs to. Empty without accounts."""

    account: str
    headers: dict[str, str]


OPEN = Access("", {})  # without accounts


class Reader:
    """A client like the page: keeps the stock and its position, and reconnects with the last id it received.

    ``seen`` holds every event since the last full load of the stock, at ``loaded_at``. ``revoked`` has the head of the
    log at the time when a revoked access must have ended at the latest; ``late`` counts later events that came anyway.
    """

    def __init__(self, name: str, stream_url: str, api_url: str, access: Access = OPEN, *, by_snapshot: bool) -> None:
        self.name = name
        self.access = access
        self.revoked: dict[str, int] = {}
        self.late = 0
        self.items: dict[int, dict[str, Any]] = {}
        self.seen: list[Seen] = []
        self.loaded_at: Seen | None = None
        self.events = self.resets = self.connects = 0
        self._stream_url = stream_url
        self._api_url = api_url
        self._by_snapshot = by_snapshot
        self._position: str | None = None
        self._news = asyncio.Condition()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            with contextlib.suppress(*UNREACHABLE):
                await self._follow()
            await asyncio.sleep(COMEBACK_SECONDS)

    async def until(self, head: Seen, seconds: float) -> None:
        """Wait until this event has been received. Raises StuckError."""
        async with within(seconds, f"{self.name} to come from {self.place} to {head}"), self._news:
            await self._news.wait_for(lambda: self.place == head)

    @property
    def place(self) -> Seen | None:
        return self.seen[-1] if self.seen else self.loaded_at

    async def _follow(self) -> None:
        if self._position is None and not self._by_snapshot:
            await self._load()
        query, access = "" if self._position else "?snapshot=1", self.access
        async with subscribe(
            self._stream_url, query, last_event_id=self._position, headers=access.headers, patience=PATIENCE_SECONDS
        ) as stream:
            if stream.response.status != 200:
                raise EOFError
            self.connects += 1
            whole: list[dict[str, Any]] = []
            while True:
                frame = await stream.frame()
                if frame.event == "snapshot":
                    whole += frame.json
                    if frame.id:
                        self.start_over(whole, frame.id)
                elif frame.event == "reset":
                    self.resets += 1
                    self._position = None  # makes _follow() load the stock again
                    return
                else:
                    self._take(frame)
                    if frame.event == "inventory_update" and frame.event_id > self.revoked.get(access.account, MAX_ID):
                        self.late += 1
                async with self._news:
                    self._news.notify_all()

    async def _load(self) -> None:
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=self.access.headers) as session,
            session.get(f"{self._api_url}/api/inventories") as response,
        ):
            if response.status == 200:
                self.start_over(await response.json(), response.headers["Last-Event-ID"])
            else:
                raise EOFError

    def start_over(self, items: list[dict[str, Any]], position: str) -> None:
        """Replace the stock and continue from this position."""
        self.items = {item["id"]: item for item in items}
        self.loaded_at, self.seen, self._position = _seen(position), [], position

    def _take(self, frame: Frame) -> None:
        if frame.event == "inventory_update" and frame.id:
            self.events += 1
            self.seen.append(_seen(frame.id))
            item = frame.json["data"]
            if frame.json["event"] == "DELETE":
                self.items.pop(item["id"], None)
            else:
                self.items[item["id"]] = item
        self._position = frame.id or self._position


def _seen(position: str) -> Seen:
    epoch, _, event_id = position.rpartition("-")
    return Seen(epoch, int(event_id))


class BadReader:
    """A client that stops reading, reads single bytes or vanishes. It must not affect the others."""

    def __init__(self, port: int, choose: random.Random, access: Access = OPEN) -> None:
        self._port = port
        self._access = access
        self._choose = choose

    async def run(self) -> None:
        """Connect, misbehave for a while and disconnect abruptly; repeat until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            with socket.socket() as connection, contextlib.suppress(OSError, TimeoutError):
                connection.setblocking(False)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                lines = [f"{name}: {value}\r\n" for name, value in self._access.headers.items()]
                request = f"GET /events?snapshot=1 HTTP/1.1\r\nHost: localhost\r\n{''.join(lines)}\r\n".encode()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await loop.sock_connect(connection, ("127.0.0.1", self._port))
                    await loop.sock_sendall(connection, request[: self._choose.choice([10, len(request)])])
                if self._choose.random() < 0.5:
                    for _ in range(self._choose.randrange(20)):
                        async with asyncio.timeout(1):
                            await loop.sock_recv(connection, 1)
                await asyncio.sleep(self._choose.random() * 3)
            await asyncio.sleep(self._choose.random() * 0.2)
