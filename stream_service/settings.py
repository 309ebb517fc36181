"""Settings of the stream."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from shared.process.settings import DatabaseUrl, Settings


def _check_broker_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("redis://", "rediss://")):
        raise ValueError("must start with redis:// or rediss://")
    return value


def _check_password_file(value: Path) -> Path:
    try:
        read_password(value)
    except (OSError, UnicodeDecodeError):
        raise ValueError("can't be read") from None
    return value


def read_password(file: Path) -> str:
    """The password in this file."""
    return file.read_text(encoding="utf-8").strip()


BrokerUrl = Annotated[SecretStr, AfterValidator(_check_broker_url)]
PasswordFile = Annotated[Path, AfterValidator(_check_password_file)]


class StreamSettings(Settings):
    """Settings of `stream_service`."""

    listen_database_url: DatabaseUrl | None = Field(
        None, description="PostgreSQL to LISTEN on, where a pooler stands in front of `DATABASE_URL`"
    )
    replay_database_url: DatabaseUrl | None = Field(
        None,
        description="A standby to read events from that are no longer in memory; unset: `DATABASE_URL`",
    )
    stream_workers: int = Field(1, ge=1, le=64, description="Processes that share the port; each reads the whole log")
    stream_flush_ms: int = Field(
        25, ge=0, le=1_000, description="Under load, minimum time between two writes to a client (ms)"
    )
    stream_heartbeat_seconds: float = Field(10, gt=0, le=15, description="Time between two heartbeats (s)")
    stream_ring_bytes: int = Field(
        32 * 2**20, ge=2**16, description="Memory for recent events; older ones are read from the database"
    )
    stream_max_subscribers: int = Field(20_000, ge=1, description="Maximum open streams of a process")
    stream_max_per_client: int = Field(
        1_000,
        ge=1,
        description="Maximum open streams of a client address in a process (behind a proxy, see `TRUSTED_PROXIES`)",
    )
    stream_drain_seconds: float = Field(2, ge=0, le=60, description="After SIGTERM, time over which streams end (s)")
    stream_direct_writes: bool = Field(
        True, description="Write events directly to HTTP/1.1 connections; `false`: through the server's ASGI interface"
    )
    stream_replay_readers: int = Field(4, ge=1, le=50, description="Database connections for subscribers that catch up")
    broker_url: BrokerUrl | None = Field(
        None, description="Broker (Redis or Valkey) that many stream processes share: `redis://:password@host:6379`"
    )
    broker_password_file: PasswordFile | None = Field(
        None, description="File with the broker's password, if its URL has none"
    )
    broker_bytes: int = Field(
        64 * 2**20,
        ge=2**16,
        description="Memory for recent events in the broker; older ones are read from the database",
    )

    @property
    def broker_password(self) -> str | None:
        """The broker's password, if it is in a file."""
        return None if self.broker_password_file is None else read_password(self.broker_password_file)

    @property
    def origins(self) -> frozenset[str]:
        """The origins whose pages may subscribe."""
        if self.allowed_origins:
            return self.allowed_origins
        port = self.api_bind.port
        hosts = {"127.0.0.1", "localhost", self.api_bind.reachable_host}
        return frozenset(f"http://{f'[{host}]' if ':' in host else host}:{port}" for host in hosts)
