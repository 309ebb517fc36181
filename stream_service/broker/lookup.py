"""Looks up the broker's name without the threads that the event loop needs for other names.

A lookup of a name that does not exist can take ten seconds, as in some networks of Docker, and can't be cancelled. The
event loop has four threads for lookups. If they all waited for the broker's name, the database could not be found.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading


class Lookup:
    """Looks up a name in a thread of its own, once at a time."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._answer: asyncio.Future[bool] | None = None  # of the lookup that runs

    async def find(self, seconds: float) -> bool:
        """Whether the name has an address. False, too, if there is no answer in this time; the lookup then goes on."""
        answer = self._answer = self._answer or self._start()
        await asyncio.wait({answer}, timeout=seconds)
        if not answer.done():
            return False
        self._answer = None
        return answer.result()

    def _start(self) -> asyncio.Future[bool]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()

        def look_up() -> None:
            is_found = _has_address(self._host)
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(answer.set_result, is_found)

        # The process does not wait for a daemon thread when it ends.
        threading.Thread(target=look_up, name="lookup", daemon=True).start()
        return answer


def _has_address(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return False
