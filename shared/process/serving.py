"""Serves an app, and drains its connections when it stops."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import socket
import sys
from typing import TYPE_CHECKING, NamedTuple, Protocol

import uvloop
from hypercorn.config import Config

from shared.process import server
from shared.process.workers import run_workers

if TYPE_CHECKING:
    from quart import Quart

    from shared.process.settings import Bind

BACKLOG = 4096  # connections that wait in the kernel, as when thousands of pages reconnect at once
GRACE_SECONDS = 1.0  # for current requests to end after the service has drained
END_SECONDS = 0.5  # for requests that are cancelled after that
PEER_TIMEOUT_SECONDS = 40  # a peer that vanished without a FIN is disconnected after this


class Draining(Protocol):
    """Called between SIGTERM and the closing of the port."""

    async def __call__(self) -> None: ...


async def nothing_to_drain() -> None:
    """Do nothing: the responses of this service end by themselves."""


class Limits(NamedTuple):
    """Limits of a connection: size of request headers, and time between requests and for headers to arrive."""

    header_bytes: int = 16_384
    idle_seconds: float = 20.0


USUAL_LIMITS = Limits()


def serve(
    app: Quart,
    bind: Bind,
    setting: str,
    drain: Draining = nothing_to_drain,
    *,
    workers: int = 1,
    limits: Limits = USUAL_LIMITS,
    grace_seconds: float = GRACE_SECONDS,
    end_seconds: float = END_SECONDS,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return.

    After the drain, new requests are refused and current ones have ``grace_seconds`` to end. Those that are still
    running are cancelled, and have ``end_seconds`` to roll back.

    With several workers, each is a process, all accept on the same socket, and one that dies is replaced.
    Exits with one clear line, naming the setting, when the address can't be listened on.
    """
    try:
        listener = listen(bind)
    except OSError as error:
        sys.exit(f"stockstream: {setting} {bind}: {error.strerror or error}")
    _allow_many_files()
    config = _config(limits, grace_seconds)
    if workers == 1:
        uvloop.run(_serve(app, config, listener, drain, end_seconds))
    else:
        run_workers(
            workers, lambda parent_gone: uvloop.run(_serve(app, config, listener, drain, end_seconds, parent_gone))
        )


def listen(bind: Bind) -> socket.socket:
    """A listening socket whose connections detect a vanished peer. Raises OSError."""
    listener = socket.socket(socket.AF_INET6 if ":" in bind.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Accepted connections inherit these on Linux. Elsewhere the system's defaults apply.
    for option, value in (
        ("TCP_KEEPIDLE", 15),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 4),
        ("TCP_USER_TIMEOUT", PEER_TIMEOUT_SECONDS * 1000),
    ):
        if hasattr(socket, option):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    try:
        listener.bind(bind)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _config(limits: Limits, grace_seconds: float) -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn")
    config.include_server_header = False
    config.keep_alive_timeout = limits.idle_seconds
    config.graceful_timeout = grace_seconds
    config.h11_max_incomplete_size = limits.header_bytes
    config.h2_max_header_list_size = limits.header_bytes
    return config


def _force_exit() -> None:
    """Exit without waiting for clients that read nothing. Closing their sockets waits without a limit."""
    logging.getLogger(__name__).warning("some connections did not end and were cut")
    os._exit(0)


def _allow_many_files() -> None:
    """Raise the limit of open files, which is often 1,024: each stream needs one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(
    app: Quart,
    config: Config,
    listener: socket.socket,
    drain: Draining,
    end_seconds: float,
    parent_gone: int | None = None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if parent_gone is not None:
        loop.add_reader(parent_gone, stop.set)

    async def asked_to_stop() -> None:
        # Tell the app first: nothing else would end its streams.
        await stop.wait()
        await drain()
        loop.call_later(config.graceful_timeout + end_seconds, _force_exit)

    await server.serve(app, config, listener, BACKLOG, asked_to_stop)
