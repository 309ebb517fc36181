"""What can go wrong, one function each: it breaks something, and mends it again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

import asyncpg

from tests.faults.proxy import Weather
from tests.faults.writers import DATABASE_FAULTS, MOST_ITEMS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.faults.world import World

    Injection = Callable[[World], Awaitable[None]]

LONGEST_SECONDS = 2.0  # that something is away
CONNECT_SECONDS = 10.0
BULK_ITEMS = 2_000
CONNECTIONS = 100  # PostgreSQL's own limit


def _a_while(world: World) -> float:
    return world.choose.random() * LONGEST_SECONDS


async def _connect(world: World) -> asyncpg.Connection:
    """As soon as there is one to be had: the sessions that the last fault has ended take a moment to go."""
    async with asyncio.timeout(CONNECT_SECONDS):
        while True:
            try:
                return await asyncpg.connect(world.stack.database_url, timeout=CONNECT_SECONDS)
            except DATABASE_FAULTS:
                await asyncio.sleep(0.02)


async def kill_the_stream(world: World) -> None:
    world.stack.kill("stream")
    await asyncio.sleep(_a_while(world))
    await asyncio.to_thread(world.stack.start, "stream", wait=False)


async def stop_the_stream(world: World) -> None:
    await asyncio.to_thread(world.stack.stop, "stream")
    await asyncio.to_thread(world.stack.start, "stream", wait=False)


async def pause_the_stream(world: World) -> None:
    world.stack.pause("stream")
    await asyncio.sleep(_a_while(world))
    world.stack.resume("stream")


async def kill_the_api(world: World) -> None:
    world.stack.kill("api")
    await asyncio.sleep(_a_while(world))
    await asyncio.to_thread(world.stack.start, "api", wait=False)


async def stop_the_api(world: World) -> None:
    await asyncio.to_thread(world.stack.stop, "api")
    await asyncio.to_thread(world.stack.start, "api", wait=False)


async def _stop_postgres(world: World, how: signal.Signals) -> None:
    await asyncio.to_thread(world.postgres.stop, how)
    await asyncio.sleep(_a_while(world))
    await asyncio.to_thread(world.postgres.start)


async def stop_postgres_fast(world: World) -> None:
    await _stop_postgres(world, signal.SIGINT)


async def stop_postgres_at_once(world: World) -> None:
    await _stop_postgres(world, signal.SIGQUIT)


async def kill_postgres(world: World) -> None:
    await _stop_postgres(world, signal.SIGKILL)


async def take_every_connection(world: World) -> None:
    url = world.postgres.url(world.stack.database, "stockstream_api")
    taken = []
    with contextlib.suppress(*DATABASE_FAULTS):
        for _ in range(CONNECTIONS):
            taken.append(await asyncpg.connect(url, timeout=2))  # noqa: PERF401 - until one is refused
    await asyncio.sleep(_a_while(world))
    for connection in taken:
        connection.terminate()


async def _terminate(world: World, which: str) -> None:
    connection = await _connect(world)
    await connection.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND {which}"
    )
    await connection.close()


async def terminate_the_listener(world: World) -> None:
    await _terminate(world, "application_name = 'stockstream_stream listener'")


async def terminate_every_session(world: World) -> None:
    await _terminate(world, "backend_type = 'client backend'")


async def pull_the_listeners_cable(world: World) -> None:
    world.cable.weather = Weather.SWALLOWED
    await asyncio.sleep(_a_while(world))
    world.cable.weather = Weather.FAIR  # what was swallowed stays away: the connection is dead and does not know


async def cut_every_client(world: World) -> None:
    for _ in range(5):
        world.network.cut()
        await asyncio.sleep(_a_while(world) / 10)


async def _network(world: World, weather: Weather) -> None:
    world.network.weather = weather
    world.network.cut()  # those who come back meet it from their first byte
    await asyncio.sleep(_a_while(world))
    world.network.cut()
    world.network.weather = Weather.FAIR


async def delay_the_network(world: World) -> None:
    await _network(world, Weather.DELAYED)


async def split_every_packet(world: World) -> None:
    await _network(world, Weather.SPLIT)


async def swallow_what_is_sent(world: World) -> None:
    world.network.weather = Weather.SWALLOWED
    await asyncio.sleep(_a_while(world))
    world.network.weather = Weather.FAIR
    world.network.cut()


async def hold_a_transaction_open(world: World) -> None:
    connection = await _connect(world)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("INSERT INTO inventory (name, quantity) VALUES ('late', 1)")
    await asyncio.sleep(2 * _a_while(world))
    await transaction.commit()
    await connection.execute("DELETE FROM inventory WHERE name = 'late'")
    await connection.close()


async def change_many_at_once(world: World) -> None:
    connection = await _connect(world)
    await connection.execute(
        "INSERT INTO inventory (name, quantity) SELECT 'bulk', n FROM generate_series(1, $1) AS n", BULK_ITEMS
    )
    await connection.execute("DELETE FROM inventory WHERE name = 'bulk'")
    await connection.execute(
        "WITH locked AS (SELECT id FROM inventory WHERE id <= $1 ORDER BY id FOR UPDATE)"  # as the writers do
        " UPDATE inventory AS i SET quantity = i.quantity + 1 FROM locked WHERE i.id = locked.id",
        MOST_ITEMS,
    )
    await connection.close()


async def rewrite_the_log_table(world: World) -> None:
    """What an operator does on a quiet evening, on none."""
    connection = await _connect(world)
    await connection.execute("VACUUM FULL inventory_history")
    await connection.execute("REINDEX DATABASE")
    await connection.close()


INJECTIONS: dict[str, Injection] = {
    injection.__name__: injection
    for injection in (
        kill_the_stream,
        stop_the_stream,
        pause_the_stream,
        kill_the_api,
        stop_the_api,
        stop_postgres_fast,
        stop_postgres_at_once,
        kill_postgres,
        take_every_connection,
        terminate_the_listener,
        terminate_every_session,
        pull_the_listeners_cable,
        cut_every_client,
        delay_the_network,
        split_every_packet,
        swallow_what_is_sent,
        hold_a_transaction_open,
        change_many_at_once,
        rewrite_the_log_table,
    )
}
