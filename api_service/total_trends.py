"""How the total of the stock went: read once for all who ask for the same at about the same time.

It is the one read whose cost grows with what happened in its span, and every open dashboard asks for it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from api_service.shared_look import SharedLook
from api_service.store import history
from shared.database import acquire

if TYPE_CHECKING:
    from api_service.gates import Gate
    from shared.database import Pool

DEFAULT_SPAN = timedelta(hours=24)
COSTLY_SECONDS = 0.1  # a trend that took less to read is read anew for whoever asks later
KEPT_TIMES = 20  # one that took more is kept for so many times as long: asking again costs 5 % of a connection
KEPT_TRENDS = 64


class TotalTrend(NamedTuple):
    """The totals at these moments, read at ``read_at`` in ``seconds`` (by the monotonic clock)."""

    moments: history.Moments
    totals: list[int | None]
    read_at: float
    seconds: float

    @property
    def until(self) -> datetime:
        return self.moments.since + self.moments.step * self.moments.steps

    def is_kept(self) -> bool:
        """Whether it may be told to whoever asks now."""
        return self.seconds > COSTLY_SECONDS and time.monotonic() < self.read_at + KEPT_TIMES * self.seconds


class TotalTrends:
    """The latest trends by what was asked for: since when (None: DEFAULT_SPAN ago), in how many steps."""

    def __init__(self, readers: Pool, gate: Gate) -> None:
        self._readers = readers
        self._gate = gate
        self._latest: OrderedDict[tuple[datetime | None, int], TotalTrend] = OrderedDict()
        self._reading: dict[tuple[datetime | None, int], SharedLook[TotalTrend]] = {}

    async def get(self, since: datetime | None, steps: int) -> TotalTrend:
        """The trend up to now; up to some seconds ago if it is costly to read."""
        key = (since, steps)
        latest = self._latest.get(key)
        if latest is None or not latest.is_kept():
            latest = await self._read(key)
        return latest

    async def _read(self, key: tuple[datetime | None, int]) -> TotalTrend:
        look = self._reading.setdefault(key, SharedLook(lambda: self._select(*key)))
        try:
            trend = await look()
        finally:
            self._reading.pop(key, None)
        self._latest[key] = trend
        self._latest.move_to_end(key)
        while len(self._latest) > KEPT_TRENDS:
            self._latest.popitem(last=False)
        return trend

    async def _select(self, since: datetime | None, steps: int) -> TotalTrend:
        async with self._gate.entered(), acquire(self._readers) as connection:
            began, now = time.monotonic(), datetime.now(UTC)
            start = since or now - DEFAULT_SPAN
            moments = history.Moments(start, (now - start) / steps, steps)
            totals = await history.select_total_trend(connection, moments)
            ended = time.monotonic()
        return TotalTrend(moments, totals, ended, ended - began)
