"""A connection pooler in transaction mode is refused at startup. Session mode works."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

from shared.db.embedded import socket_dir
from shared.local import postgres as embedded
from tests import processes
from tests.stack import MODULES, ROOT, Stack, environment, free_port
from tests.system_programs import find_pgbouncer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

PGBOUNCER = find_pgbouncer()
USER = "nobody"  # pgbouncer refuses to run as root
CONFIGURATION = """
[databases]
{database} = host={sockets} dbname={database} user={role}
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
pool_mode = {mode}
auth_type = any
ignore_startup_parameters = extra_float_digits
"""

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="no pgbouncer")


@pytest.fixture
def pooled(own_postgres: PostgresServer, tmp_path: Path) -> Iterator[Callable[[str, str], tuple[Stack, str]]]:
    """Return a function that starts a pooler in front of a migrated database. It returns a stack and the pooler URL."""
    started: list[subprocess.Popen[bytes]] = []
    if os.geteuid() == 0:
        with (embedded.cluster_dir(own_postgres.data_dir) / "pg_ident.conf").open("a") as identities:
            identities.write(f'owner "{USER}" all\n')
        own_postgres.sql("postgres", "SELECT pg_reload_conf()")

    def start(mode: str, role: str) -> tuple[Stack, str]:
        database, port = own_postgres.create_database(), free_port()
        folder = tmp_path / "pooler"
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(
                database=database,
                sockets=socket_dir(own_postgres.data_dir),
                role=role,
                port=port,
                folder=folder,
                mode=mode,
            )
        )
        as_user = embedded._as_server(pwd.getpwnam(USER).pw_uid)
        started.append(processes.start([*as_user, str(PGBOUNCER), "-q", str(configuration)]))
        return Stack(own_postgres, database, tmp_path), f"postgresql://{role}@/{database}?host={folder}&port={port}"

    yield start
    for process in started:
        processes.kill(process)


@pytest.mark.parametrize(
    ("service", "setting"), [("api", "DATABASE_URL"), ("stream", "DATABASE_URL"), ("stream", "LISTEN_DATABASE_URL")]
)
def test_a_pooler_in_transaction_mode_is_refused_with_one_line(
    pooled: Callable[[str, str], tuple[Stack, str]], service: str, setting: str
) -> None:
    stack, url = pooled("transaction", f"stockstream_{service}")
    settings = {"DATABASE_URL": stack.server.url(stack.database, f"stockstream_{service}"), setting: url}
    settings |= {"API_BIND": f"127.0.0.1:{free_port()}", "STREAM_BIND": f"127.0.0.1:{free_port()}"}
    done = subprocess.run(
        [sys.executable, "-m", MODULES[service]],
        env=environment(**settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1, (done.stdout, done.stderr)
    assert done.stderr.startswith(f"stockstream: {setting}: leads to a pooler")
    assert done.stderr.count("\n") == 1


def test_a_pooler_in_session_mode_works(pooled: Callable[[str, str], tuple[Stack, str]]) -> None:
    stack, url = pooled("session", "stockstream_api")
    stack.settings["DATABASE_URL"] = url
    try:
        stack.start("api")
        with urllib.request.urlopen(f"{stack.api_url}/api/inventories") as response:
            assert response.read() == b"[]"
    finally:
        stack.close()
