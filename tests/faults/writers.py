"""Writers that keep changing the stock during faults and record every confirmed change."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import asyncpg

from shared.db.errors import DRIVER_ERRORS

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

MAX_ITEMS = 30
PATIENCE_SECONDS = 4.0
PAUSE_SECONDS = 0.02
REFUSED = range(400, 500)


class Confirmed(NamedTuple):
    """A change whose success a writer was told of."""

    item_id: int
    version: int


class Writer:
    """Changes items one after another until it is stopped."""

    def __init__(self, choose: random.Random) -> None:
        self.confirmed: list[Confirmed] = []
        self.failures = 0
        self._choose = choose
        self._stopped = False

    def stop(self) -> None:
        """Let run() return after the current change. A cancelled change might still commit later."""
        self._stopped = True

    async def run(self) -> None:
        raise NotImplementedError

    def _item(self) -> int:
        return self._choose.randint(1, MAX_ITEMS)


class SqlWriter(Writer):
    """Writes like a script: transactions of one to three changes over its own connection. Rolls back a tenth."""

    def __init__(self, url: str, choose: random.Random) -> None:
        super().__init__(choose)
        self._url = url

    async def run(self) -> None:
        while not self._stopped:
            try:
                connection = await asyncpg.connect(
                    self._url, timeout=PATIENCE_SECONDS, command_timeout=PATIENCE_SECONDS
                )
            except DRIVER_ERRORS:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            try:
                while not self._stopped:
                    await self._change(connection)
                    await asyncio.sleep(self._choose.random() * PAUSE_SECONDS)
            except DRIVER_ERRORS:
                self.failures += 1
            finally:
                connection.terminate()

    async def _change(self, connection: asyncpg.Connection) -> None:
        done: list[Confirmed] = []
        transaction = connection.transaction()
        await transaction.start()
        for item_id in sorted(self._choose.sample(range(1, MAX_ITEMS + 1), self._choose.randint(1, 3))):
            row = await connection.fetchrow(
                "UPDATE inventory SET quantity = quantity + 1 WHERE id = $1 RETURNING id, version", item_id
            )
            done += [Confirmed(*row)] if row else []
        if self._choose.random() < 0.1:
            await transaction.rollback()
            return
        await transaction.commit()
        self.confirmed += done


class ApiWriter(Writer):
    """Writes like the page: set, adjust, delete and restore. Retries unanswered requests with their key."""

    def __init__(self, api_url: str, headers: dict[str, str], choose: random.Random) -> None:
        super().__init__(choose)
        self._api = f"{api_url}/api"
        self._url = f"{self._api}/inventories"
        self._headers = headers

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, headers=self._headers) as session:
            while not self._stopped:
                await self._change(session)
                await asyncio.sleep(self._choose.random() * PAUSE_SECONDS)

    async def _change(self, session: aiohttp.ClientSession) -> None:
        item = f"{self._url}/{self._item()}"
        kind = self._choose.random()
        if kind < 0.5:
            await self._send(session, "PATCH", item, {"adjust": 1}, key=secrets.token_hex(8))
        elif kind < 0.85:
            await self._send(session, "PUT", item, {"quantity": self._choose.randrange(1_000)})
        elif kind < 0.9:
            await self._send(session, "DELETE", item)
        else:
            await self._send(session, "POST", f"{item}/restore", key=secrets.token_hex(8))

    def _confirm(self, answer: dict[str, Any]) -> None:
        self.confirmed.append(Confirmed(answer["id"], answer["version"]))

    async def _send(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: str,
        body: dict[str, Any] | None = None,
        key: str | None = None,
    ) -> None:
        """Send a request until it is answered. Without a key, sends it once, since a retry might be another change."""
        headers = {"Idempotency-Key": key} if key else {}
        while True:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError, TimeoutError, ValueError):
                async with session.request(method, url, json=body, headers=headers) as response:
                    if response.status < 300 and method != "DELETE":
                        self._confirm(await response.json())
                    if response.status < 300 or response.status in REFUSED:
                        return
            self.failures += 1
            if key is None or self._stopped:
                return
            await asyncio.sleep(PAUSE_SECONDS)


class BookingWriter(ApiWriter):
    """Books like people in a store: movements of several lines, transfers to and fro, and undoing."""

    def __init__(self, api_url: str, headers: dict[str, str], locations: Sequence[int], choose: random.Random) -> None:
        super().__init__(api_url, headers, choose)
        self._locations = locations
        self._items: dict[int, int] = {}  # the location of each item that was moved
        self._latest: int | None = None  # movement

    async def _change(self, session: aiohttp.ClientSession) -> None:
        key, kind = secrets.token_hex(8), self._choose.random()
        if kind < 0.4:
            ids = self._choose.sample(range(1, MAX_ITEMS + 1), self._choose.randint(1, 3))
            lines = [{"item": item_id, self._choose.choice(("adjust", "set")): 1} for item_id in ids]
            await self._send(session, "POST", f"{self._api}/movements", {"reason": "counted", "lines": lines}, key)
        elif kind < 0.9 or self._latest is None:
            item_id = self._choose.choice([*self._items, self._item()])
            (to,) = {*self._locations} - {self._items.get(item_id, self._locations[0])}
            await self._send(session, "POST", f"{self._api}/transfers", {"item": item_id, "to": to, "quantity": 1}, key)
        else:
            await self._send(session, "POST", f"{self._api}/movements/{self._latest}/undo", key=key)

    def _confirm(self, answer: dict[str, Any]) -> None:
        if answer["id"] is not None:
            self._latest = answer["id"]
        for line in answer["lines"]:
            self._items[line["item"]] = line["location"]
            if line["from"] != line["to"]:
                self.confirmed.append(Confirmed(line["item"], line["version"]))
