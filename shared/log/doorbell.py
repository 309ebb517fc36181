"""Listens for notifications (LISTEN), on a connection that is probed, and replaced if it fails."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import Counter, Gauge

from shared.db.database import connect
from shared.db.errors import DatabaseUnavailableError
from shared.log.follower import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.db.database import Connection

log = structlog.get_logger()

LOG_CHANNEL = "inventory_history"  # rings for each commit, and is used for probes
PROBE_INTERVAL_SECONDS = 5.0
PROBE_TIMEOUT_SECONDS = 5.0
FIRST_RETRY_SECONDS = 0.1
MAX_RETRY_SECONDS = 2.0

LISTENING = Gauge("stockstream_listening", "1 while notifications are known to arrive", multiprocess_mode="livemin")
CONNECTS = Counter("stockstream_listener_connects_total", "Times that the listening connection was opened")
NOTIFICATION_QUEUE = Gauge(
    "stockstream_notification_queue_usage",
    "Share of PostgreSQL's notification queue in use (0 to 1); when it is full, commits fail",
    multiprocess_mode="livemax",
)


class Doorbell:
    """Calls a channel's function with the payload of each notification, and all with "" after every (re)connect.

    A connection can look healthy and still receive nothing: its peer is gone, or a pooler uses another backend for each
    transaction. So the doorbell notifies itself every PROBE_INTERVAL_SECONDS, and replaces a connection that does not
    receive this.
    """

    def __init__(self, url: str, bells: Mapping[str, Callable[[str], None]], *, application_name: str) -> None:
        self.is_listening = False
        self._url = url
        self._bells = bells
        self._application_name = application_name
        self._token = secrets.token_hex(8)
        self._probe_received = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled, however often the connection is lost."""
        retry = FIRST_RETRY_SECONDS
        while True:
            try:
                await self._listen()
            except DatabaseUnavailableError as error:
                if self.is_listening:
                    log.warning("the listening connection was lost", reason=str(error))
                    retry = FIRST_RETRY_SECONDS
            finally:
                self._set_listening(False)
            await asyncio.sleep(retry)
            retry = min(2 * retry, MAX_RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await connect(self._url, application_name=self._application_name)
        lost = asyncio.Event()
        connection.add_termination_listener(lambda *_: lost.set())
        try:
            if connection.is_closed():
                raise DatabaseUnavailableError("the connection was closed")
            for channel in {LOG_CHANNEL, *self._bells}:
                await connection.add_listener(channel, self._receive)
            CONNECTS.inc()
            for ring in self._bells.values():
                ring("")
            while True:
                await self._probe(connection)
                self._set_listening(True)
                NOTIFICATION_QUEUE.set(await queries.select_notification_queue_usage(connection))
                await _wait(lost, PROBE_INTERVAL_SECONDS)
                if lost.is_set():
                    raise DatabaseUnavailableError("the connection was closed")
        finally:
            connection.terminate()

    def _set_listening(self, is_listening: bool) -> None:
        self.is_listening = is_listening
        LISTENING.set(is_listening)

    async def _probe(self, connection: Connection) -> None:
        """Notify this connection and wait. Raises DatabaseUnavailableError if the notification does not arrive."""
        self._probe_received.clear()
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
                await queries.notify(connection, token=self._token)
                await self._probe_received.wait()
        except TimeoutError:
            raise DatabaseUnavailableError("its own notification did not arrive") from None

    def _receive(self, _connection: Any, _pid: int, channel: str, payload: Any) -> None:
        if payload == self._token:
            self._probe_received.set()
        elif channel != LOG_CHANNEL or not payload:  # in the log's channel, others are probes of other processes
            self._bells[channel](payload)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
