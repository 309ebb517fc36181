"""LISTEN: one connection that hears the doorbell of the log, and knows whether it does."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any

import structlog

from shared.database import connect
from shared.faults import DatabaseUnavailableError
from stream_service import metrics
from stream_service.store import log as log_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.database import Connection

log = structlog.get_logger()

CHANNEL = "inventory_history"
PROOF_INTERVAL_SECONDS = 5.0
PROOF_TIMEOUT_SECONDS = 5.0
FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 2.0


class Listener:
    """Calls ``on_ring`` for every notification, and after every (re)connect.

    A connection can look fine and hear nothing: a peer that is gone, a pooler that lends another backend to each
    transaction. So it rings for itself every PROOF_INTERVAL_SECONDS, and one that doesn't hear itself is replaced.
    """

    def __init__(self, url: str, on_ring: Callable[[], None], *, application_name: str) -> None:
        self.is_listening = False
        self._url = url
        self._on_ring = on_ring
        self._application_name = application_name
        self._token = secrets.token_hex(8)
        self._heard_itself = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled, however often the connection is lost."""
        retry = FIRST_RETRY_SECONDS
        while True:
            try:
                await self._listen()
            except DatabaseUnavailableError as error:
                if self.is_listening:
                    log.warning("listener lost its connection", reason=str(error))
                    retry = FIRST_RETRY_SECONDS
            self._set_listening(False)
            await asyncio.sleep(retry)
            retry = min(2 * retry, LONGEST_RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await connect(self._url, application_name=self._application_name)
        lost = asyncio.Event()
        connection.add_termination_listener(lambda *_: lost.set())
        try:
            if connection.is_closed():
                raise DatabaseUnavailableError("the connection was closed")
            await connection.add_listener(CHANNEL, self._heard)
            metrics.LISTENER_CONNECTS.inc()
            self._on_ring()
            while True:
                await self._prove(connection)
                self._set_listening(True)
                await _wait(lost, PROOF_INTERVAL_SECONDS)
                if lost.is_set():
                    raise DatabaseUnavailableError("the connection was closed")
        finally:
            connection.terminate()

    def _set_listening(self, is_listening: bool) -> None:
        self.is_listening = is_listening
        metrics.LISTENING.set(is_listening)

    async def _prove(self, connection: Connection) -> None:
        self._heard_itself.clear()
        try:
            async with asyncio.timeout(PROOF_TIMEOUT_SECONDS):
                await log_store.ring_doorbell(connection, self._token)
                await self._heard_itself.wait()
        except TimeoutError:
            raise DatabaseUnavailableError("it did not hear its own ring") from None

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        if payload == self._token:
            self._heard_itself.set()
        else:
            self._on_ring()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
