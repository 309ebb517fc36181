"""Creates the schema of the version before the log was partitioned, to test and to measure the migration."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.db import migrations
from shared.db.database import Functions, migration_files

LAST_MIGRATION = "0016_timeline"
FUNCTIONS = Path(__file__).with_name("unpartitioned.sql")


async def migrate_to_unpartitioned(url: str) -> None:
    """Apply the migrations of that version and its functions."""
    files = [file for file in migration_files() if file.stem <= LAST_MIGRATION]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "migration_files", lambda: files)
        patch.setattr(migrations, "read_functions", lambda: Functions(FUNCTIONS.read_text(), "unpartitioned"))
        await migrations.migrate(url)
