"""The setup of a campaign: a database, both services, proxies between them, readers and writers."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import quote

from shared.db.embedded import socket_dir
from tests.accounts import add_token
from tests.broker import Broker
from tests.broker import url as broker_url
from tests.faults.proxy import Proxy
from tests.faults.readers import Access, BadReader, Reader, Seen
from tests.faults.waiting import within
from tests.faults.writers import MAX_ITEMS, ApiWriter, BookingWriter, SqlWriter, Writer
from tests.partitions import small_partitions
from tests.stack import Stack, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from tests.postgres import PostgresServer

CATCH_UP_SECONDS = 60.0
WRITE_SECONDS = 30.0  # time for the writers to make some changes
END_SECONDS = 10.0
POLL_SECONDS = 0.02
PARTITION_EVENTS = 5_000
TRUST_SECONDS = 20.0
STREAMS = ("stream", "stream2", "stream3")
LOCATIONS = (1, 2)  # Main, which exists, and another one
SETTINGS = {
    "STREAM_HEARTBEAT_SECONDS": "1",
    "STREAM_RING_BYTES": str(2**17),  # a few hundred events, so that later resumes read the database
    "STREAM_DRAIN_SECONDS": "0.5",
    "LOG_LEVEL": "error",
}


class BrokerState(NamedTuple):
    """Whether a stream gets its events from the broker, and whether it is the one that publishes them."""

    trusts: bool
    publishes: bool


class World:
    """A running stockstream to inject faults into, with readers and writers that use it."""

    def __init__(
        self,
        server: PostgresServer,
        folder: Path,
        seed: int,
        *,
        readers: int = 6,
        writers: int = 6,
        settings: Mapping[str, str] | None = None,
        with_broker: bool = False,
    ) -> None:
        self.choose = random.Random(seed)
        self.postgres = server
        self.streams = STREAMS if with_broker else STREAMS[:1]
        self.stack = Stack(
            server, server.create_database(), folder, {**SETTINGS, **(settings or {})}, ("api", *self.streams)
        )
        self.brokers = [Broker(folder), Broker(folder)] if with_broker else []  # the first one in use, and another
        self.broker_network = Proxy([broker.port for broker in self.brokers[:1]], random.Random(seed + 3))
        self.readers: list[Reader] = []
        self.writers: list[Writer] = []
        self.network = Proxy([self.stack.ports[name] for name in self.streams], random.Random(seed + 1))
        self.cable = Proxy(socket_dir(server.data_dir) / ".s.PGSQL.5432", random.Random(seed + 2))
        self._exits = AsyncExitStack()
        self._accounts = itertools.count()
        self._counts = (readers, writers)
        self._reading: list[asyncio.Task[None]] = []
        self._writing: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Start the services, create the items, and start the readers and writers."""
        async with AsyncExitStack() as exits:
            sockets = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="stockstream-faults-")))
            exits.callback(self.stack.close)
            port = free_port()
            await exits.enter_async_context(self.network.listening(port))
            await exits.enter_async_context(self.cable.listening(sockets / ".s.PGSQL.5432"))
            database, folder = self.stack.database, quote(str(sockets), safe="")
            self.stack.settings["LISTEN_DATABASE_URL"] = f"postgresql://stockstream_stream@/{database}?host={folder}"
            self.stack.settings["EVENTS_URL"] = f"http://127.0.0.1:{port}/events"
            self.stack.sql(small_partitions(PARTITION_EVENTS))
            if self.brokers:
                await self._start_broker(exits)
            await asyncio.to_thread(self._start_services)
            self.stack.sql("INSERT INTO location (name) VALUES ('Van')")
            self.stack.sql(
                f"INSERT INTO inventory (name, quantity) SELECT 'Größe \N{PACKAGE} ' || n, 0"
                f" FROM generate_series(1, {MAX_ITEMS}) AS n"
            )
            self._start_clients(f"http://127.0.0.1:{port}")
            exits.push_async_callback(self._stop_clients)
            self._exits = exits.pop_all()
        return self

    async def _start_broker(self, exits: AsyncExitStack) -> None:
        for broker in self.brokers:
            exits.callback(broker.kill)
        await asyncio.to_thread(self.brokers[0].start)
        port = free_port()
        await exits.enter_async_context(self.broker_network.listening(port))
        self.stack.settings["BROKER_URL"] = broker_url(port)

    def _start_services(self) -> None:
        for name in ("api", *self.streams):
            self.stack.start(name, wait=False)
        for name in ("api", *self.streams):
            self.stack.wait_until_ready(name)

    def _start_clients(self, stream_url: str) -> None:
        readers, writers = self._counts
        seeds = [self.choose.random() for _ in range(readers + writers)]
        self.readers = [
            Reader(f"reader {number}", stream_url, self.stack.api_url, self.new_access(), by_snapshot=number % 2 == 0)
            for number in range(readers)
        ]
        kinds = itertools.cycle([self._new_api_writer, self._new_sql_writer, self._new_booking_writer])
        self.writers = [new(random.Random(seed)) for new, seed in zip(kinds, seeds[:writers], strict=False)]
        bad = BadReader(self.stack.ports[self.streams[-1]], random.Random(seeds[-1]), self.new_access())
        self._reading = [asyncio.create_task(reader.run(), name=reader.name) for reader in self.readers]
        self._reading.append(asyncio.create_task(bad.run(), name="bad reader"))
        self._writing = [
            asyncio.create_task(writer.run(), name=f"writer {number}") for number, writer in enumerate(self.writers)
        ]

    def _new_api_writer(self, choose: random.Random) -> Writer:
        return ApiWriter(self.stack.api_url, self.new_access("editor").headers, choose)

    def _new_sql_writer(self, choose: random.Random) -> Writer:
        return SqlWriter(self.stack.database_url, choose)

    def _new_booking_writer(self, choose: random.Random) -> Writer:
        return BookingWriter(self.stack.api_url, self.new_access("editor").headers, LOCATIONS, choose)

    def new_access(self, role: str = "viewer") -> Access:
        """A new account with a token, if the services have accounts."""
        name = f"account{next(self._accounts)}"
        has_accounts = self.stack.settings.get("AUTH") == "login"
        return Access(name, add_token(self.stack, name, role) if has_accounts else {})

    async def until_confirmed(self, more: int) -> None:
        """Wait until `more` further changes have been confirmed. Raises StuckError."""
        await self._until(lambda: sum(len(writer.confirmed) for writer in self.writers), more, "confirmed changes")

    async def publisher(self) -> str:
        """Wait until every stream gets its events from the broker. Returns the one that publishes them."""
        async with within(TRUST_SECONDS, "the streams to trust the broker"):
            while True:
                with contextlib.suppress(OSError):  # while one is down
                    states = await asyncio.to_thread(lambda: [self.broker_state(name) for name in self.streams])
                    publishers = [name for name, state in zip(self.streams, states, strict=True) if state.publishes]
                    if all(state.trusts for state in states) and len(publishers) == 1:
                        return publishers[0]
                await asyncio.sleep(POLL_SECONDS)

    def broker_state(self, name: str) -> BrokerState:
        """What this stream does with the broker, as its metrics say. Raises OSError if it does not answer."""
        metrics = self.stack.metrics(name)
        return BrokerState(
            trusts=metrics["stockstream_broker_trusted"] == 1, publishes=metrics["stockstream_publishing"] == 1
        )

    async def until_failed(self, more: int) -> None:
        """Wait until `more` further changes have failed. Raises StuckError."""
        await self._until(lambda: sum(writer.failures for writer in self.writers), more, "failed changes")

    async def _until(self, count: Callable[[], int], more: int, what: str) -> None:
        wanted = count() + more
        async with within(WRITE_SECONDS, f"{more} more {what}"):
            while count() < wanted:
                await asyncio.sleep(POLL_SECONDS)

    async def settle(self) -> None:
        """Stop the writers and wait until every reader has reached the head. Raises StuckError."""
        for writer in self.writers:
            writer.stop()
        async with within(WRITE_SECONDS, "the writers to finish"):
            await asyncio.gather(*self._writing)
        head = self.head()
        for task in self._reading:
            if task.done():
                task.result()  # a reader never returns by itself, so raise its exception
        await asyncio.gather(*(reader.until(head, CATCH_UP_SECONDS) for reader in self.readers))

    def head(self) -> Seen:
        ((epoch, head),) = self.stack.sql("SELECT log_epoch(), log_head()")
        return Seen(epoch, int(head))

    def log(self) -> list[int]:
        return [int(row[0]) for row in self.stack.sql("SELECT event_id FROM inventory_history ORDER BY event_id")]

    def broken_transfers(self) -> list[int]:
        """The movements by which something was moved, and more or less arrived than left."""
        rows = self.stack.sql(
            "SELECT movement FROM inventory_history WHERE reason = 'moved' GROUP BY 1 HAVING"
            " sum(coalesce((after ->> 'quantity')::bigint, 0) - coalesce((before ->> 'quantity')::bigint, 0)) <> 0"
        )
        return [int(row[0]) for row in rows]

    def table(self) -> dict[int, object]:
        ((text,),) = self.stack.sql("SELECT coalesce(json_agg(item_document(i)), '[]') FROM inventory AS i")
        return {item["id"]: item for item in json.loads(text)}

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.__aexit__(kind, error, trace)

    async def _stop_clients(self) -> None:
        for task in (*self._reading, *self._writing):
            task.cancel()
        async with within(END_SECONDS, "readers and writers to end when they are cancelled"):
            await asyncio.gather(*self._reading, *self._writing, return_exceptions=True)
