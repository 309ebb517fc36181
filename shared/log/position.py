"""Positions in the log, as clients store them: ``<epoch>-<event id>``."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

EPOCH_PATTERN = "[0-9a-z]{1,16}"
POSITION_PATTERN = f"^{EPOCH_PATTERN}-[0-9]{{1,19}}$"
_POSITION = re.compile(POSITION_PATTERN)
_MAX_EVENT_ID = 2**63 - 1


class MalformedPositionError(ValueError):
    """The text does not have the form of a position."""


class Position(NamedTuple):
    """The reader has seen every event of this epoch up to and including ``event_id``."""

    epoch: str
    event_id: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a position. Raises MalformedPositionError."""
        epoch, _, event_id = text.partition("-")
        if not _POSITION.fullmatch(text) or int(event_id) > _MAX_EVENT_ID:
            raise MalformedPositionError("a position is <epoch>-<event id>, as in 3f9c01ab-1042")
        return cls(epoch, int(event_id))

    def __str__(self) -> str:
        return f"{self.epoch}-{self.event_id}"
