"""Steps with streams: one of each account is kept through the run, and others come and go."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import aiohttp

from tests.acceptance.rights.streams import Client

if TYPE_CHECKING:
    from tests.acceptance.rights.world import World

MOST_GUESTS = 5  # streams that come and go
RECENT_EVENTS = 100  # of which streams are resumed most often


async def open_first_streams(world: World) -> None:
    """Open the streams that are kept through the run: one of each account, and some that are narrowed."""
    for number, account in enumerate(world.accounts):
        world.clients.append(Client(world, account))
        if number % 3 == 1:
            world.clients.append(Client(world, account, locations=(world.draw_location(), world.draw_location())))
        if number % 3 == 2:
            world.clients.append(Client(world, account, items=tuple(world.draw_item(account) for _ in range(6))))
    world.kept_clients = len(world.clients)
    for client in world.clients:
        await client.open("snapshot")


async def reconnect(world: World) -> None:
    """Close one of the kept streams, or open it again."""
    client = world.rng.choice(world.clients[: world.kept_clients])
    await client.close()
    if world.chance(0.6):
        await client.open(world.rng.choice(["resume", "resume", "resume", "snapshot", "head"]))


async def open_another(world: World) -> None:
    """Open a stream, from now on or from any position, narrowed or not; and close the oldest of these."""
    account, rng = world.draw_account(), world.rng
    locations = tuple(world.draw_location() for _ in range(rng.choice([0, 0, 0, 1, 2])))
    items = tuple(world.draw_item(account) for _ in range(rng.choice([0, 0, 0, 1, 5])))
    client = Client(world, account, locations=locations, items=items)
    start = rng.choice(["resume", "resume", "resume", "snapshot", "head"])
    position = None
    if start == "resume":
        events = world.model.log[-RECENT_EVENTS:] if world.chance(0.8) else world.model.log
        position = world.position(rng.choice(events).id if events else 0)
    if len(world.clients) >= world.kept_clients + MOST_GUESTS:
        oldest = world.clients.pop(world.kept_clients)
        await oldest.settle()
        await oldest.close()
    world.clients.append(client)
    await client.open(start, position)


async def count_replays(world: World) -> Counter[str]:
    """How often the stream has read what followed a position in the ring, and how often in blocks of older events."""
    async with aiohttp.ClientSession(world.stack.stream_url) as session, session.get("/metrics") as response:
        found = re.findall(r'^stockstream_replays_total\{source="(\w+)"\} (\d+)', await response.text(), re.MULTILINE)
    return Counter({source: int(count) for source, count in found})


async def settle_one(world: World) -> None:
    """Check that a stream has brought everything that it should have, and nothing else."""
    await world.rng.choice(world.clients).settle()


async def settle_all(world: World) -> None:
    for client in world.clients:
        await client.settle()


async def finish(world: World) -> None:
    """Open again what is closed, and check that all know what they may see."""
    for client in world.clients:
        if not client.is_open and world.model.gate(client.account, "viewer") is None:
            await client.close()  # keeps what it has received, if the stream has ended by itself
            await client.open("resume")
    await settle_all(world)


async def close_all(world: World) -> None:
    for client in world.clients:
        await client.close()
