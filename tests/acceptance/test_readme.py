"""Every line of the README works when pasted."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.test_run import Run, running
from tests.stack import ROOT

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
STREAM_SECONDS = 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_every_command_of_the_readme_works(tmp_path: Path) -> None:
    pasted = [block for block in BLOCKS if block != "make run\n"]
    assert len(pasted) == 5
    with running(Run(tmp_path / "data")) as run:
        for block in pasted:
            script = block.replace("localhost:8000", f"localhost:{run.api}")
            script = script.replace("localhost:8001", f"localhost:{run.stream}")
            script = script.replace("curl -N", f"curl --fail -sS -N -m {STREAM_SECONDS}").replace(
                "curl -s", "curl --fail -s"
            )
            done = subprocess.run(
                ["bash", "-euc", script], cwd=ROOT, env=run.environment, capture_output=True, text=True, check=False
            )
            stream_was_cut = 28
            assert done.returncode == (stream_was_cut if "curl -N" in block else 0), (script, done.stdout, done.stderr)
            assert "problem+json" not in done.stdout
            if "curl -N" in block:
                assert "event: heartbeat" in done.stdout
        assert run.psql("SELECT name, quantity FROM inventory") == "M4 bolt|99"
