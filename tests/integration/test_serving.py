"""Socket options that accepted connections inherit from the listening socket."""

from __future__ import annotations

import socket
import sys

import pytest

from shared.process.serving import PEER_TIMEOUT_SECONDS, listen
from shared.process.settings import Bind
from tests.stack import free_port


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's defaults stand")
def test_a_connection_to_a_vanished_peer_is_closed_within_a_minute() -> None:
    """Unacknowledged data ends a connection after TCP_USER_TIMEOUT, an idle one ends after the keep-alive probes."""
    with listen(Bind("127.0.0.1", free_port())) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            option = {
                name: accepted.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
                for name in ("TCP_USER_TIMEOUT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
            }
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert option["TCP_USER_TIMEOUT"] == PEER_TIMEOUT_SECONDS * 1000 < 60_000
    assert option["TCP_KEEPIDLE"] + option["TCP_KEEPINTVL"] * option["TCP_KEEPCNT"] < 60
