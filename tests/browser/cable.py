"""A TCP relay between the page and the services, which tests cut, hold and mend."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from tests.stack import Stack, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

CHUNK = 65_536


class Cable:
    """Relays TCP connections from its own port to a target port, unless it is cut or held."""

    loses_answers = False  # if true, requests are relayed and the connection is closed when the response arrives

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._listener: socket.socket | None = None
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()  # makes sure that cut() also ends connections that are just being made
        self._flowing = threading.Event()
        self.mend()

    def mend(self) -> None:
        """Relay again, starting with the bytes that were held."""
        self._flowing.set()
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=100)
            self._start(self._accept, self._listener)

    def cut(self) -> None:
        """Close every connection and refuse new ones."""
        with self._lock:
            listener, self._listener = self._listener, None
            ends, self._ends = self._ends, []
        for end in [*ends, listener]:
            _close(end)
        self._flowing.set()

    @contextlib.contextmanager
    def redirected_to(self, target: int) -> Iterator[None]:
        """Relay to another port within the block. At its end, close the connections and restore the target."""
        before, self._target = self._target, target
        try:
            yield
        finally:
            self._target = before
            self.cut()
            self.mend()

    def hold(self) -> None:
        """Accept connections and bytes but relay nothing, so that neither side notices."""
        self._flowing.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            with self._lock:
                is_cut = self._listener is not listener
                self._ends += [] if is_cut else [near, far]
            if is_cut:
                _close(near)
                _close(far)
                return
            self._start(self._pass_on, near, far)
            self._start(self._pass_on, far, near)

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                self._flowing.wait()
                if self.loses_answers and source.getpeername()[1] == self._target:
                    break
                sink.sendall(data)
        _close(source)
        _close(sink)

    @staticmethod
    def _start(work: object, *arguments: socket.socket) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()  # type: ignore[arg-type]


def _close(end: socket.socket | None) -> None:
    """Shut down and close a socket. Closing alone does not wake a thread that waits for it."""
    if end is not None:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


class CabledStack(Stack):
    """Both services, each behind a cable. Heartbeats every second let pages notice silence soon."""

    def __init__(self, server: PostgresServer, database: str, logs: Path) -> None:
        super().__init__(server, database, logs)
        self.cables = {name: Cable(port) for name, port in self.ports.items()}
        self.api_url = f"http://127.0.0.1:{self.cables['api'].port}"
        self.settings = {
            "EVENTS_URL": f"http://127.0.0.1:{self.cables['stream'].port}/events",
            "ALLOWED_ORIGINS": self.api_url,
            "STREAM_HEARTBEAT_SECONDS": "1",
        }

    def cut(self) -> None:
        for cable in self.cables.values():
            cable.cut()

    def hold(self) -> None:
        for cable in self.cables.values():
            cable.hold()

    def mend(self) -> None:
        for cable in self.cables.values():
            cable.mend()

    def close(self) -> None:
        self.cut()
        super().close()
