"""What a stream process does with the broker: it follows it, and publishes the log if it is elected."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

from stream_service.broker.election import Candidate
from stream_service.broker.feed import Feed
from stream_service.broker.shared_snapshots import SharedSnapshots
from stream_service.broker.window import Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from stream_service.broker.election import Candidacy
    from stream_service.broker.stream import Broker
    from stream_service.relay import Relay

    Work = Callable[[], Coroutine[Any, Any, None]]

SNAPSHOTS_SHARE = 4  # a snapshot may take this part of the bytes for events


class Membership(NamedTuple):
    """The parts of a process that use the broker."""

    feed: Feed
    candidate: Candidate
    window: Window
    snapshots: SharedSnapshots

    @property
    def works(self) -> dict[str, Work]:
        """What runs in the background."""
        return {"feed": self.feed.run, "listener": self.feed.listen_without_trust, "candidate": self.candidate.run}


@contextlib.asynccontextmanager
async def joined(
    broker: Broker, candidacy: Candidacy, relay: Relay, *, check_rights: Callable[[str], None], listen_to_database: Work
) -> AsyncIterator[Membership]:
    """Use the broker within the block. The last two arguments are those of Feed."""
    async with broker.connected() as client:
        feed = Feed(broker, relay, check_rights=check_rights, listen_to_database=listen_to_database)
        candidate = Candidate(broker, feed.wants_publisher, candidacy)
        max_bytes = candidacy.options.max_bytes // SNAPSHOTS_SHARE
        snapshots = SharedSnapshots(
            client, lambda: relay.head.epoch, is_trusted=lambda: feed.is_trusted, max_bytes=max_bytes
        )
        yield Membership(feed, candidate, Window(client, lambda: feed.is_trusted), snapshots)
