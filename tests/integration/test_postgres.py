"""The PostgreSQL of the tests restarts after a kill, and reports why if it cannot."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import asyncpg
import pytest

import tests.postgres
from shared.local.postgres import cluster_dir

if TYPE_CHECKING:
    from tests.postgres import PostgresServer

PATIENCE_SECONDS = 20


async def test_it_restarts_while_a_backend_of_the_killed_server_lingers(own_postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(own_postgres.url("postgres"))
    backend = connection.get_server_pid()
    os.kill(backend, signal.SIGSTOP)
    try:
        own_postgres.stop(signal.SIGKILL)
        starting = asyncio.create_task(asyncio.to_thread(own_postgres.start))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "shared memory block" not in own_postgres.log.read_text():
                await asyncio.sleep(0.02)
        assert not starting.done()
    finally:
        os.kill(backend, signal.SIGCONT)
    await starting
    assert own_postgres.sql("postgres", "SELECT 1") == [("1",)]
    connection.terminate()


def test_a_server_that_cannot_start_is_reported_with_its_log(
    own_postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_postgres.stop()
    settings = cluster_dir(own_postgres.data_dir) / "postgresql.auto.conf"
    settings.write_text("no_such_setting = 1\n")
    monkeypatch.setattr(tests.postgres, "START_SECONDS", 3)
    with pytest.raises(AssertionError, match=r"auto.conf.* contains errors"):
        own_postgres.start()
