"""The world that the steps act in: requests, whose answers are all searched for words, and the log as it grows."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING, Any, NamedTuple

from yarl import URL

from tests.acceptance.client import ITEMS
from tests.acceptance.log import fetch_log
from tests.acceptance.rights.model import Model, document
from tests.acceptance.rights.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from random import Random

    import aiohttp

    from tests.acceptance.log import Event, Item
    from tests.acceptance.rights.model import Account
    from tests.acceptance.rights.streams import Client
    from tests.accounts import Accounts
    from tests.stack import Stack

    Parameters = Sequence[tuple[str, str]]

NEVER = 999_999_999  # an id that no item and no location ever had
KEPT_LINES = 25  # of what was done last, for a failure
SHOWN_CHARACTERS = 300
NEXT = re.compile(r'<(/[!-~]+)>; rel="next"')


class Answer(NamedTuple):
    """An answer that shows nothing that the account may not see."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def detail(self) -> str:
        detail: str = self.json["detail"]
        return detail


class Sent(NamedTuple):
    """A request that was sent with an idempotency key, its answer, and the location that the answer shows."""

    account: Account
    method: str
    path: str
    request: dict[str, Any]
    answer: Answer
    location: int | None


class Seen(NamedTuple):
    """A list that somebody got: its ETag, and its items."""

    tag: str
    items: list[Item]


class World:
    """Both services, the accounts, and the model of what they may see."""

    def __init__(
        self, stack: Stack, api: aiohttp.ClientSession, accounts: Accounts, rng: Random, *, rights_seconds: float
    ) -> None:
        self.stack = stack
        self.rng = rng
        self.model = Model()
        self.words = Words(rng)
        self.database = accounts
        self.epoch = ""
        self.root: Account  # an admin whose rights never change
        self.accounts: list[Account] = []
        self.clients: list[Client] = []
        self.kept_clients = 0  # how many of these, from the first, stay to the end
        self.sent: list[Sent] = []  # requests to repeat
        self.seen: dict[str, Seen] = {}  # lists to ask for again, by address
        self.rights_seconds = rights_seconds  # the time until a change of rights has reached every open stream
        self.counts: Counter[str] = Counter()
        self.latencies: defaultdict[str, list[float]] = defaultdict(list)  # until a stream was reset, by kind of change
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._api = api

    def note(self, line: str) -> None:
        """Keep a line about what was done, for a failure."""
        self.lines.append(line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}…")

    # Requests

    async def send(self, account: Account, method: str, path: str, params: Parameters = (), **request: Any) -> Answer:
        """Send a request, and search the whole answer for words that the account may not see."""
        url = URL(path, encoded=True)
        url = url.with_query(list(params)) if params else url
        request["headers"] = {**request.get("headers", {}), **account.headers}
        async with self._api.request(method, url, **request) as response:
            text = await response.text()
        answer = Answer(response.status, response.headers, text)
        sent = f"{method} {url} {request.get('json') or request.get('data') or ''}"
        self.note(f"{account.name}: {sent} -> {answer.status} {text}")
        assert answer.status < 500, text
        self._check(account, answer, sent)
        return answer

    def _check(self, account: Account, answer: Answer, sent: str) -> None:
        heads = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
        received = f"{heads}{_cursor(answer)}\n{answer.text}"
        leaked = self.words.leaked(received, [self.model.visible(account)], sent)
        assert not leaked, f"{account.name} was shown {leaked} in {received}"

    async def of_item(self, account: Account, method: str, item_id: int, suffix: str = "", **request: Any) -> Answer:
        """Send a request about an item. For one that is not visible, the answer must be that for an unknown one."""
        is_seen = self.model.sees_item(account, item_id)
        answer = await self.send(account, method, f"{ITEMS}/{item_id}{suffix}", **request)
        if not is_seen:
            unknown = await self.send(account, method, f"{ITEMS}/{NEVER}{suffix}", **request)
            same_answers(answer, unknown, str(item_id))
        return answer

    async def walk(self, account: Account, path: str, params: Parameters, most: int) -> list[Any]:
        """The rows of a list's pages, following the links, until there are at least this many."""
        rows: list[Any] = []
        answer = await self.send(account, "GET", path, params)
        while True:
            assert answer.status == 200, answer.text
            page = answer.json
            rows += page
            link = answer.headers.get("Link")
            if link is None or len(rows) >= most:
                return rows
            assert page, "only a page with rows leads to another"
            found = NEXT.fullmatch(link)
            assert found, link
            answer = await self.send(account, "GET", found[1])

    async def sync(self) -> list[Event]:
        """Read the events that the log has got, and return them."""
        events = await fetch_log(self.database.connection, self.model.head)
        self.model.append(events)
        for event in events:
            item = document(event)
            self.words.place(json.dumps(item), item["location"])
        return events

    def check_clients(self) -> None:
        """Raise what went wrong in the tasks of the clients."""
        for client in self.clients:
            client.check()

    # Draws

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def draw_account(self) -> Account:
        return self.rng.choice(self.accounts)

    def draw_writer(self) -> Account:
        """An account: most often one that may change something."""
        writers = [account for account in self.accounts if self.model.gate(account, "editor") is None]
        return self.rng.choice(writers) if writers and self.chance(0.8) else self.draw_account()

    def draw_item(self, account: Account, *, to_change: bool = False) -> int:
        """The id of an item: most often one that the account may see (or change), but also any, a deleted or an unknown
        one.
        """
        may = self.model.edits if to_change else self.model.sees
        allowed = [item["id"] for item in self.model.state.values() if may(account, item["location"])]
        number = self.rng.random()
        if number < 0.6 and allowed:
            return int(self.rng.choice(allowed))
        if number < 0.8 and self.model.state:
            return self.rng.choice(list(self.model.state))
        if number < 0.95 and self.model.log:
            return self.rng.choice(list(self.model.location_of))
        return NEVER

    def draw_location(self) -> int:
        """The id of a location; sometimes of one that was deleted or never was."""
        ids = list(self.model.tree.places)
        return self.rng.choice([NEVER, max(ids) + 1, *ids]) if self.chance(0.15) else self.rng.choice(ids)

    def position(self, event_id: int | None = None) -> str:
        return f"{self.epoch}-{self.model.head if event_id is None else event_id}"


def time_text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def same_answers(answer: Answer, unknown: Answer, name: str, unknown_name: str = str(NEVER)) -> None:
    """Check that two answers differ only in this id."""
    ignored = {"date", "content-length", "connection"}
    heads = [
        {key: value for key, value in each.headers.items() if key.lower() not in ignored} for each in (answer, unknown)
    ]
    assert (answer.status, heads[0]) == (unknown.status, heads[1])
    assert answer.text == unknown.text.replace(unknown_name, name)


def _cursor(answer: Answer) -> str:
    """The end of the page of items, as the link to the next one has it."""
    found = re.search(r"after=(WyI[0-9A-Za-z_-]+)", answer.headers.get("Link", ""))
    return "" if found is None else base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4)).decode()
