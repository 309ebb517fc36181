"""Faults of the machine: a full disk under PostgreSQL, and clocks that are set back and forth."""

from __future__ import annotations

import asyncio
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.faults.campaign import Verdict, settle_and_judge
from tests.faults.world import World
from tests.postgres import PostgresServer
from tests.system_programs import find_faketime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEED = 21
DISK_BYTES = 160 * 2**20
MIN_BYTES = 4_096
MOUNT_SECONDS = 30
POLL_SECONDS = 0.05
FAKETIME = find_faketime()
STEPS = ("+3600", "-3600", "-86400", "+0", "+31536000", "+0")  # offsets from the true time in seconds


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted file system of DISK_BYTES."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, timeout=MOUNT_SECONDS, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], timeout=MOUNT_SECONDS, check=True)


@pytest.fixture
def cramped_postgres(stopped_postgres: PostgresServer, small_disk: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(small_disk / "data")
    stopped_postgres.copy_to(server.data_dir)
    server.start()
    yield server
    server.close()


def fill(filler: Path) -> None:
    """Fill the disk, even if other processes write to it at the same time."""
    size, piece = 0, DISK_BYTES
    with filler.open("wb") as file:
        while piece >= MIN_BYTES:
            try:
                os.posix_fallocate(file.fileno(), size, piece)
                size += piece
            except OSError:
                piece //= 2


async def restart_if_down(server: PostgresServer) -> None:
    """Restart PostgreSQL if it has exited because it had no disk space to recover, as its supervisor would."""
    if server.has_ended():
        await asyncio.to_thread(server.start)


@pytest.mark.timeout(180)
async def test_a_full_disk_costs_no_confirmed_change(
    cramped_postgres: PostgresServer, small_disk: Path, tmp_path: Path
) -> None:
    verdict = Verdict(SEED)
    async with World(cramped_postgres, tmp_path, SEED) as world:
        for _ in range(2):
            filler = small_disk / "filler"
            fill(filler)
            big = "CREATE TABLE big AS SELECT repeat(md5(n::text), 99) FROM generate_series(1, 100000) AS n"
            assert cramped_postgres.psql(world.stack.database, big).returncode != 0
            await world.until_failed(2)
            filler.unlink()
            await restart_if_down(cramped_postgres)
            working = asyncio.create_task(world.until_confirmed(20))
            while not working.done():
                await restart_if_down(cramped_postgres)
                await asyncio.wait({working}, timeout=POLL_SECONDS)
            await working
        await settle_and_judge(world, verdict)
    assert verdict.is_clean, (str(verdict), verdict.complaints)


@pytest.mark.timeout(180)
@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not here")
async def test_clock_steps_do_not_change_the_order_of_events(tmp_path: Path) -> None:
    now = tmp_path / "now"
    now.write_text("+0")
    clock = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(now),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    server = PostgresServer(tmp_path / "postgres", clock)
    await asyncio.to_thread(server.start)
    try:
        await asyncio.to_thread(server.make_template)
        verdict = Verdict(SEED)
        async with World(server, tmp_path, SEED, settings=clock) as world:
            for step in STEPS:
                now.write_text(step)
                await world.until_confirmed(50)
            await settle_and_judge(world, verdict)
            backwards = world.stack.sql(
                "SELECT count(*) FROM (SELECT changed_at < lag(changed_at) OVER (ORDER BY event_id) AS back"
                " FROM inventory_history) AS steps WHERE back"
            )
        assert verdict.is_clean, (str(verdict), verdict.complaints)
        assert int(backwards[0][0]) >= 2, "the clock was not set back"
    finally:
        server.close()
