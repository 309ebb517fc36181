"""Every command of the README works when pasted."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.acceptance.client import change
from tests.acceptance.test_run import Run, running
from tests.accounts import PASSWORD
from tests.stack import ROOT

if TYPE_CHECKING:
    from pathlib import Path

README = (ROOT / "README.md").read_text()
PATIENCE_SECONDS = 20
STREAM_SECONDS = 1
STREAM_WAS_CUT = 28  # curl's exit code for a timeout


def sections() -> dict[str, list[str]]:
    """Return the code blocks below each heading."""
    parts = re.split(r"^## (.*)$", README, flags=re.MULTILINE)[1:]
    return {
        title: blocks
        for title, text in zip(parts[::2], parts[1::2], strict=True)
        if (blocks := re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    }


def paste(run: Run, script: str, folder: Path) -> str:
    """Run a block of commands against this run's addresses. HTTP errors make it fail."""
    script = script.replace("localhost:8000", f"localhost:{run.api}").replace(
        "localhost:8001", f"localhost:{run.stream}"
    )
    script = script.replace("curl -N", f"curl --fail -sS -N -m {STREAM_SECONDS}").replace("curl -s", "curl --fail -sS")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=run.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (STREAM_WAS_CUT if "curl --fail -sS -N" in script else 0), (script, done)
    assert "problem+json" not in done.stdout
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_every_command_of_the_readme_works(tmp_path: Path) -> None:
    pasted = sections()
    counts = {title: len(blocks) for title, blocks in pasted.items()}
    assert counts == {"Try it": 2, "The stream": 3, "The API": 8, "Accounts": 2}
    assert pasted["Try it"][0] == "make run\n"
    assert pasted["Accounts"][0] == "make run AUTH=login\n"
    with running(Run(tmp_path / "data")) as run:
        paste(run, pasted["Try it"][1], ROOT)
        assert run.psql("SELECT name, quantity FROM inventory") == "M4 bolt|99"
        for block in pasted["The stream"]:
            assert "event: heartbeat" in paste(run, block, ROOT)
        *walk, by_psql = pasted["The API"]
        paste(run, "".join(walk), tmp_path)  # the blocks share variables
        paste(run, by_psql, ROOT)
        logged = "SELECT json_agg(json_build_array(operation, actor, reason) ORDER BY event_id) FROM inventory_history"
        assert json.loads(run.psql(f"{logged} WHERE item_id = 2")) == [
            ["INSERT", "ann", None],
            ["UPDATE", "bob", "moved"],
            ["UPDATE", "eve", "counted"],
            ["UPDATE", "eve", "corrected"],
            ["UPDATE", "eve", "counted"],
            ["UPDATE", "stockstream_api", None],
            ["DELETE", "mallory", "lost"],
            ["INSERT", "stockstream_api", None],
        ]
        assert (
            run.psql("SELECT location, quantity FROM inventory WHERE name = 'Washer M4' ORDER BY id") == "1|398\n2|80"
        )
        assert run.psql("SELECT reason FROM inventory_history ORDER BY event_id DESC LIMIT 1") == "used"
        assert (tmp_path / "stock.csv").read_text().count("\n") == 4
        assert (tmp_path / "order.csv").read_text().count("\n") == 2


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
async def test_the_commands_about_accounts_work(tmp_path: Path) -> None:
    with running(Run(tmp_path / "data", AUTH="login")) as run:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (link := re.search(r"http://\S+/setup#(\S+)", run.output.read_text())) is None:
                await asyncio.sleep(0.05)
        base = f"http://127.0.0.1:{run.api}"
        async with aiohttp.ClientSession(base, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            await change(client, "POST", "/api/setup", {"token": link[1], "name": "ann", "password": PASSWORD})
            account = {"name": "robot", "kind": "service", "grants": [{"role": "viewer"}]}
            robot = await change(client, "POST", "/api/accounts", account)
            token = await change(client, "POST", "/api/tokens", {"account": robot["id"], "name": "curl"})
        run.environment["TOKEN"] = token["token"]
        assert "event: heartbeat" in paste(run, sections()["Accounts"][1], ROOT)
        assert create_admin(run, "bob") == "stockstream: created bob, admin\n"


def create_admin(run: Run, name: str) -> str:
    """Run what `make user ARGS='<name> --role admin'` runs, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "api_service.user", name, "--role", "admin"],
        cwd=ROOT,
        env=run.environment,
        input=f"{PASSWORD}\n",
        text=True,
        check=True,
        capture_output=True,
    )
    return done.stdout
