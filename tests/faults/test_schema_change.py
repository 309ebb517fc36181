"""The schema is migrated while services of the previous version run and clients read and write."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.db import migrations
from shared.db.database import FUNCTIONS, migration_files
from tests.faults.campaign import Verdict, settle_and_judge
from tests.faults.waiting import within
from tests.faults.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import PostgresServer

SEED = 22
MIGRATE_SECONDS = 60
NEXT_VERSION = """
-- What a next version may do: a column, an index, and triggers that are made anew.
ALTER TABLE inventory ADD COLUMN colour text;
CREATE INDEX inventory_colour ON inventory (colour);
CREATE OR REPLACE FUNCTION inventory_bury() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO inventory_tombstone (item_id, version, location)
    VALUES (OLD.id, OLD.version + 1, OLD.location)
    ON CONFLICT (item_id) DO UPDATE SET version = EXCLUDED.version, location = EXCLUDED.location;
    RETURN NULL;
END;
$$;
DROP TRIGGER inventory_bury ON inventory;
CREATE TRIGGER inventory_bury AFTER DELETE ON inventory
    FOR EACH ROW EXECUTE FUNCTION inventory_bury();
ALTER TABLE inventory ENABLE ALWAYS TRIGGER inventory_bury;
"""


@pytest.mark.timeout(180)
async def test_two_upgrades_at_once_under_running_services_lose_nothing(
    own_postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "9999_next.sql"
    new.write_text(NEXT_VERSION)
    files = [*migration_files(), new]
    verdict = Verdict(SEED)
    async with World(own_postgres, tmp_path, SEED) as world:
        monkeypatch.setattr(migrations, "migration_files", lambda: files)
        async with within(MIGRATE_SECONDS, "two upgrades at once"):
            applied = await asyncio.gather(*(migrations.migrate(world.stack.database_url) for _ in range(2)))
        assert sorted(applied) == [[], [new.stem, FUNCTIONS]]
        await world.until_confirmed(100)
        for name in ("api", "stream"):
            assert await asyncio.to_thread(world.stack.is_ready, name), "the service must stay ready on a newer schema"
        await settle_and_judge(world, verdict)
    assert verdict.is_clean, (str(verdict), verdict.complaints)
