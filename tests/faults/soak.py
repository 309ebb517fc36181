"""A long run of readers and writers without faults, to watch memory: `python -m tests.faults.soak`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.campaign import Verdict, settle_and_judge
from tests.faults.world import World
from tests.postgres import PostgresServer

if TYPE_CHECKING:
    from tests.stack import Stack

LOOK_SECONDS = 120


def memory_mb(stack: Stack, name: str) -> float:
    """Return the resident set size of a service in MB."""
    status = Path(f"/proc/{stack.pid(name)}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


async def soak(server: PostgresServer, folder: Path, seconds: float, seed: int) -> Verdict:
    verdict = Verdict(seed)
    async with World(server, folder, seed) as world:
        elapsed = 0.0
        while elapsed < seconds:
            await asyncio.sleep(LOOK_SECONDS)
            elapsed += LOOK_SECONDS
            memory = {name: f"{memory_mb(world.stack, name):.0f} MB" for name in ("api", "stream")}
            print(f"after {elapsed / 60:.0f} min: {memory}, {world.head().event_id:,} events", flush=True)
        await settle_and_judge(world, verdict)
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(description="Let people work for a long time, and watch memory.")
    parser.add_argument("--seconds", type=float, default=1_800)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stockstream-soak-") as folder:
        server = PostgresServer(Path(folder) / "postgres")
        server.start()
        try:
            server.make_template()
            verdict = asyncio.run(soak(server, Path(folder), arguments.seconds, arguments.seed))
        finally:
            server.close()
    print(verdict, *verdict.complaints, sep="\n")
    return int(not verdict.is_clean)


if __name__ == "__main__":
    sys.exit(main())
