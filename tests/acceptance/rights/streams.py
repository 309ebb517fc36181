"""Clients of the stream, and what each of them may receive and must receive."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.acceptance.rights.model import NOWHERE, contains, document
from tests.acceptance.rights.reads import checked_list
from tests.acceptance.rights.watch import Rights, Watch
from tests.acceptance.rights.world import time_text
from tests.sse import subscribe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.log import Event, State
    from tests.acceptance.rights.model import Account, Scope
    from tests.acceptance.rights.world import World
    from tests.sse import Frame

PATIENCE_SECONDS = 20.0
SLACK_SECONDS = 0.5  # between the clock of this process and the times of the database


class Client:
    """A reader of the stream, and what it knows of the stock.

    ``items`` and ``locations`` narrow its stream. It knows nothing of the stock if it starts at a position at which it
    has not loaded the list, until the stream tells it to load that.
    """

    def __init__(
        self, world: World, account: Account, *, locations: tuple[int, ...] = (), items: tuple[int, ...] = ()
    ) -> None:
        self.account = account
        self.locations = locations
        self.items = items
        self.watch = Watch(world, account)
        self.is_open = False
        self._world = world
        self._task: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[int] = asyncio.Future()
        self._changed = asyncio.Event()
        self._base: State | None = None  # what it knew at the event _base_id
        self._base_id = 0
        self._since: int | None = None  # after this event it must receive all; None: it is not told where it begins
        self._received: list[Frame] = []
        self._parts: list[Any] = []
        self._position: str | None = None  # the last one received
        self._synced: Scope = NOWHERE  # what it could see when it was last known to be right
        self._must_load = False
        self._resets = 0
        self._ended_by: str | None = None

    def __repr__(self) -> str:
        return f"stream of {self.account.name} for locations {self.locations} and items {self.items}"

    @property
    def rights(self) -> Rights:
        model = self._world.model
        return Rights(dict(self.account.grants), model.visible(self.account), model.editable(self.account), self.scope)

    @property
    def scope(self) -> Scope:
        return self._world.model.scope(self.account, self.locations)

    def _wants(self, location: int, item_id: int) -> bool:
        return contains(self.scope, location) and (not self.items or item_id in self.items)

    # Opening and closing

    async def open(self, start: str, position: str | None = None, *, is_racing: bool = False) -> None:
        """Open the stream: with a ``snapshot``, to ``resume`` (at its own or this position), or at the ``head``.

        ``is_racing`` is whether the rights may change meanwhile.
        """
        query = "&".join(
            [f"location={each}" for each in self.locations]
            + [f"item={each}" for each in self.items]
            + ["snapshot=1"] * (start == "snapshot")
        )
        self.watch.is_racing = is_racing
        if start != "resume":
            self._position, self._base = None, None
        elif position is not None:
            self._position, self._base = position, None
        must_reset = self._must_be_reset(position)
        begin = self._position
        must_replay = self._position is not None and not self._may_be_reset()
        resets = self._resets
        self._received, self._parts, self._ended_by, self.watch.pending = [], [], None, None
        self._since = None if self._position is None else _event_id(self._position)
        self._must_load = start == "head" or (self._must_load and start == "resume")
        self._opened = asyncio.get_running_loop().create_future()
        self.is_open = True
        self._task = asyncio.create_task(self._follow(query, self._position))
        async with asyncio.timeout(PATIENCE_SECONDS):
            status = await self._opened
        was_reset = self._resets > resets
        self._world.note(f"{self} opened ({start} {begin}): {status}{', reset' * was_reset}")
        if not is_racing:
            may_read = self._world.model.gate(self.account, "viewer") is None
            assert status == (200 if may_read else 403)
            assert was_reset or not may_read or not must_reset, f"{self} was not reset: {self.account}"
            assert not was_reset or not must_replay, f"{self} was reset without need"
            self._world.counts[f"streams: {'reset' if was_reset else start}"] += may_read
        self._synced = self.scope

    def _must_be_reset(self, position: str | None) -> bool:
        """Whether the client may have come to its position with other rights than now."""
        if self._position is None or self._must_load:
            return False
        if position is None:
            return self._base is not None and self._synced != self.scope
        event_id = _event_id(position)
        return not self.locations and any(
            change.head >= event_id and {change.before, change.after} != {None, NOWHERE}
            for change in self.account.changes
        )

    def _may_be_reset(self) -> bool:
        """Whether rights have changed at about the time of its position, or later."""
        model = self._world.model
        assert self._position is not None
        reached_at = model.time_of(_event_id(self._position))
        is_everywhere = not self.locations and None in self.account.grants
        changed_at = max(self.account.changed_at, 0.0 if is_everywhere else model.tree_changed_at)
        return reached_at < changed_at + self._world.rights_seconds + SLACK_SECONDS

    async def close(self) -> None:
        """Close the stream, and keep what it has brought."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self.check()
            self._task = None
        self.is_open = False
        if self._base is not None:
            self._base = self._known()
            self._base_id = max(self._base_id, _event_id(self._position or ""))
        self._received = []

    async def _follow(self, query: str, position: str | None) -> None:
        world = self._world
        async with subscribe(
            world.stack.stream_url, f"?{query}", last_event_id=position, headers=self.account.headers
        ) as stream:
            try:
                self.watch.check(str(stream.response.headers))
                if stream.response.status != 200:
                    self.watch.check(await stream.response.text())
                    return
                while True:
                    frame = await stream.frame()
                    self.watch.check(frame.raw)
                    self._take(frame)
                    self._position = stream.last_event_id or self._position
                    self._changed.set()
            except EOFError:
                self.watch.check(stream.unread.decode(errors="replace"))
                assert self._ended_by is not None, f"{self} has ended without a reason"
            finally:
                self.is_open = False
                self._open_with(stream.response.status)
                self._changed.set()

    def _open_with(self, status: int) -> None:
        if not self._opened.done():
            self._opened.set_result(status)

    def check(self) -> None:
        """Raise what went wrong while it was reading."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    # Receiving

    def _take(self, frame: Frame) -> None:
        if self._since is None and frame.id is not None:
            self._since = frame.event_id
        match frame.event:
            case "inventory_update":
                self._received.append(frame)
            case "snapshot":
                self._parts += frame.json
                if frame.id is not None:
                    self._base, self._base_id = {item["id"]: item for item in self._parts}, frame.event_id
                    assert len(self._base) == len(self._parts), f"{self} got an item twice"
                    self._since, self._received, self._parts = frame.event_id, [], []
            case "reset":
                self._start_over(frame.event_id)
            case "heartbeat":
                self._open_with(200)
            case "signed_out":
                self._ended_by = frame.json["reason"]
            case other:
                assert other is None, f"{self} got {frame.raw}"

    def _start_over(self, event_id: int) -> None:
        self.watch.tell(is_open=self._opened.done())
        self._resets += 1
        self._since, self._received, self._parts, self._base = event_id, [], [], None
        self._must_load = True

    async def until_told(self) -> None:
        """Wait until it was told of the last change of rights."""
        if self.is_open and self.watch.pending is not None:
            await self._until(lambda: self.watch.pending is None or not self.is_open)

    # Checks

    async def settle(self) -> None:
        """Wait until it has received everything, and check that it has received nothing else."""
        self.check()
        if not self.is_open:
            return
        if self._world.model.gate(self.account, "viewer") is not None:
            await self._until(lambda: not self.is_open)
            assert self._ended_by == "no access"
            return
        await self.until_told()
        if self.watch.is_racing:
            await self._until(lambda: self._must_load or self._is_right())
            self.watch.is_racing = False
        if self._must_load:
            await self._load()
        await self._until(self._is_complete)
        assert [frame.json for frame in self._received] == [_message(event) for event in self._expected()]
        head = self._world.model.head
        if self._base is not None:
            known = self._known()
            assert known == self._expected_state()
            self._base, self._base_id = known, head
        self._since, self._received = head, []
        self._synced = self.scope

    async def _load(self) -> None:
        """Load the list, as a page does that is told to start over."""
        items = await checked_list(self._world, self.account, self.locations)
        self._base = {item["id"]: item for item in items if not self.items or item["id"] in self.items}
        self._base_id = self._world.model.head
        self._must_load = False

    def _is_complete(self) -> bool:
        received, expected = self._received_ids(), [event.id for event in self._expected()]
        assert received == expected[: len(received)], f"{self} has received {received} instead of {expected}"
        return len(received) == len(expected)

    def _is_right(self) -> bool:
        """Whether its rights are those of now, as far as can be seen from what it has received."""
        is_state_right = self._base is None or self._known() == self._expected_state()
        return is_state_right and self._received_ids() == [event.id for event in self._expected()]

    def _received_ids(self) -> list[int]:
        return [frame.event_id for frame in self._received]

    def _expected(self) -> list[Event]:
        """The events that it must have received by now."""
        assert self._since is not None
        events = self._world.model.since(self._since)
        return [event for event in events if self._wants(document(event)["location"], event.item_id)]

    def _known(self) -> State:
        """What it knows of the stock."""
        assert self._base is not None
        state = dict(self._base)
        for frame in self._received:
            if frame.event_id <= self._base_id:
                continue
            item = frame.json["data"]
            if frame.json["event"] == "DELETE":
                state.pop(item["id"], None)
            else:
                state[item["id"]] = item
        return state

    def _expected_state(self) -> State:
        return {
            item_id: item for item_id, item in self._world.model.state.items() if self._wants(item["location"], item_id)
        }

    async def _until(self, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
                    self.check()
        except TimeoutError:
            raise AssertionError(f"{self} waits in vain: {self.watch.pending}, {self._received_ids()}") from None


def _event_id(position: str) -> int:
    return int(position.rpartition("-")[2] or 0)


def _message(event: Event) -> dict[str, Any]:
    """What the stream says of an event."""
    changed_at = time_text(event.changed_at)
    return {"event": event.operation, "data": document(event), "actor": event.actor, "changed_at": changed_at}
