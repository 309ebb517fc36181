"""Standbys of a PostgreSQL server for the tests: real ones, which stream and replay its WAL."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

from shared.db.embedded import OWNER, socket_dir
from shared.local import postgres
from tests.faults.waiting import within
from tests.postgres import PostgresServer

if TYPE_CHECKING:
    from pathlib import Path

COPY_SECONDS = 60
REPLAY_SECONDS = 30
POLL_SECONDS = 0.02
# Peer authentication does not know the user of a server that root has started. The socket's folder is private anyway.
ADMIT_STANDBYS = "local replication all trust\n"


def start_standby(upstream: PostgresServer, data_dir: Path, **settings: str) -> PostgresServer:
    """Copy a running server, and start the copy as its standby with these settings of PostgreSQL."""
    cluster = postgres.cluster_dir(upstream.data_dir)
    with (cluster / "pg_hba.conf").open("a") as admitted:
        admitted.write(ADMIT_STANDBYS)
    upstream.sql("postgres", "SELECT pg_reload_conf()")
    data_dir.mkdir(mode=0o700)
    copy = postgres.cluster_dir(data_dir)
    command = [*postgres._as_server(cluster.stat().st_uid), postgres.binary("pg_basebackup")]
    options = ["--write-recovery-conf", "--checkpoint=fast", f"--dbname={_address(upstream)}", f"--pgdata={copy}"]
    subprocess.run([*command, *options], timeout=COPY_SECONDS, check=True, cwd="/")
    with (copy / "postgresql.auto.conf").open("a") as configuration:
        for name, value in {"wal_retrieve_retry_interval": "100ms", **settings}.items():
            configuration.write(f"{name} = '{value}'\n")
    standby = PostgresServer(data_dir)
    standby.start()
    return standby


def follow(standby: PostgresServer, upstream: PostgresServer) -> None:
    """Make a standby stream from another server."""
    standby.sql("postgres", f"ALTER SYSTEM SET primary_conninfo = '{_address(upstream)}'")
    standby.sql("postgres", "SELECT pg_reload_conf()")


def promote(standby: PostgresServer) -> None:
    """Make a standby a primary, with a new timeline."""
    assert standby.sql("postgres", "SELECT pg_promote()") == [("t",)]


async def wait_until_replayed(standby: PostgresServer, upstream: PostgresServer) -> None:
    """Wait until a standby has replayed what its upstream has committed until now."""
    ((end,),) = upstream.sql("postgres", "SELECT pg_current_wal_flush_lsn()")
    async with within(REPLAY_SECONDS, f"the standby to replay the WAL up to {end}"):
        while standby.sql("postgres", f"SELECT pg_last_wal_replay_lsn() >= '{end}'::pg_lsn") != [("t",)]:
            await asyncio.sleep(POLL_SECONDS)


async def pause_replay(standby: PostgresServer) -> None:
    """Stop the replay of a standby, which goes on receiving."""
    standby.sql("postgres", "SELECT pg_wal_replay_pause()")
    async with within(REPLAY_SECONDS, "the replay to pause"):
        while standby.sql("postgres", "SELECT pg_get_wal_replay_pause_state()") != [("paused",)]:
            await asyncio.sleep(POLL_SECONDS)


def _address(server: PostgresServer) -> str:
    return f"host={socket_dir(server.data_dir)} user={OWNER} dbname=postgres"
