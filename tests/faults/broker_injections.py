"""Faults of the broker, and of the process that publishes to it. Each function breaks something and repairs it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.faults.injections import random_outage, terminate
from tests.faults.proxy import NetworkMode
from tests.faults.waiting import StuckError, within

if TYPE_CHECKING:
    from tests.broker import Broker
    from tests.faults.injections import Injection
    from tests.faults.world import World

SYNC_SECONDS = 10.0
POLL_SECONDS = 0.02
FULL_BYTES = 2**20  # less than a broker uses when it is empty


async def kill_the_broker(world: World) -> None:
    """Kill the broker. It comes back empty."""
    broker = world.brokers[0]
    broker.kill()
    try:
        await asyncio.sleep(random_outage(world))
    finally:
        await asyncio.to_thread(broker.start)


async def replace_the_broker(world: World) -> None:
    """Kill the broker, with an empty one in its place at once."""
    broker = world.brokers[0]
    broker.kill()
    await asyncio.to_thread(broker.start)


async def pause_the_broker(world: World) -> None:
    world.brokers[0].pause()
    try:
        await asyncio.sleep(random_outage(world))
    finally:
        world.brokers[0].resume()


async def flush_the_broker(world: World) -> None:
    await _call(world.brokers[0], "FLUSHALL")


async def fill_the_broker(world: World) -> None:
    """Leave the broker no memory for more."""
    broker = world.brokers[0]
    await _call(broker, "CONFIG", "SET", "maxmemory", FULL_BYTES)
    try:
        await asyncio.sleep(random_outage(world))
    finally:
        await _call(broker, "CONFIG", "SET", "maxmemory", 0)


async def trim_the_broker(world: World) -> None:
    """Trim the stream past its readers, several times."""
    broker = world.brokers[0]
    for _ in range(5):
        for key in await _call(broker, "KEYS", "*:log"):
            await _call(broker, "XTRIM", key.decode(), "MAXLEN", 0)
        await asyncio.sleep(random_outage(world) / 10)


async def promote_a_replica(world: World) -> None:
    """Promote a replica that lacks the newest entries, in place of the broker."""
    broker, replica = world.brokers
    await asyncio.to_thread(replica.start)
    try:
        await _call(replica, "REPLICAOF", "127.0.0.1", broker.port)
        async with within(SYNC_SECONDS, "the replica to catch up"):
            while (await _call(replica, "INFO", "replication"))["master_link_status"] != "up":
                await asyncio.sleep(POLL_SECONDS)
        await _call(replica, "REPLICAOF", "127.0.0.1", 1)  # it receives nothing more
        await asyncio.sleep(random_outage(world))
    finally:
        await _call(replica, "REPLICAOF", "NO", "ONE")
        broker.kill()
        world.brokers.reverse()
        world.broker_network.upstream = [replica.port]


async def _broker_network(mode: NetworkMode, world: World) -> None:
    """Have the connections to the broker cut, delayed, split or swallowed."""
    world.broker_network.mode = mode
    try:
        world.broker_network.cut()
        await asyncio.sleep(random_outage(world))
    finally:
        world.broker_network.mode = NetworkMode.NORMAL
        world.broker_network.cut()


async def kill_the_publisher(world: World) -> None:
    name = await _publisher(world)
    world.stack.kill(name)
    try:
        await asyncio.sleep(random_outage(world))
    finally:
        await asyncio.to_thread(world.stack.start, name, wait=False)


async def kill_the_publisher_before_it_publishes(world: World) -> None:
    """Kill the publisher while it waits for the broker to take what it has read."""
    name = await _publisher(world)
    world.brokers[0].pause()
    try:
        await asyncio.sleep(random_outage(world) / 10)
        world.stack.kill(name)
    finally:
        world.brokers[0].resume()
        await asyncio.to_thread(world.stack.start, name, wait=False)


async def suspend_the_publisher(world: World, seconds: float | None = None) -> None:
    """Suspend the publisher, which keeps the lock. It does not know how much time has passed when it goes on."""
    name = await _publisher(world)
    world.stack.pause(name)
    try:
        await asyncio.sleep(random_outage(world) if seconds is None else seconds)
    finally:
        world.stack.resume(name)


async def have_two_publishers(world: World) -> None:
    """Suspend the publisher and end its sessions, so that another one publishes when it goes on."""
    name = await _publisher(world)
    world.stack.pause(name)
    try:
        await terminate("application_name = 'stockstream_stream publisher'", world)
        await asyncio.sleep(random_outage(world))
    finally:
        world.stack.resume(name)


async def pull_the_publishers_cable(world: World) -> None:
    """Cut the publisher's session and listener off from PostgreSQL for good, which releases the lock.

    Until it notices, there are two publishers.
    """
    await _publisher(world)
    world.cable.pull()
    await terminate("application_name = 'stockstream_stream publisher'", world)
    await asyncio.sleep(random_outage(world))


async def _publisher(world: World) -> str:
    """The stream that publishes; any stream, if the faults before this one leave none."""
    try:
        return await world.publisher()
    except StuckError:
        return world.choose.choice(world.streams)


async def _call(broker: Broker, *command: str | int) -> Any:
    return await asyncio.to_thread(broker.call, *command)


BROKER_INJECTIONS: dict[str, Injection] = {
    "kill_the_broker": kill_the_broker,
    "replace_the_broker": replace_the_broker,
    "pause_the_broker": pause_the_broker,
    "flush_the_broker": flush_the_broker,
    "fill_the_broker": fill_the_broker,
    "trim_the_broker": trim_the_broker,
    "promote_a_replica": promote_a_replica,
    "cut_the_broker": partial(_broker_network, NetworkMode.NORMAL),
    "delay_the_broker": partial(_broker_network, NetworkMode.DELAYED),
    "split_the_brokers_packets": partial(_broker_network, NetworkMode.SPLIT),
    "pull_the_brokers_cable": partial(_broker_network, NetworkMode.SWALLOWED),
    "kill_the_publisher": kill_the_publisher,
    "kill_the_publisher_before_it_publishes": kill_the_publisher_before_it_publishes,
    "suspend_the_publisher": suspend_the_publisher,
    "have_two_publishers": have_two_publishers,
    "pull_the_publishers_cable": pull_the_publishers_cable,
}
