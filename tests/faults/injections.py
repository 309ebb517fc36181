"""The faults. Each function breaks something and repairs it in any case."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from functools import partial
from typing import TYPE_CHECKING

import asyncpg

from shared.db.errors import DRIVER_ERRORS
from tests.faults.proxy import NetworkMode
from tests.faults.writers import MAX_ITEMS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.faults.world import World

    Injection = Callable[[World], Awaitable[None]]

MAX_OUTAGE_SECONDS = 2.0  # longest time that something is down
CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 20.0
BULK_ITEMS = 2_000
REVOKED_SECONDS = 1.0  # after this time, a stream whose right was taken away gets no more events
CONNECTIONS = 100  # PostgreSQL's default limit
# Errors by which the database refuses a statement of an injection: the statement is a deadlock victim, waits too long
# for a lock, or its session was ended by the previous fault.
REFUSALS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, ConnectionError, TimeoutError)


def random_outage(world: World) -> float:
    return world.choose.random() * MAX_OUTAGE_SECONDS


@contextlib.asynccontextmanager
async def _session(world: World) -> AsyncIterator[asyncpg.Connection]:
    """Connect, with retries: sessions that the previous fault ended occupy their slots for a moment."""
    async with asyncio.timeout(CONNECT_SECONDS):
        while True:
            try:
                connection = await asyncpg.connect(
                    world.stack.database_url, timeout=CONNECT_SECONDS, command_timeout=COMMAND_SECONDS
                )
                break
            except DRIVER_ERRORS:
                await asyncio.sleep(0.02)
    try:
        yield connection
    finally:
        connection.terminate()


def _any_stream(world: World) -> str:
    return world.choose.choice(world.streams)


async def _kill(which: Callable[[World], str], world: World) -> None:
    name = which(world)
    world.stack.kill(name)
    try:
        await asyncio.sleep(random_outage(world))
    finally:
        await asyncio.to_thread(world.stack.start, name, wait=False)


async def _stop(which: Callable[[World], str], world: World) -> None:
    name = which(world)
    try:
        await asyncio.to_thread(world.stack.stop, name)
    finally:
        await asyncio.to_thread(world.stack.start, name, wait=False)


async def pause_the_stream(world: World) -> None:
    name = _any_stream(world)
    world.stack.pause(name)
    try:
        await asyncio.sleep(random_outage(world))
    finally:
        world.stack.resume(name)


async def _stop_postgres(how: signal.Signals, world: World) -> None:
    try:
        await asyncio.to_thread(world.postgres.stop, how)
        await asyncio.sleep(random_outage(world))
    finally:
        await asyncio.to_thread(world.postgres.start)


async def take_every_connection(world: World) -> None:
    url = world.postgres.url(world.stack.database, "stockstream_api")
    taken = []
    try:
        with contextlib.suppress(*DRIVER_ERRORS):
            for _ in range(CONNECTIONS):
                taken.append(await asyncpg.connect(url, timeout=2))  # noqa: PERF401 - until a connection is refused
        await asyncio.sleep(random_outage(world))
    finally:
        for connection in taken:
            connection.terminate()


async def terminate(which: str, world: World) -> None:
    async with _session(world) as connection:
        await connection.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND {which}"
        )


async def pull_the_listeners_cable(world: World) -> None:
    """Drop bytes of the listener's connection for a while. Lost bytes stay lost, and the connection stays open."""
    world.cable.mode = NetworkMode.SWALLOWED
    try:
        await asyncio.sleep(random_outage(world))
    finally:
        world.cable.mode = NetworkMode.NORMAL


async def cut_every_client(world: World) -> None:
    for _ in range(5):
        world.network.cut()
        await asyncio.sleep(random_outage(world) / 10)


async def _network(mode: NetworkMode, world: World) -> None:
    world.network.mode = mode
    try:
        world.network.cut()  # clients that reconnect are affected from their first byte
        await asyncio.sleep(random_outage(world))
    finally:
        world.network.cut()
        world.network.mode = NetworkMode.NORMAL


