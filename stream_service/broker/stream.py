"""The broker's stream of one log: its entries, read and written with the Redis protocol.

An entry's id is ``<event id>-<number>``: the id of the last event in or before the entry, and 0 for a part, or the
number of a signal. The broker refuses an id that is not above all others, so that two publishers can't write the same
events twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, RedisError, ResponseError

from shared.db.errors import describe
from stream_service.broker.entries import MalformedEntryError, Part, decode, encode
from stream_service.broker.lookup import Lookup

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from stream_service.broker.entries import Entry

FORMAT = 1  # of the entries and keys; processes with another format don't see each other's
TIMEOUT_SECONDS = 1.0  # for a connection, and for an answer
PAGE_ENTRIES = 8  # of up to about 300 KB each


class BrokerUnavailableError(Exception):
    """The broker can't be reached, or can't serve the call now."""


class BrokerFullError(BrokerUnavailableError):
    """The broker's memory is full."""


class EntryId(NamedTuple):
    """The id of an entry of the stream. They are in order."""

    event_id: int
    number: int = 0

    def __str__(self) -> str:
        return f"{self.event_id}-{self.number}"


class Found(NamedTuple):
    """An entry of the stream; None if it can't be decoded."""

    id: EntryId
    entry: Entry | None


class Broker:
    """Connects to the broker."""

    def __init__(self, url: str, password: str | None = None) -> None:
        self._url = url
        self._host = urlsplit(url).hostname or "localhost"
        self._lookup = Lookup(self._host)
        self._options: dict[str, Any] = {
            "socket_timeout": TIMEOUT_SECONDS,
            "socket_connect_timeout": TIMEOUT_SECONDS,
            "retry": Retry(NoBackoff(), 0),  # we decide ourselves when to try again
            "client_name": "stockstream",
            **({} if password is None else {"password": password}),
        }

    async def find(self) -> None:
        """Wait until the broker's name has an address. Raises BrokerUnavailableError."""
        if not await self._lookup.find(TIMEOUT_SECONDS):
            raise BrokerUnavailableError(f"the name {self._host} can't be looked up")

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Redis]:
        """A client, whose connections are closed at the end of the block, whatever they are waiting for."""
        client = Redis.from_url(self._url, **self._options)
        try:
            yield client
        finally:
            with contextlib.suppress(RedisError, OSError):
                await client.aclose()


class Stream:
    """The stream of one log. All methods raise BrokerUnavailableError."""

    def __init__(self, client: Redis, epoch: str) -> None:
        self.epoch = epoch
        self._client = client
        self._key = key(epoch, "log")

    async def last(self) -> Found | None:
        """The last entry, or None if there is none."""
        with translated():
            found: Any = await self._client.xrevrange(self._key, count=1)
        return _found(*found[0]) if found else None

    async def first_from(self, event_id: int) -> Found | None:
        """The first entry that leads to this event or a later one."""
        with translated():
            found: Any = await self._client.xrange(self._key, min=f"{event_id}-0", count=1)
        return _found(*found[0]) if found else None

    async def add(self, entry_id: EntryId, entry: Entry) -> bool:
        """Add an entry. False if it is refused, since there is one with this id or a higher one."""
        try:
            with translated():
                await self._client.xadd(self._key, encode(entry), id=str(entry_id))  # type: ignore[arg-type]
        except _RefusedError:
            return False
        return True

    async def delete(self, entry_id: EntryId) -> None:
        """Delete an entry."""
        with translated():
            await self._client.xdel(self._key, str(entry_id))

    async def trim(self, event_id: int) -> None:
        """Delete all entries that lead to events before this one."""
        with translated():
            await self._client.xtrim(self._key, minid=f"{event_id}-0", approximate=False)

    async def clear(self) -> None:
        """Delete all entries. Another one may then have any id."""
        with translated():
            await self._client.delete(self._key)

    async def wait_for_entries(self, after: EntryId, seconds: float) -> list[Found]:
        """The entries after this id, at most PAGE_ENTRIES. Waits this long for the first one."""
        with translated():
            answer = await self._client.xread(
                {self._key: str(after)}, count=PAGE_ENTRIES, block=max(1, round(seconds * 1000))
            )
        return [_found(*each) for _, entries in _items(answer) for each in entries]

    async def parts(self, after: int, up_to: int) -> list[Part] | None:
        """The parts that together have all events after the first id up to the second. None if one is missing."""
        with translated():
            found: Any = await self._client.xrange(self._key, min=str(EntryId(after + 1)), max=str(EntryId(up_to)))
        entries = [_found(*each).entry for each in found]
        parts: list[Part] = []
        reached = after
        for entry in entries:
            if isinstance(entry, Part) and entry.end > reached:
                if entry.prev > reached:
                    return None
                parts.append(entry)
                reached = entry.end
        if reached < up_to:
            rest = await self.first_from(up_to)
            if rest is None or not isinstance(rest.entry, Part) or rest.entry.prev > reached:
                return None
            parts.append(rest.entry)
        return parts

    async def expire(self, seconds: float) -> None:
        """Have the broker forget the stream after this time, unless this is called again."""
        with translated():
            await self._client.expire(self._key, round(seconds))


def key(epoch: str, name: str) -> str:
    """The broker's key of something that belongs to this log."""
    return f"stockstream:{FORMAT}:{epoch}:{name}"


class _RefusedError(Exception):
    """The broker has an entry with this id or a higher one."""


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the errors of a call into BrokerUnavailableError, and end a call that was cancelled.

    The library uses wait_for() of asyncio, which before Python 3.12 can lose a cancellation. The call then goes on, or
    ends with an error.
    """
    task = asyncio.current_task()
    cancellations = 0 if task is None else task.cancelling()
    failure: Exception | None = None
    try:
        yield
    except (RedisError, OSError) as error:
        failure = error
    if task is not None and task.cancelling() > cancellations:
        raise asyncio.CancelledError
    if failure is not None:
        raise _translated(failure) from failure


def _translated(error: Exception) -> Exception:
    reason = str(error)
    if isinstance(error, OutOfMemoryError):
        return BrokerFullError(reason)
    if isinstance(error, ResponseError):
        if "equal or smaller than the target stream top item" in reason:
            return _RefusedError()
        return BrokerUnavailableError(reason)
    return BrokerUnavailableError(describe(error))


def _items(answer: Any) -> Any:
    """The streams of an answer to XREAD, which is a list or a mapping by the version of the protocol."""
    return answer.items() if isinstance(answer, dict) else answer or ()


def _found(entry_id: bytes, fields: dict[bytes, bytes]) -> Found:
    event_id, _, number = entry_id.partition(b"-")
    try:
        entry = decode(fields)
    except MalformedEntryError:
        entry = None
    return Found(EntryId(int(event_id), int(number)), entry)
