"""The cable itself, which other tests rely on."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

from tests.browser.cable import Cable

if TYPE_CHECKING:
    import pytest

SECONDS = 10


def test_cut_also_closes_connections_that_are_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.create_connection
    has_begun, is_cut = threading.Event(), threading.Event()

    def connect_slowly(*arguments: Any) -> socket.socket:
        has_begun.set()
        is_cut.wait(SECONDS)
        return connect(*arguments)

    with socket.create_server(("127.0.0.1", 0)) as server:
        cable = Cable(server.getsockname()[1])
        monkeypatch.setattr(socket, "create_connection", connect_slowly)
        with connect(("127.0.0.1", cable.port)) as client:
            assert has_begun.wait(SECONDS)
            cable.cut()
            is_cut.set()
            client.settimeout(SECONDS)
            assert client.recv(1) == b""
