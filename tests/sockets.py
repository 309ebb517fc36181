"""Helpers for raw sockets."""

from __future__ import annotations

import socket
import struct
from typing import Any


def reset_on_close(connection: Any) -> None:
    """Have this socket end with a RST when it is closed, in place of a FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