async def swallow_what_is_sent(world: World) -> None:
    world.network.mode = NetworkMode.SWALLOWED
    try:
        await asyncio.sleep(random_outage(world))
    finally:
        world.network.mode = NetworkMode.NORMAL
        world.network.cut()


async def hold_a_transaction_open(world: World) -> None:
    async with _session(world) as connection:
        async with connection.transaction():
            await connection.execute("INSERT INTO inventory (name, quantity) VALUES ('late', 1)")
            await asyncio.sleep(2 * random_outage(world))
        await connection.execute("DELETE FROM inventory WHERE name = 'late'")


async def change_many_at_once(world: World) -> None:
    async with _session(world) as connection:
        await connection.execute(
            "INSERT INTO inventory (name, quantity) SELECT 'bulk', n FROM generate_series(1, $1) AS n", BULK_ITEMS
        )
        await connection.execute("DELETE FROM inventory WHERE name = 'bulk'")
        await connection.execute(
            "WITH locked AS (SELECT id FROM inventory WHERE id <= $1 ORDER BY id FOR UPDATE)"  # like the writers
            " UPDATE inventory AS i SET quantity = i.quantity + 1 FROM locked WHERE i.id = locked.id",
            MAX_ITEMS,
        )


async def rewrite_the_log_table(world: World) -> None:
    """Run maintenance that takes exclusive locks."""
    async with _session(world) as connection:
        await connection.execute("VACUUM FULL inventory_history")
        await connection.execute("REINDEX DATABASE")


async def revoke_a_reader(world: World) -> None:
    """Take a reader's right away, look what it is sent after the bound, and let it in again with another account."""
    reader = world.choose.choice(world.readers)
    former = reader.access
    where = f"principal = (SELECT id FROM principal WHERE name = '{former.account}')"
    statement = world.choose.choice(
        [
            f"DELETE FROM token WHERE {where}",
            f"UPDATE token SET expires_at = now() WHERE {where}",
            f"DELETE FROM access_grant WHERE {where}",
            f"UPDATE principal SET is_active = false WHERE name = '{former.account}'",
            f"DELETE FROM principal WHERE name = '{former.account}'",
        ]
    )
    async with _session(world) as connection:
        await connection.execute(statement)
        await asyncio.sleep(REVOKED_SECONDS)
        reader.revoked[former.account] = await connection.fetchval("SELECT log_head()")
        await asyncio.sleep(random_outage(world))
    reader.access = await asyncio.to_thread(world.new_access)


INJECTIONS: dict[str, Injection] = {
    "kill_the_stream": partial(_kill, _any_stream),
    "stop_the_stream": partial(_stop, _any_stream),
    "pause_the_stream": pause_the_stream,
    "kill_the_api": partial(_kill, lambda _: "api"),
    "stop_the_api": partial(_stop, lambda _: "api"),
    "stop_postgres_fast": partial(_stop_postgres, signal.SIGINT),
    "stop_postgres_at_once": partial(_stop_postgres, signal.SIGQUIT),
    "kill_postgres": partial(_stop_postgres, signal.SIGKILL),
    "take_every_connection": take_every_connection,
    "terminate_the_listener": partial(terminate, "application_name = 'stockstream_stream listener'"),
    "terminate_every_session": partial(terminate, "backend_type = 'client backend'"),
    "pull_the_listeners_cable": pull_the_listeners_cable,
    "cut_every_client": cut_every_client,
    "delay_the_network": partial(_network, NetworkMode.DELAYED),
    "split_every_packet": partial(_network, NetworkMode.SPLIT),
    "swallow_what_is_sent": swallow_what_is_sent,
    "hold_a_transaction_open": hold_a_transaction_open,
    "change_many_at_once": change_many_at_once,
    "rewrite_the_log_table": rewrite_the_log_table,
    "revoke_a_reader": revoke_a_reader,
}
