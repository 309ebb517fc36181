"""Changes items without the API, by pgbench."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.local.postgres import binary
from tests import processes

if TYPE_CHECKING:
    from pathlib import Path


def change_items(url: str, folder: Path, *options: str, items: int, sessions: int, seconds: float) -> str:
    """Change one of the first items in each transaction. Returns what pgbench has measured."""
    script = folder / "update.sql"
    script.write_text(f"\\set id random(1, {items})\nUPDATE inventory SET quantity = quantity + 1 WHERE id = :id;\n")
    command = [binary("pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={script}", f"--client={sessions}"]
    done = processes.run([*command, f"--time={round(seconds)}", *options, url], seconds=seconds + 60, text=True)
    assert done.returncode == 0, done.stderr
    told: str = done.stdout
    return told
