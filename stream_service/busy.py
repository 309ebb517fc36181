"""Refusals that a browser survives: EventSource gives up for good on any status but 200."""

from __future__ import annotations

import random

from stream_service import frames

RETRY_MILLISECONDS = (1_000, 4_000)
FULL_RETRY_MILLISECONDS = (15_000, 60_000)


class BusyError(Exception):
    """This client can't be served now. The text says why.

    ``is_full`` is whether a limit is reached: the client is then told to stay away for longer.
    """

    def __init__(self, reason: str, *, is_full: bool = False) -> None:
        super().__init__(reason)
        self.is_full = is_full

    def encode(self) -> bytes:
        """The last bytes of the stream: when to reconnect, and why it ends."""
        return retry(is_full=self.is_full) + frames.busy(str(self), is_full=self.is_full)


def retry(*, is_full: bool = False) -> bytes:
    """Tells the client how long to wait before it reconnects. Random, to spread the load after a restart."""
    span = FULL_RETRY_MILLISECONDS if is_full else RETRY_MILLISECONDS
    return frames.retry(random.randint(*span))  # noqa: S311 - spreads load, hides nothing
