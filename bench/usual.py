"""The usual design as a baseline: one asyncio.Queue per client and one send per event.

It uses the same Quart, Hypercorn and log as the stream service.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from typing import TYPE_CHECKING

import asyncpg
from quart import Quart, Response

from shared.log.follower import select_head
from shared.process.serving import serve
from shared.process.settings import Bind
from stream_service.store import log as log_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def create_app(url: str) -> Quart:
    app = Quart(__name__)
    queues: set[asyncio.Queue[bytes]] = set()

    async def relay() -> None:
        rung = asyncio.Event()
        listener, reader = await asyncpg.connect(url), await asyncpg.connect(url)
        await listener.add_listener("inventory_history", lambda *_: rung.set())
        head = await select_head(reader)
        last = head.event_id
        while True:
            await rung.wait()
            rung.clear()
            for frame in await log_store.select_events(reader, head.epoch, after=last, page=1_000_000):
                last = frame.event_id
                for queue in queues:
                    queue.put_nowait(frame.data)

    @app.before_serving
    async def start() -> None:
        app.add_background_task(relay)

    @app.get("/readyz")
    async def readyz() -> str:
        return "ready"

    @app.get("/events")
    async def events() -> Response:
        async def stream() -> AsyncIterator[bytes]:
            queue: asyncio.Queue[bytes] = asyncio.Queue()
            queues.add(queue)
            try:
                yield b": welcome\n\n"
                while True:
                    yield await queue.get()
            finally:
                queues.discard(queue)

        response = Response(stream(), content_type="text/event-stream")
        response.timeout = None
        return response

    return app


if __name__ == "__main__":
    logging.basicConfig(level="WARNING")
    gc.set_threshold(100_000, 5, 100)  # same as in the stream service
    serve(create_app(os.environ["DATABASE_URL"]), Bind("127.0.0.1", int(sys.argv[1])), "port")
