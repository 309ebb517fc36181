"""Passes on the events that the broker has, and goes back to PostgreSQL whenever that is in doubt.

The broker is trusted while signals of a publisher arrive. Otherwise the log is read from the database, as without a
broker. Processes do not all begin to listen to the database at once: each waits for a time of its own first, in which
it reads the log every second.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

import structlog

from shared.log.position import Position
from shared.process import background
from stream_service import metrics
from stream_service.broker.entries import Part
from stream_service.broker.stream import BrokerUnavailableError, EntryId, Stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis

    from stream_service.broker.entries import Signal
    from stream_service.broker.stream import Broker, Found
    from stream_service.relay import Relay

log = structlog.get_logger()

WAIT_SECONDS = 0.25  # for the next entry
SILENT_SECONDS = 1.0  # without an entry, after which the broker is not trusted any more
VERIFY_SECONDS = 10.0  # time between two looks at the database while the broker is trusted
FIRST_LISTEN_AFTER_SECONDS = 0.5  # after a start without the broker
LISTEN_AFTER_SECONDS = (0.5, 2.0)  # after the broker was trusted
RETRY_SECONDS = (0.25, 2.0)  # first and longest time between two attempts to reach the broker


class Feed:
    """Feeds the relay from the broker.

    ``check_rights`` is called with a principal whose rights may have changed ("": anybody's).
    ``listen_to_database`` does so until it is cancelled.
    """

    def __init__(
        self,
        broker: Broker,
        relay: Relay,
        *,
        check_rights: Callable[[str], None],
        listen_to_database: Callable[[], Awaitable[None]],
    ) -> None:
        self.wants_publisher = asyncio.Event()  # set while the broker can be reached and nobody publishes
        self._broker = broker
        self._relay = relay
        self._check_rights = check_rights
        self._listen_to_database = listen_to_database
        self._trusted = asyncio.Event()
        self._not_trusted = asyncio.Event()
        self._not_trusted.set()
        self._heard_at = float("-inf")  # when the last entry came, or reading began; -inf if the publisher has stopped
        self._verified_at = float("-inf")
        self._publisher = ""
        self._number = 0  # of the publisher's last signal

    @property
    def is_trusted(self) -> bool:
        """Whether the events come from the broker."""
        return self._trusted.is_set()

    async def run(self) -> None:
        """Follow the broker's stream until cancelled."""
        await self._relay.is_started.wait()
        first, longest = RETRY_SECONDS
        retry, reason = first, ""
        while True:
            try:
                await self._broker.find()
                async with self._broker.connected() as client:
                    await self._follow(client)
                retry = first
            except BrokerUnavailableError as error:
                former, reason = reason, str(error)
                if self.is_trusted or reason != former:
                    log.warning("the broker is away: reads the database", reason=reason)
                retry = first if self.is_trusted else min(2 * retry, longest)
            finally:
                self._distrust()
                self.wants_publisher.clear()
            await asyncio.sleep(retry * random.uniform(0.5, 1))  # noqa: S311 - spreads load, hides nothing

    async def listen_without_trust(self) -> None:
        """Listen to the database whenever the broker has not been trusted for a while, until cancelled."""
        wait = FIRST_LISTEN_AFTER_SECONDS
        while True:
            await self._not_trusted.wait()
            for _ in range(2):  # while nobody tells whose rights have changed
                await asyncio.sleep(wait / 2)
                self._check_rights("")
            wait = random.uniform(*LISTEN_AFTER_SECONDS)  # noqa: S311 - as above
            if self._not_trusted.is_set():
                async with background.running(doorbell=self._listen_to_database):
                    await self._trusted.wait()

    async def _follow(self, client: Redis) -> None:
        """Follow the stream of the current log as long as it is the current one."""
        log_number = self._relay.log_number
        stream = Stream(client, self._relay.head.epoch)
        while self._relay.log_number == log_number:
            await self._read_until_silence(stream, log_number)
            if self._relay.log_number == log_number:
                if self.is_trusted:
                    log.info("nobody publishes to the broker: reads the database")
                self._distrust()
                self.wants_publisher.set()

    async def _read_until_silence(self, stream: Stream, log_number: int) -> None:
        """Pass on what is in the stream until nothing came for SILENT_SECONDS, or the log is replaced."""
        last = await stream.last()
        old = EntryId(0) if last is None else last.id  # nothing up to this entry says that somebody still publishes
        after = EntryId(self._relay.head.event_id)
        self._heard_at = time.monotonic()
        while time.monotonic() - self._heard_at < SILENT_SECONDS:
            for found in await stream.wait_for_entries(after, WAIT_SECONDS):
                if self._relay.log_number != log_number:
                    return
                await self._take(found, stream.epoch, is_old=found.id <= old)
                after = found.id
            is_due = time.monotonic() - self._verified_at > VERIFY_SECONDS
            # Not while the publisher is behind: the log would be read to its end.
            if is_due and self.is_trusted and self._is_at_end:
                self._verified_at = time.monotonic()
                self._relay.follower.wake()

    @property
    def _is_at_end(self) -> bool:
        """Whether the last that was heard is that there are no more events."""
        return self._relay.follower.caught_up_at >= self._heard_at

    async def _take(self, found: Found, epoch: str, *, is_old: bool) -> None:
        entry = found.entry
        if entry is None:
            self._doubt()
        elif isinstance(entry, Part):
            if not await self._relay.follower.accept(Position(epoch, entry.prev), entry.frames):
                self._doubt()
            elif not is_old:
                self._heard_at = time.monotonic()  # while many events come, signals are late
        else:
            self._take_signal(entry, epoch, is_old=is_old)

    def _take_signal(self, signal: Signal, epoch: str, *, is_old: bool) -> None:
        is_same_publisher = signal.publisher == self._publisher
        if not (is_same_publisher and signal.number == self._number + 1) and self.is_trusted:
            self._check_rights("")  # a signal that is missing may have said whose rights have changed
        self._publisher, self._number = signal.publisher, signal.number
        if signal.principal is not None:
            self._check_rights(signal.principal)
        elif is_old:
            pass
        elif not signal.is_last:
            self._hear(signal, epoch)
        elif is_same_publisher:
            self._heard_at = float("-inf")

    def _hear(self, signal: Signal, epoch: str) -> None:
        """Learn that somebody publishes the log, and how far."""
        self._heard_at = time.monotonic()
        head = self._relay.head
        if head.epoch != epoch or head.event_id < signal.end:
            self._doubt()
            return
        if not signal.is_behind:
            self._relay.follower.caught_up_at = self._heard_at
        self._trust()

    def _doubt(self) -> None:
        """Read from the database what the broker lacks."""
        metrics.DOUBTS.inc()
        self._relay.follower.wake()

    def _trust(self) -> None:
        self.wants_publisher.clear()
        if not self.is_trusted:
            log.info("events come from the broker")
            self._trusted.set()
            self._not_trusted.clear()
            self._relay.follower.is_fed = True
            self._verified_at = time.monotonic() - random.random() * VERIFY_SECONDS  # noqa: S311 - as above
            metrics.BROKER_TRUSTED.set(1)
            self._check_rights("")  # they may have changed while neither the broker nor the database told

    def _distrust(self) -> None:
        if self.is_trusted:
            self._trusted.clear()
            self._not_trusted.set()
            self._relay.follower.is_fed = False
            self._relay.follower.wake()
            metrics.BROKER_TRUSTED.set(0)
            self._check_rights("")
