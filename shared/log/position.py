"""A place in the log, as clients hold it: ``<epoch>-<event id>``."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

_POSITION = re.compile(r"([0-9a-z]{1,16})-([0-9]{1,19})", re.ASCII)
_MAX_EVENT_ID = 2**63 - 1


class MalformedPositionError(ValueError):
    """The text is no position at all; a position that can't be served is another matter."""


class Position(NamedTuple):
    """The reader has seen every event of this epoch up to and including ``event_id``."""

    epoch: str
    event_id: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a position, or raise MalformedPositionError."""
        match = _POSITION.fullmatch(text)
        if match is None or int(match[2]) > _MAX_EVENT_ID:
            raise MalformedPositionError("a position is <epoch>-<event id>, as in 3f9c01ab-1042")
        return cls(match[1], int(match[2]))

    def __str__(self) -> str:
        return f"{self.epoch}-{self.event_id}"
