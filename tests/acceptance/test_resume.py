"""A client that is disconnected repeatedly receives the whole log: each event once, in order."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING

import aiohttp
import asyncpg

from tests.sse import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.stack import Stack

WRITES = 10_000
WRITERS = 4
CUTS = 20


async def write(database_url: str, writer: int) -> None:
    connection = await asyncpg.connect(database_url)
    for number in range(WRITES // WRITERS):
        if number % 10 == 0:
            await connection.execute("INSERT INTO inventory (name, quantity) VALUES ($1, 0)", f"writer {writer}")
        else:
            await connection.execute(
                "UPDATE inventory SET quantity = quantity + 1"
                " WHERE id = (SELECT max(id) FROM inventory WHERE name = $1)",
                f"writer {writer}",
            )
    await connection.close()


async def curl(url: str, output: bytearray, last_event_id: str) -> None:
    """Append the stream to `output`, like `curl -N -H "Last-Event-ID: ..."`. May be cancelled at any byte."""
    headers = {"Last-Event-ID": last_event_id}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        async for chunk in response.content.iter_any():
            output += chunk


def whole_frames(output: bytes) -> list[tuple[str, str]]:
    """Return the id and data of each complete change frame."""
    frames = [frame for frame in output.decode(errors="ignore").split("\n\n")[:-1] if "inventory_update" in frame]
    fields = [dict(line.split(": ", 1) for line in frame.splitlines()) for frame in frames]
    return [(field["id"], field["data"]) for field in fields]


async def test_killed_and_restarted_20_times_during_10_000_writes_the_joined_output_is_the_log(stack: Stack) -> None:
    choose = random.Random(20)
    ((start,),) = stack.sql("SELECT log_position()")
    received: list[tuple[str, str]] = []
    writers = [asyncio.create_task(write(stack.database_url, number)) for number in range(WRITERS)]

    async def connect(enough: int) -> None:
        """Read one stream and cancel it once `enough` whole events have arrived, and a part of the next perhaps."""
        output = bytearray()
        reader = asyncio.create_task(curl(f"{stack.stream_url}/events", output, received[-1][0] if received else start))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while output.count(b"event: inventory_update", 0, output.rfind(b"\n\n") + 1) < enough and not reader.done():
                await asyncio.sleep(0.001)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        received.extend(whole_frames(bytes(output)))

    for _ in range(CUTS):
        await connect(choose.randint(1, WRITES // CUTS - 50))
    await asyncio.gather(*writers)
    await connect(WRITES - len(received))

    rows = stack.sql("SELECT log_epoch() || '-' || event_id, after FROM inventory_history ORDER BY event_id")
    assert [event_id for event_id, _ in received] == [event_id for event_id, _ in rows]
    assert [json.loads(data)["data"] for _, data in received] == [json.loads(after) for _, after in rows]
    assert len(rows) == WRITES
