"""Elects the one process that publishes the log: the one whose session holds a lock in PostgreSQL.

PostgreSQL releases the lock when the session ends, as when its process is killed. Should two processes publish for a
while, since one has not noticed that its session ended, the broker refuses what comes second.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, NamedTuple

import structlog

from shared.access.principals import CHANNEL as ACCESS_CHANNEL
from shared.db.database import connect, load_queries
from shared.db.errors import DatabaseUnavailableError
from shared.log.doorbell import LOG_CHANNEL, Doorbell
from shared.log.follower import Follower, select_head
from stream_service import metrics
from stream_service.broker.publisher import CURRENT_SECONDS, LogReplacedError, Publisher, State, StuckError, find_place
from stream_service.broker.stream import BrokerUnavailableError, Stream

if TYPE_CHECKING:
    from shared.db.database import Connection, Pool
    from stream_service.broker.publisher import Options
    from stream_service.broker.stream import Broker
    from stream_service.ring import Frame

log = structlog.get_logger()
queries = load_queries("election")

SPREAD_SECONDS = 0.2  # candidates come within this time of each other
RETRY_SECONDS = 1.0  # after the first attempt, and twice as long after each further one
LONGEST_RETRY_SECONDS = 4.0
CHECK_SECONDS = 1.0  # time between two checks of the session that holds the lock


class Candidacy(NamedTuple):
    """What a candidate needs of PostgreSQL, and how it is to publish."""

    pool: Pool
    url: str  # for the sessions that hold the lock and that listen: not through a pooler in transaction mode
    application_name: str
    options: Options


class Candidate:
    """Publishes the log whenever it is elected. It stands for election while ``is_wanted`` is set."""

    def __init__(self, broker: Broker, is_wanted: asyncio.Event, candidacy: Candidacy) -> None:
        self.is_publishing = False
        self._broker = broker
        self._is_wanted = is_wanted
        self._reason = ""  # why it did not publish, as last logged
        self._pool, self._url, self._application_name, self._options = candidacy

    async def run(self) -> None:
        """Stand for election and publish until cancelled."""
        pause = RETRY_SECONDS
        while True:
            if not self._is_wanted.is_set():
                pause = RETRY_SECONDS
                await self._is_wanted.wait()
            await asyncio.sleep(random.random() * SPREAD_SECONDS)  # noqa: S311 - spreads load, hides nothing
            if self._is_wanted.is_set():
                await self._attempt()
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - as above
                pause = min(2 * pause, LONGEST_RETRY_SECONDS)

    async def _attempt(self) -> None:
        """Publish if elected, as long as possible.

        This has a task of its own, since in Python 3.11 a task in which a task group has failed looks cancelled.
        """
        attempt = asyncio.create_task(self._publish_if_elected())
        try:
            await asyncio.wait({attempt})
        finally:
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)
        attempt.result()

    async def _publish_if_elected(self) -> None:
        try:
            connection = await connect(self._url, application_name=f"{self._application_name} publisher")
            try:
                if await queries.try_to_lock(connection):
                    await queries.end_soon_without_client(connection)
                    with metrics.PUBLISHING.track_inprogress():
                        self.is_publishing = True
                        await self._publish(connection)
            finally:
                self.is_publishing = False
                connection.terminate()
        except* (BrokerUnavailableError, DatabaseUnavailableError, LogReplacedError, StuckError) as group:
            former, self._reason = self._reason, "; ".join(map(str, group.exceptions))
            if self._reason != former:
                log.warning("does not publish the log", reason=self._reason)

    async def _publish(self, connection: Connection) -> None:
        async with self._broker.connected() as client:
            stream = Stream(client, (await select_head(connection)).epoch)
            publisher = Publisher(stream, await find_place(stream, connection), self._options)
            follower: Follower[Frame] = Follower(self._pool, publisher)
            bells = {LOG_CHANNEL: lambda _: follower.wake(), ACCESS_CHANNEL: publisher.signal_rights}
            doorbell = Doorbell(self._url, bells, application_name=f"{self._application_name} listener")
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(follower.run())
                    group.create_task(doorbell.run())
                    group.create_task(publisher.signal(lambda: _state(follower, doorbell)))
                    group.create_task(_check(connection))
            finally:
                connection.terminate()  # before others stand for election
                with contextlib.suppress(BrokerUnavailableError):
                    await publisher.stop()


def _state(follower: Follower[Frame], doorbell: Doorbell) -> State:
    is_caught_up = follower.has_caught_up(CURRENT_SECONDS) and not follower.is_behind
    return State(is_caught_up, doorbell.is_listening)


async def _check(connection: Connection) -> None:
    """Check the session until it ends. Raises DatabaseUnavailableError then."""
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await queries.check(connection)
        except TimeoutError:
            raise DatabaseUnavailableError("the session that holds the lock does not answer") from None
