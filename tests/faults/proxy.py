"""A faulty network: a proxy that delays, splits or swallows bytes, or resets connections."""

from __future__ import annotations

import asyncio
import contextlib
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.waiting import within

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Sequence

CHUNK_BYTES = 65_536
SMALL_BYTES = 7  # smaller than any frame, and splits multi-byte characters
MAX_DELAY_SECONDS = 0.05
END_SECONDS = 10.0
POLL_SECONDS = 0.02


class NetworkMode(Enum):
    """What the proxy does with the bytes it relays."""

    NORMAL = "normal"
    DELAYED = "delayed"
    SPLIT = "split"
    SWALLOWED = "swallowed"  # like a pulled cable: neither side notices


class Proxy:
    """Relays connections to a server on this machine, over TCP or Unix sockets."""

    def __init__(self, upstream: int | Path | Sequence[int], choose: random.Random) -> None:
        self.mode = NetworkMode.NORMAL
        self.upstream = upstream  # where new connections lead: to a port, a path, or any of several ports
        self._choose = choose
        self._pulled: set[asyncio.StreamWriter] = set()  # those of connections whose cable is pulled for good
        self._writers: set[asyncio.StreamWriter] = set()
        self._relays: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self, at: int | Path) -> AsyncIterator[None]:
        """Accept and relay connections at this port or path within the block."""
        if isinstance(at, int):
            server = await asyncio.start_server(self._accept, "127.0.0.1", at)
        else:
            server = await asyncio.start_unix_server(self._accept, at)
        try:
            yield
        finally:
            server.close()
            await self._end_relays()

    def cut(self) -> None:
        """Reset every connection, even in the middle of a frame or a character."""
        for writer in list(self._writers):
            writer.transport.abort()

    def pull(self) -> None:
        """Pull the cable of every connection that is open now: neither side notices, and it is never repaired."""
        self._pulled |= self._writers

    async def _end_relays(self) -> None:
        async with within(END_SECONDS, "the proxy's connections to end"):
            while self._relays:
                for relay in self._relays:
                    relay.cancel()
                await asyncio.wait(self._relays)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay = asyncio.create_task(self._relay(reader, writer))
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = {writer}
        self._writers |= ends
        ways: list[asyncio.Task[None]] = []
        try:
            other_reader, other_writer = await self._connect()
            ends.add(other_writer)
            self._writers |= ends
            ways += [asyncio.create_task(self._pump(*way)) for way in ((reader, other_writer), (other_reader, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass  # the server is down, so the client's connection is closed
        finally:
            self._writers -= ends
            self._pulled -= ends
            for way in ways:
                way.cancel()
            for end in ends:
                end.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)

    def _swallows(self, writer: asyncio.StreamWriter) -> bool:
        return self.mode is NetworkMode.SWALLOWED or writer in self._pulled

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.upstream, Path):
            return await asyncio.open_unix_connection(self.upstream)
        port = self.upstream if isinstance(self.upstream, int) else self._choose.choice(self.upstream)
        return await asyncio.open_connection("127.0.0.1", port)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if self._swallows(writer):
                continue
            if self.mode is NetworkMode.DELAYED:
                await asyncio.sleep(self._choose.random() * MAX_DELAY_SECONDS)
            size = SMALL_BYTES if self.mode is NetworkMode.SPLIT else CHUNK_BYTES
            for start in range(0, len(data), size):
                writer.write(data[start : start + size])
                await writer.drain()
                if self.mode is NetworkMode.SPLIT:
                    await asyncio.sleep(0)  # send each piece as a separate packet
        while self._swallows(writer):  # the other side does not learn of the end either
            await asyncio.sleep(POLL_SECONDS)
