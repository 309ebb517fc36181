"""The total quantity of the stock over time. One query serves all concurrent requests for the same trend.

The cost of this query grows with the number of events in its span, and every open dashboard requests it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from api_service.coalescing import Coalesced
from api_service.store import history
from shared.db.database import acquire

if TYPE_CHECKING:
    from api_service.limits import Limit
    from shared.access.principals import Locations
    from shared.db.database import Pool

DEFAULT_SPAN = timedelta(hours=24)
COSTLY_SECONDS = 0.1  # trends that are read faster are not cached
KEPT_TIMES = 20  # others are cached for 20 times their reading time, so they use 5 % of a connection
KEPT_TRENDS = 64


class TotalTrend(NamedTuple):
    """The totals at these times. Reading them took ``seconds``, until ``read_at`` (time.monotonic())."""

    times: history.TimeSteps
    totals: list[int | None]
    read_at: float
    seconds: float

    @property
    def until(self) -> datetime:
        return self.times.since + self.times.step * self.times.steps

    def is_kept(self) -> bool:
        """Whether this trend may still be served from the cache."""
        return self.seconds > COSTLY_SECONDS and time.monotonic() < self.read_at + KEPT_TIMES * self.seconds


class TrendKey(NamedTuple):
    """A trend: its start (None: DEFAULT_SPAN ago), its number of steps, and the locations that it is about."""

    since: datetime | None
    steps: int
    locations: Locations


class TotalTrends:
    """The latest trends."""

    def __init__(self, readers: Pool, limit: Limit) -> None:
        self._readers = readers
        self._limit = limit
        self._latest: OrderedDict[TrendKey, TotalTrend] = OrderedDict()
        self._reading: dict[TrendKey, Coalesced[TotalTrend]] = {}

    async def get(self, since: datetime | None, steps: int, locations: Locations) -> TotalTrend:
        """The trend up to now. A trend that is costly to read may be some seconds old."""
        key = TrendKey(since, steps, locations)
        latest = self._latest.get(key)
        if latest is None or not latest.is_kept():
            latest = await self._read(key)
        return latest

    async def _read(self, key: TrendKey) -> TotalTrend:
        query = self._reading.setdefault(key, Coalesced(lambda: self._select(key)))
        try:
            trend = await query()
        finally:
            self._reading.pop(key, None)
        self._latest[key] = trend
        self._latest.move_to_end(key)
        while len(self._latest) > KEPT_TRENDS:
            self._latest.popitem(last=False)
        return trend

    async def _select(self, key: TrendKey) -> TotalTrend:
        async with self._limit.slot(), acquire(self._readers) as connection:
            began, now = time.monotonic(), datetime.now(UTC)
            start = key.since or now - DEFAULT_SPAN
            times = history.TimeSteps(start, (now - start) / key.steps, key.steps)
            totals = await history.select_total_trend(connection, times, key.locations)
            ended = time.monotonic()
        return TotalTrend(times, totals, ended, ended - began)
