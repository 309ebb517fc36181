"""Creates the schema of the version before the log was partitioned, to test and to measure the migration."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.db import migrations
from shared.db.database import SQL, Functions, migration_files

LAST_MIGRATION = "0016_timeline"

# Only 3_log.sql has changed since. Once another file does not fit the tables of that version any more, keep its former
# text here, too.
FUNCTIONS = [
    SQL / "functions" / "1_text.sql",
    SQL / "functions" / "2_items.sql",
    Path(__file__).with_name("unpartitioned.sql"),
    SQL / "functions" / "4_past.sql",
    SQL / "functions" / "5_locations.sql",
    SQL / "functions" / "6_access.sql",
    SQL / "functions" / "7_movements.sql",
]


async def migrate_to_unpartitioned(url: str) -> None:
    """Apply the migrations of that version and its functions."""
    files = [file for file in migration_files() if file.stem <= LAST_MIGRATION]
    text = "\n".join(file.read_text(encoding="utf-8") for file in FUNCTIONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "migration_files", lambda: files)
        patch.setattr(migrations, "read_functions", lambda: Functions(text, "unpartitioned"))
        await migrations.migrate(url)
