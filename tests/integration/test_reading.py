"""Functions that read or prune the log: the floor, past states of items, and folded names."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from api_service.app import create_app
from api_service.http.answers import explain_no_restore, explain_refusal
from api_service.settings import ApiSettings
from api_service.store import history, items
from api_service.store.history import EventCriteria
from shared.web.problems import Problem

if TYPE_CHECKING:
    from shared.db.database import Connection, Pool
    from tests.postgres import Connect, PostgresServer

DAY = timedelta(days=1)
PRUNE = "SELECT prune_history($1, $2)"
AS_OF = "SELECT id, document::text FROM items_as_of($1) WHERE document IS NOT NULL"


async def make_old(pool: Pool, up_to: int, age: str = "2 days") -> None:
    """Date events back. Requires the owner of the log."""
    await pool.execute(
        "UPDATE inventory_history SET changed_at = changed_at - $2::text::interval WHERE event_id <= $1", up_to, age
    )


async def as_of(connection: Pool | Connection, moment: int) -> dict[int, Any]:
    return {row["id"]: json.loads(row["document"]) for row in await connection.fetch(AS_OF, moment)}


async def event_ids(pool: Pool) -> list[int]:
    return [row[0] for row in await pool.fetch("SELECT event_id FROM inventory_history ORDER BY event_id")]


async def extent(pool: Pool) -> tuple[int, int]:
    return await pool.fetchval("SELECT log_floor()"), await pool.fetchval("SELECT log_head()")


async def write_history(pool: Pool) -> None:
    """Write 17 events: one item that changes, one that does not, one that is deleted and one that is re-created."""
    await pool.execute(
        "INSERT INTO inventory (id, name, quantity)"
        " VALUES (1, 'busy', 1), (2, 'resting', 2), (3, 'gone', 3), (4, 'back', 4)"
    )
    for _ in range(3):
        await pool.execute("UPDATE inventory SET quantity = quantity + 1 WHERE id <> 2")
    await pool.execute("DELETE FROM inventory WHERE id >= 3")
    await pool.execute("INSERT INTO inventory (id, name, quantity) VALUES (4, 'back', 9)")
    await pool.execute("UPDATE inventory SET quantity = quantity + 1 WHERE id = 1")


# Pruning ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "interval", ["0", "-1 day", "23 hours 59 minutes", "-1 month 1 day", "1 month -30 days -1 second"]
)
async def test_pruning_history_younger_than_a_day_is_refused(connect: Connect, interval: str) -> None:
    api = await connect("stockstream_api")
    with pytest.raises(asyncpg.InvalidParameterValueError, match="younger than a day"):
        await api.execute(f"SELECT prune_history(interval '{interval}', 10)")
    await api.close()


async def test_pruning_without_an_interval_is_refused(connect: Connect) -> None:
    api = await connect("stockstream_api")
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await api.execute("SELECT prune_history(NULL, 10)")
    await api.close()


async def test_ambiguous_intervals_never_prune_history_younger_than_a_day(connect: Connect, pool: Pool) -> None:
    await write_history(pool)
    await make_old(pool, 10, "23 hours 50 minutes")
    api = await connect("stockstream_api")
    await api.execute("SET timezone = 'America/New_York'")
    for interval in ("1 day", "1 month -29 days", "-1 month 31 days", "-1 year 361 days", "24 hours"):
        await api.execute(f"SELECT prune_history(interval '{interval}', 1000)")
    assert await event_ids(pool) == list(range(1, 18))
    await api.close()


async def test_a_batch_prunes_a_limited_number_and_keeps_the_remaining_past_exact(connect: Connect, pool: Pool) -> None:
    await write_history(pool)
    await make_old(pool, 15)
    past = {moment: await as_of(pool, moment) for moment in range(18)}
    api = await connect("stockstream_api")
    floor = 0
    while passed := await api.fetchval(PRUNE, DAY, 4):
        floor += passed
        assert passed <= 4
        assert await extent(pool) == (floor, 17)
        for moment in range(floor, 18):
            assert await as_of(api, moment) == past[moment]
        living = {row[0] for row in await pool.fetch("SELECT id FROM inventory")}
        kept = {row[0] for row in await pool.fetch("SELECT item_id FROM inventory_history")}
        assert living <= kept, "the last event of an existing item was pruned"
    assert floor == 15
    assert await event_ids(pool) == [2, 16, 17], "of the old events, only the last of the unchanged item must stay"
    await api.close()


async def test_a_movement_is_pruned_with_its_last_line(connect: Connect, pool: Pool) -> None:
    for reason in ("received", "sold", "counted"):
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(f"SET LOCAL stockstream.reason = '{reason}'")
            if reason == "received":
                await connection.execute("INSERT INTO inventory (id, name, quantity) VALUES (1, 'a', 9), (2, 'b', 9)")
            else:
                await connection.execute("UPDATE inventory SET quantity = quantity - 1 WHERE id = 1")
    await make_old(pool, 3)
    api = await connect("stockstream_api")
    assert await api.fetchval(PRUNE, DAY, 100) == 3
    reasons = await pool.fetchval("SELECT array_agg(reason ORDER BY id) FROM movement")
    assert reasons == ["received", "counted"], "an item of the first one has not been changed since"
    await api.close()


async def test_a_pruned_log_continues_at_its_head(pool: Pool) -> None:
    await pool.execute("INSERT INTO inventory (name, quantity) VALUES ('a', 1)")
    await pool.execute("DELETE FROM inventory")
    await make_old(pool, 2)
    assert await pool.fetchval(PRUNE, DAY, 100) == 2
    assert await event_ids(pool) == []
    assert await extent(pool) == (2, 2)
    await pool.execute("INSERT INTO inventory (name, quantity) VALUES ('b', 1)")
    assert await extent(pool) == (2, 3)
    assert await as_of(pool, 2) == {}


async def test_only_one_of_two_concurrent_prunes_does_anything(connect: Connect, pool: Pool) -> None:
    await write_history(pool)
    await make_old(pool, 15)
    first, second = await connect("stockstream_api"), await connect("stockstream_api")
    transaction = first.transaction()
    await transaction.start()
    assert await first.fetchval(PRUNE, DAY, 4) == 4
    assert await second.fetchval(PRUNE, DAY, 4, timeout=5) == 0
    await pool.execute("UPDATE inventory SET quantity = 0 WHERE id = 2", timeout=5)
    await transaction.commit()
    passed = await asyncio.gather(*(connection.fetchval(PRUNE, DAY, 100) for connection in (first, second)))
    assert sum(passed) == 11
    assert await event_ids(pool) == [2, 16, 17, 18], "event 2 must stay until the next prune"
    await first.close()
    await second.close()


async def test_a_deletion_during_a_prune_loses_no_last_event(connect: Connect, pool: Pool) -> None:
    await write_history(pool)
    await make_old(pool, 15)
    deleting = await connect()
    transaction = deleting.transaction()
    await transaction.start()
    await deleting.execute("DELETE FROM inventory WHERE id = 2")
    assert await pool.fetchval(PRUNE, DAY, 100, timeout=5) == 15
    assert await event_ids(pool) == [2, 16, 17]
    await transaction.rollback()
    assert await as_of(pool, 15) == await as_of(deleting, 15)
    await deleting.close()


async def test_a_time_before_the_floor_has_no_event_and_kept_events_keep_their_time(pool: Pool) -> None:
    await write_history(pool)
    await make_old(pool, 8, "5 days")
    await make_old(pool, 15)
    await pool.execute(PRUNE, DAY, 100)
    assert await event_ids(pool) == [2, 16, 17]
    times = {row[0]: row[1] for row in await pool.fetch("SELECT event_id, changed_at FROM inventory_history")}
    async with pool.acquire() as connection:
        between = times[2] + DAY  # later than the kept event, earlier than the floor
        assert await history.select_event_at(connection, between) is None
        assert await history.select_event_at(connection, times[16] - DAY) == 15
        assert await history.select_event_at(connection, times[16]) == 16
        assert await history.select_event_at(connection, times[17] + DAY) == 17
        found = await history.select_history(connection, EventCriteria(None, since=between), limit=9)
        assert [entry.event_id for entry in found] == [17, 16]
        found = await history.select_history(connection, EventCriteria(None, until=between), limit=9)
        assert [entry.event_id for entry in found] == [2]
        found = await history.select_history(
            connection, EventCriteria(None, since=times[2] - DAY, until=times[16]), limit=9
        )
        assert [entry.event_id for entry in found] == [16, 2]
        moments = history.TimeSteps(times[16] - 4 * DAY, timedelta(days=2), 2)
        assert await history.select_total_trend(connection, moments, None) == [None, 6, 15]
        at_once = history.TimeSteps(times[17], timedelta(0), 3)
        assert await history.select_total_trend(connection, at_once, None) == [16] * 4
        trends = await history.select_item_trends(connection, [1, 4], moments, None)
        assert trends == {1: [None, 4, 4], 4: [None, None, 9]}


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("stockstream_api", "UPDATE inventory_history_floor SET event_id = 0"),
        ("stockstream_api", "DELETE FROM inventory_history_floor"),
        ("stockstream_api", "TRUNCATE inventory_history"),
        ("stockstream_api", "DELETE FROM inventory_name"),
        ("stockstream_api", "UPDATE inventory_tombstone SET version = 0"),
        ("stockstream_api", "CREATE OR REPLACE FUNCTION log_floor() RETURNS bigint LANGUAGE sql RETURN 0"),
        ("stockstream_stream", "SELECT prune_history('1 year', 1)"),
        ("stockstream_stream", "SELECT restore_item(1)"),
        ("stockstream_stream", "SELECT key FROM idempotency_key"),
    ],
)
async def test_a_service_cannot_modify_the_log_directly(connect: Connect, role: str, statement: str) -> None:
    connection = await connect(role)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


# Time travel --------------------------------------------------------------------------------------------------------


async def test_the_pages_of_a_past_state_hold_all_of_it(pool: Pool) -> None:
    await write_history(pool)
    for moment in range(18):
        for size in (1, 2, 3):
            found: dict[int, Any] = {}
            last = 0
            while page := await pool.fetch("SELECT * FROM items_as_of($1, $2, $3)", moment, last, size):
                assert [row["id"] for row in page] == sorted({row["id"] for row in page})
                assert len(page) <= size
                last = page[-1]["id"]
                found |= {row["id"]: json.loads(row["document"]) for row in page if row["document"]}
            assert found == await as_of(pool, moment)


async def test_the_last_event_at_a_time_is_the_highest_of_simultaneous_ones(pool: Pool) -> None:
    await write_history(pool)
    moment = await pool.fetchval("SELECT changed_at FROM inventory_history WHERE event_id = 5")
    await pool.execute("UPDATE inventory_history SET changed_at = $1 WHERE event_id BETWEEN 4 AND 7", moment)
    for at, event_id in ((moment, 7), (moment - timedelta(microseconds=1), 3), (moment + DAY, 17), (moment - DAY, 0)):
        assert await pool.fetchval("SELECT log_event_at($1)", at) == event_id


# Names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "character",
    ["\ufdfa", "\N{MUSICAL SYMBOL HALF NOTE}", "\u0390", "\ufb03", "\u33ff", "\u1e9e", "\N{PACKAGE}", "각", "\u0301"],
)
async def test_a_name_that_grows_when_folded_fits_its_index(pool: Pool, character: str) -> None:
    name = character * 200
    assert await pool.fetchval("INSERT INTO inventory (name, quantity) VALUES ($1, 1) RETURNING name", name) == name
    folded = await pool.fetchval("SELECT folded FROM inventory_name")
    assert len(folded) <= 400
    assert folded == await pool.fetchval("SELECT fold_text($1)", folded)


async def test_upper_and_lower_case_fold_alike(pool: Pool) -> None:
    letters = [chr(code) for code in range(0x20, 0x590) if chr(code).isalpha()]  # Latin, Greek, Cyrillic, Armenian
    letters += ["ẞ", "ᾼ"]
    rare = set("ƕƖƞƦǶȠɡɩɪɬʀʂʝᾼ")  # historical and phonetic letters that unaccent knows in one case only
    pairs = [(one, other) for one in letters for other in (one.upper(), one.lower()) if not {one, other} & rare]
    rows = await pool.fetch(
        "SELECT one, other FROM unnest($1::text[], $2::text[]) AS pair (one, other)"
        " WHERE fold_text(one) <> fold_text(other)",
        *map(list, zip(*pairs, strict=True)),
    )
    assert [tuple(row) for row in rows] == []


async def test_the_folded_names_stay_in_sync_whoever_writes(
    postgres: PostgresServer, database: str, connect: Connect, pool: Pool
) -> None:
    async def check() -> None:
        rows = await pool.fetch(
            "SELECT i.id, n.item_id, i.name, n.folded FROM inventory AS i FULL JOIN inventory_name AS n"
            " ON n.item_id = i.id WHERE n.folded IS DISTINCT FROM fold_text(i.name)"
        )
        assert rows == []

    copied = postgres.psql(database, "COPY inventory (name, quantity) FROM STDIN", stdin=" Zürich \t1\nØl\t2\nÀ\t3\n")
    assert copied.returncode == 0, copied.stderr
    assert await pool.fetchval("SELECT array_agg(folded ORDER BY item_id) FROM inventory_name") == ["zurich", "ol", "a"]
    for statement in (
        "UPDATE inventory SET name = ' É ' || id, quantity = 7",
        "UPDATE inventory SET name = name",
        "UPDATE inventory SET quantity = 8",
        "DELETE FROM inventory WHERE id = 1",
        "BEGIN; INSERT INTO inventory (id, name, quantity) VALUES (1, 'Ü', 1);"
        " UPDATE inventory SET name = 'Û' WHERE id = 1; DELETE FROM inventory WHERE id = 1;"
        " INSERT INTO inventory (id, name, quantity) VALUES (1, 'Ů', 1); COMMIT",
        "INSERT INTO inventory (id, name, quantity) VALUES (1, 'x', 1) ON CONFLICT (id) DO UPDATE SET name = 'Ý'",
        "INSERT INTO inventory (id, name, quantity) VALUES (1, 'x', 1) ON CONFLICT DO NOTHING",
        "BEGIN; DELETE FROM inventory; ROLLBACK",
        "SET session_replication_role = replica; UPDATE inventory SET name = 'Ř' WHERE id = 2",
        "MERGE INTO inventory AS i USING (VALUES (3, 'Ž')) AS v (id, name) ON i.id = v.id"
        " WHEN MATCHED THEN UPDATE SET name = v.name",
        "DELETE FROM inventory WHERE id = 3",
    ):
        postgres.sql(database, statement)
        await check()
    api = await connect("stockstream_api")
    assert await items.restore_item(api, 3, actor=items.Actor())
    await check()
    await api.close()


# Explaining a refusal afterwards ------------------------------------------------------------------------------------


async def test_a_refusal_whose_reason_has_passed_makes_no_false_claim(pool: Pool) -> None:
    """The reason of a refusal is determined after the write. By then, the item may have changed again."""
    await pool.execute("INSERT INTO inventory (name, quantity) VALUES ('bolt', 5)")
    async with pool.acquire() as connection, create_app(ApiSettings()).app_context():
        for versions, adjust, status in ((None, -1, 409), ([1], -1, 412), ([1], 0, 412)):
            with pytest.raises(Problem, match="same moment") as refusal:
                await explain_refusal(connection, 1, versions, adjust)
            assert (refusal.value.status, refusal.value.members["current"]["quantity"]) == (status, 5)
        await connection.execute("DELETE FROM inventory")
        with pytest.raises(Problem, match="same moment") as refusal:
            await explain_no_restore(connection, 1)
        assert refusal.value.status == 409
