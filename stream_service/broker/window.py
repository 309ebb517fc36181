"""The newest part of the log, as far as the broker has it: for subscribers that catch up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_service.blocks import Block
from stream_service.broker.stream import BrokerUnavailableError, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from stream_service.blocks import BlockKey
    from stream_service.ring import Frame


class Window:
    """Reads blocks from the broker."""

    name = "broker"

    def __init__(self, client: Redis, is_trusted: Callable[[], bool]) -> None:
        self._client = client
        self._is_trusted = is_trusted

    async def read(self, key: BlockKey) -> Block | None:
        """Read a block. None if the broker does not have all of it, or is not trusted."""
        if not self._is_trusted():
            return None
        try:
            parts = await Stream(self._client, key.epoch).parts(key.after, key.up_to)
        except BrokerUnavailableError:
            return None
        if parts is None:
            return None
        frames: list[Frame] = []
        reached = key.after
        for part in parts:
            frames += [frame for frame in part.frames if reached < frame.event_id <= key.up_to]
            reached = part.end
        return Block(frames, key.up_to, floor=key.after)
