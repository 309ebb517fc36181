"""Random concurrent changes, made through every interface, and the responses to them."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.acceptance.client import ITEMS
from tests.acceptance.log import Event, fetch_log

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    import aiohttp

    from shared.db.database import Pool
    from tests.stack import Stack

MAX_QUANTITY = 2_147_483_647
UNKNOWN_ID, UNKNOWN_SLOT = 2**62, 9
COLUMNS = ("id", "name", "quantity", "unit", "version")
BULK = """
WITH actor AS MATERIALIZED (SELECT set_config('stockstream.actor', $1, true)),
locked AS (
    SELECT id FROM actor CROSS JOIN inventory WHERE quantity < 2147483647 ORDER BY id FOR UPDATE OF inventory
)
UPDATE inventory SET quantity = quantity + 1 FROM locked WHERE inventory.id = locked.id
"""


@dataclass(frozen=True)
class Row:
    """A row of an import. A row without a slot creates an item."""

    slot: int | None
    quantity: int
    unit: str
    version: str


@dataclass(frozen=True)
class Change:
    """A change of the item in ``slot`` at ``version``. ``twice`` sends it twice at once under one key."""

    kind: str
    slot: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    adjust: int = 0
    version: str = "any"
    twice: bool = False
    rows: tuple[Row, ...] = ()


SLOTS = st.sampled_from([0, 0, 0, 1, 1, 2, 3, UNKNOWN_SLOT])
QUANTITIES = st.sampled_from([0, 1, 2, 5, 5, MAX_QUANTITY])
VERSIONS = st.sampled_from(["any", "any", "current", "stale"])
NAMES = st.sampled_from(["bolt", "Zürich", "\N{PACKAGE}", '=1+1,"x"'])
UNITS = st.sampled_from([None, "pcs", "m²"])
OPTIONAL = {"unit": UNITS, "minimum": st.none() | QUANTITIES, "note": st.sampled_from([None, "a\nb", "-1"])}
NEW_FIELDS = st.fixed_dictionaries({"name": NAMES, "quantity": QUANTITIES}, optional=OPTIONAL)
SET_FIELDS = st.fixed_dictionaries({"quantity": QUANTITIES}, optional={"name": NAMES, **OPTIONAL})
CELLS = UNITS.map(lambda unit: unit or "")
ROWS = st.builds(Row, slot=st.none() | SLOTS, quantity=QUANTITIES, unit=CELLS, version=VERSIONS)
CREATIONS = st.builds(Change, kind=st.just("create"), fields=NEW_FIELDS, twice=st.booleans())
SETS = st.builds(Change, kind=st.just("set"), slot=SLOTS, fields=SET_FIELDS, version=VERSIONS)
ADJUSTMENTS = st.builds(
    Change,
    kind=st.just("adjust"),
    slot=SLOTS,
    adjust=st.sampled_from([-2, -1, 0, 1, 3]),
    version=VERSIONS,
    twice=st.booleans(),
)
DELETIONS = st.builds(Change, kind=st.just("delete"), slot=SLOTS, version=VERSIONS)
RESTORES = st.builds(Change, kind=st.just("restore"), slot=SLOTS, twice=st.booleans())
IMPORTS = st.builds(
    Change, kind=st.just("import"), rows=st.lists(ROWS, min_size=1, max_size=4).map(tuple), twice=st.booleans()
)
BULKS = st.builds(Change, kind=st.just("bulk"))
CHANGES = st.one_of(CREATIONS, SETS, ADJUSTMENTS, DELETIONS, RESTORES, RESTORES, IMPORTS, BULKS)


# Requests and responses ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    status: int
    document: Any
    is_replay: bool = False

    @property
    def is_made(self) -> bool:
        return self.status < 300


@dataclass
class Sent:
    """A change with its item and expected version resolved, sent by an actor of its own."""

    change: Change
    actor: str
    item_id: int
    version: int | None
    rows: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


class World:
    """Sends changes to the services and reads the log from the database."""

    def __init__(self, stack: Stack, runner: asyncio.Runner, api: aiohttp.ClientSession, pool: Pool) -> None:
        self.stack = stack
        self.run = runner.run
        self.api = api
        self.pool = pool
        self.actors = 0

    def new_actor(self) -> str:
        self.actors += 1
        return f"actor {self.actors}"

    async def log(self, after: int) -> list[Event]:
        async with self.pool.acquire() as connection:
            return await fetch_log(connection, after)

    async def send(self, sent: Sent) -> None:
        if sent.change.kind == "bulk":
            sent.answers = [await self._bulk(sent.actor)]
            return
        requests: list[Coroutine[Any, Any, Answer]] = [self._request(sent) for _ in range(1 + sent.change.twice)]
        sent.answers = list(await asyncio.gather(*requests))

    async def _bulk(self, actor: str) -> Answer:
        return Answer(200, int((await self.pool.execute(BULK, actor)).removeprefix("UPDATE ")))

    async def _request(self, sent: Sent) -> Answer:
        change, path = sent.change, f"{ITEMS}/{sent.item_id}"
        headers = {"X-Actor": sent.actor}
        if change.twice:
            headers["Idempotency-Key"] = sent.actor.replace(" ", "-")
        if sent.version is not None:
            headers["If-Match"] = f'"{sent.version}"'
        match change.kind:
            case "create":
                return await self._call("POST", ITEMS, headers, json=change.fields)
            case "set":
                return await self._call("PUT", path, headers, json=change.fields)
            case "adjust":
                return await self._call("PATCH", path, headers, json={"adjust": change.adjust})
            case "delete":
                return await self._call("DELETE", path, headers)
            case "restore":
                return await self._call("POST", f"{path}/restore", headers)
            case _:
                headers["Content-Type"] = "text/csv"
                return await self._call("POST", f"{ITEMS}/import", headers, data=_as_csv(sent.rows))

    async def _call(self, method: str, path: str, headers: dict[str, str], **body: Any) -> Answer:
        async with self.api.request(method, path, headers=headers, **body) as response:
            is_replay = "Idempotent-Replayed" in response.headers
            return Answer(response.status, await response.json(content_type=None), is_replay)


def _as_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
