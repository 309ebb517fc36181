"""A subscriber, as small as `curl -N`: it reads frames and remembers the last id."""

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
    """One frame as it came; ``raw`` without its blank line."""

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

    async def frame(self) -> Frame:
        """The next frame; raises EOFError at the end of the stream, TimeoutError when it is silent for too long."""
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
        """The next frame of this event; whatever comes before is passed over."""
        while (frame := await self.frame()).event != event:
            pass
        return frame

    async def updates(self, count: int) -> list[Frame]:
        """The next so many changes."""
        return [await self.next("inventory_update") for _ in range(count)]

    async def opened(self) -> Self:
        """Return when the stream is live: its first heartbeat has come."""
        await self.next("heartbeat")
        return self

    async def rest(self) -> list[Frame]:
        """Everything until the stream ends."""
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
    """Open `/events`, as EventSource does."""
    sent = dict(headers or {}) | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=patience)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        async with asyncio.timeout(patience):
            response = await session.get(f"{stream_url}/events{query}", headers=sent)
        async with response:
            yield Subscriber(response, patience)
