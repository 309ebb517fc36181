"""A minimal subscriber: reads the frames of a stream and remembers the last id."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class Frame:
    """A received frame. ``raw`` is its text without the terminating blank line."""

    raw: str
    id: str | None = None
    event: str | None = None
    data: str | None = None
    retry: int | None = None

    @classmethod
    def parse(cls, raw: str) -> Self:
        fields: dict[str, Any] = {}
        for line in raw.split("\n"):
            name, _, value = line.partition(": ")
            if name == "data" and "data" in fields:
                fields["data"] += "\n" + value
            elif name:
                fields[name] = int(value) if name == "retry" else value
        return cls(raw, **{name: value for name, value in fields.items() if not name.startswith(":")})

    @property
    def json(self) -> Any:
        assert self.data is not None
        return json.loads(self.data)

    @property
    def event_id(self) -> int:
        assert self.id is not None
        return int(self.id.rpartition("-")[2])


class Subscriber:
    """An open stream."""

    def __init__(self, response: aiohttp.ClientResponse, patience: float = PATIENCE_SECONDS) -> None:
        self.response = response
        self.patience = patience
        self.last_event_id: str | None = None
        self._rest = b""

    @property
    def unread(self) -> bytes:
        """What was received of a frame that is not complete."""
        return self._rest

    async def frame(self) -> Frame:
        """Return the next frame. Raises EOFError at the end of the stream, TimeoutError after `patience` seconds."""
        while b"\n\n" not in self._rest:
            async with asyncio.timeout(self.patience):
                chunk = await self.response.content.readany()
            if not chunk:
                raise EOFError
            self._rest += chunk
        raw, self._rest = self._rest.split(b"\n\n", 1)
        frame = Frame.parse(raw.decode())
        self.last_event_id = frame.id or self.last_event_id
        return frame

    async def next(self, event: str) -> Frame:
        """Return the next frame with this event type, skipping all others."""
        while (frame := await self.frame()).event != event:
            pass
        return frame

    async def updates(self, count: int) -> list[Frame]:
        """Return the next `count` changes."""
        return [await self.next("inventory_update") for _ in range(count)]

    async def opened(self) -> Self:
        """Wait until the stream is live, which its first heartbeat shows."""
        await self.next("heartbeat")
        return self

    async def rest(self) -> list[Frame]:
        """Return the remaining frames until the stream ends."""
        frames = []
        while True:
            try:
                frames.append(await self.frame())
            except EOFError:
                return frames


@asynccontextmanager
async def subscribe(
    stream_url: str,
    query: str = "",
    *,
    last_event_id: str | None = None,
    headers: dict[str, str] | None = None,
    patience: float = PATIENCE_SECONDS,
) -> AsyncIterator[Subscriber]:
    """Open `/events` like EventSource."""
    sent = dict(headers or {}) | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=patience)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        async with asyncio.timeout(patience):
            response = await session.get(f"{stream_url}/events{query}", headers=sent)
        async with response:
            yield Subscriber(response, patience)
