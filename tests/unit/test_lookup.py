"""A broker's name that can't be looked up costs one thread, and none of the event loop's."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from stream_service.broker.lookup import Lookup
from stream_service.broker.stream import Broker, BrokerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

SOON_SECONDS = 0.01


class SlowNames:
    """A resolver that answers when it is told to: that there is no such name."""

    def __init__(self) -> None:
        self.lookups = 0
        self.answers = threading.Event()

    def getaddrinfo(self, *_: Any, **__: Any) -> Any:
        self.lookups += 1
        assert self.answers.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowNames]:
    names = SlowNames()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    yield names
    names.answers.set()


async def test_attempts_share_a_lookup_that_is_not_answered(slow_names: SlowNames) -> None:
    lookup = Lookup("broker")
    assert [await lookup.find(SOON_SECONDS) for _ in range(5)] == [False] * 5
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SOON_SECONDS):  # an attempt that is cancelled
            await lookup.find(20)
    assert slow_names.lookups == 1


async def test_after_an_answer_the_name_is_looked_up_again(slow_names: SlowNames) -> None:
    lookup = Lookup("broker")
    assert not await lookup.find(SOON_SECONDS)
    slow_names.answers.set()
    assert not await lookup.find(20)
    assert not await lookup.find(20)
    assert slow_names.lookups == 2


async def test_a_name_with_an_address_is_found() -> None:
    assert await Lookup("localhost").find(20)
    assert await Lookup("127.0.0.1").find(20)
    assert not await Lookup("a" * 64 + ".invalid").find(20), "a name that can't be encoded"


async def test_the_reason_is_the_same_with_and_without_an_answer(
    slow_names: SlowNames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_service.broker.stream.TIMEOUT_SECONDS", SOON_SECONDS)
    broker, reason = Broker("redis://:secret@broker:6379"), "^the name broker can't be looked up$"
    with pytest.raises(BrokerUnavailableError, match=reason):
        await broker.find()
    slow_names.answers.set()
    monkeypatch.setattr("stream_service.broker.stream.TIMEOUT_SECONDS", 20)
    with pytest.raises(BrokerUnavailableError, match=reason):
        await broker.find()
