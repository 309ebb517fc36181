"""The description of the API is true: every check of schemathesis, against the running service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.stack import ROOT, Stack, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import PostgresServer

CONFIGURATION = ROOT / "tests" / "schemathesis.toml"
SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"


@pytest.fixture(scope="module")
def api_url(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    database = postgres.create_database()
    stack = Stack(postgres, database, tmp_path_factory.mktemp("logs"))
    stack.start("api")
    yield stack.api_url
    stack.close()
    postgres.drop_database(database)


def test_schemathesis_finds_no_answer_that_the_document_does_not_foresee(api_url: str, tmp_path: Path) -> None:
    """Examples, limits, random requests and sequences of them, with all checks; the same ones in every run."""
    done = subprocess.run(
        [SCHEMATHESIS, "--config-file", CONFIGURATION, "run", f"{api_url}/openapi.json"],
        cwd=tmp_path,
        env=environment(COLUMNS="120"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
