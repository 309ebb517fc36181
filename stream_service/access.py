"""Who may read which part of the stream: checked when a stream opens, and again for as long as it is open.

A notification names the principal whose rights have changed, and one query reads the rights of their streams. If
notifications are lost, the rights of all open streams are read at every interval, also in one query.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

import structlog

from shared.access.principals import USE_INTERVAL, Invalid, Principal, contains, select_principals, touch_credentials
from shared.access.roles import Role
from shared.db.database import acquire
from shared.db.errors import DatabaseUnavailableError
from stream_service import metrics
from stream_service.store import log as log_store

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from shared.access.credentials import Credentials
    from shared.access.principals import Grant, Locations
    from shared.db.database import Pool
    from stream_service.store.log import Tree

log = structlog.get_logger()

NO_ACCESS = "no access"  # the reason for somebody who is signed in, but has no role
PAUSE_SECONDS = 0.1  # between two checks, so that many changes at once are checked together
RETRY_SECONDS = 0.5  # while the database can't be reached
OPEN_STREAM_USE_INTERVAL = timedelta(days=1)  # an open stream is a use of its session or token, too


class RefusedError(Exception):
    """Somebody may not read the stream. ``is_known`` is whether we know who it is."""

    def __init__(self, *, is_known: bool) -> None:
        super().__init__()
        self.is_known = is_known


class Stream(Protocol):
    """What happens to an open stream when rights change."""

    def sign_out(self, reason: str) -> None:
        """Tell the client why the stream ends, and end it."""

    def reset(self, reason: str, locations: Locations) -> None:
        """Tell the client to load the stock again, and go on with the events at these locations."""


class Request(NamedTuple):
    """What the rights of a stream follow from: the credentials (None: there are no accounts), and the locations that it
    asks for, with everything below them (none: all).
    """

    credentials: Credentials | None
    locations: tuple[int, ...] = ()


class Rights(NamedTuple):
    """What somebody may read, and when this changed last at single locations."""

    principal: Principal | None
    locations: Locations
    changed_at: datetime | None


class Admission(NamedTuple):
    """The rights with which a stream was opened, and how many notifications had arrived before they were read."""

    request: Request
    rights: Rights
    after_ring: int


class Access:
    """Admits streams, and ends those that lose the right to read."""

    def __init__(self, pool: Pool, *, interval_seconds: float) -> None:
        self._pool = pool
        self._interval_seconds = interval_seconds
        self._streams: defaultdict[Request, dict[Stream, Rights]] = defaultdict(dict)
        self._rings = 0
        self._concerned: set[int] = set()  # principals whose rights may have changed
        self._are_all_concerned = False
        self._late: set[Request] = set()  # of streams that were admitted before the last notification
        self._woken = asyncio.Event()
        self._waiting: dict[Request, asyncio.Future[Admission]] = {}
        self._admitting: asyncio.Task[None] | None = None

    def wake(self, principal: str) -> None:
        """Check the streams of this principal soon; those of all, if it is empty."""
        self._rings += 1
        if principal.isdigit():
            self._concerned.add(int(principal))
        else:
            self._are_all_concerned = True
        self._woken.set()

    async def admit(self, request: Request) -> Admission:
        """Check who wants to open a stream. Raises RefusedError and DatabaseUnavailableError.

        Those who come while a check is running are checked together, as when all clients reconnect after a restart.
        """
        waiting = self._waiting.get(request)
        if waiting is None:
            waiting = self._waiting[request] = asyncio.get_running_loop().create_future()
        if self._admitting is None:
            self._admitting = asyncio.create_task(self._admit_waiting())
        return await asyncio.shield(waiting)

    async def _admit_waiting(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, {}
                await self._admit_together(waiting)
        finally:
            self._admitting = None

    async def _admit_together(self, waiting: dict[Request, asyncio.Future[Admission]]) -> None:
        rings = self._rings
        try:
            found = await self._select(waiting, USE_INTERVAL)
        except Exception as error:
            for future in waiting.values():
                future.set_exception(error)
                future.exception()  # mark it as seen: the client may have left
            return
        for request, future in waiting.items():
            rights = found[request]
            if isinstance(rights, Rights) and _may_read(rights):
                future.set_result(Admission(request, rights, rings))
            else:
                future.set_exception(RefusedError(is_known=isinstance(rights, Rights)))
                future.exception()

    def add(self, stream: Stream, admission: Admission) -> None:
        """Watch an open stream."""
        self._streams[admission.request][stream] = admission.rights
        if admission.after_ring != self._rings:  # rights have changed since it was admitted
            self._late.add(admission.request)
            self._woken.set()

    def discard(self, stream: Stream, admission: Admission) -> None:
        """Forget a stream that has ended."""
        streams = self._streams.get(admission.request, {})
        streams.pop(stream, None)
        if not streams:
            self._streams.pop(admission.request, None)

    async def run(self) -> None:
        """Check streams after each notification, and all of them at each interval, until cancelled."""
        loop = asyncio.get_running_loop()
        due_at = loop.time() + self._interval_seconds
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due_at):
                    await self._woken.wait()
            self._woken.clear()
            if loop.time() >= due_at:
                self._are_all_concerned, due_at = True, loop.time() + self._interval_seconds
            try:
                await self._check_concerned()
            except DatabaseUnavailableError as error:
                log.warning("rights can't be checked", reason=str(error))
                self.wake("")
                await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _check_concerned(self) -> None:
        concerned, self._concerned = self._concerned, set()
        late, self._late = self._late, set()
        are_all_concerned, self._are_all_concerned = self._are_all_concerned, False
        requests = [
            request
            for request, streams in self._streams.items()
            if are_all_concerned or request in late or any(_is_of(rights, concerned) for rights in streams.values())
        ]
        if requests:
            await self._check(requests)

    async def _check(self, requests: Collection[Request]) -> None:
        """End the streams of those who may not read any more, and reset those whose rights have changed."""
        for request, found in (await self._select(requests, OPEN_STREAM_USE_INTERVAL)).items():
            for stream, former in list(self._streams.get(request, {}).items()):
                if not isinstance(found, Rights) or not _may_read(found):
                    self._sign_out(request, stream, NO_ACCESS if isinstance(found, Rights) else found)
                    continue
                self._streams[request][stream] = found
                if found.locations != former.locations or _may(found) != _may(former):
                    stream.reset("the rights have changed", found.locations)

    def _sign_out(self, request: Request, stream: Stream, reason: str) -> None:
        del self._streams[request][stream]
        metrics.SIGNED_OUT.inc()
        stream.sign_out(reason)

    async def _select(self, requests: Collection[Request], use_interval: timedelta) -> dict[Request, Rights | Invalid]:
        credentials = {request.credentials for request in requests if request.credentials is not None}
        tree: Tree = {}
        tree_changed_at: datetime | None = None
        async with acquire(self._pool) as connection:
            found = await select_principals(connection, credentials, use_interval) if credentials else {}
            if any(request.locations for request in requests):
                tree_changed_at = await log_store.select_tree_change(connection)
                tree = await log_store.select_tree(connection)
            due = [each for each in found.values() if isinstance(each, Principal) and each.use_is_due]
            if due:
                with contextlib.suppress(DatabaseUnavailableError):  # such as a database that is read-only
                    await touch_credentials(connection, due)
        return {
            request: _rights(request, request.credentials and found[request.credentials], tree, tree_changed_at)
            for request in requests
        }


def _rights(
    request: Request, found: Principal | Invalid | None, tree: Tree, tree_changed_at: datetime | None
) -> Rights | Invalid:
    """The rights of a stream, from who has opened it, or why its credentials are not valid."""
    if isinstance(found, Invalid):
        return found
    visible, changed_at = (None, None) if found is None else (found.visible, found.rights_changed_at)
    if not request.locations:
        return Rights(found, visible, changed_at)
    asked = [location for location in request.locations if contains(visible, location)]
    changes = [at for at in (changed_at, tree_changed_at) if at is not None]
    return Rights(found, _below(asked, tree), max(changes, default=None))


def _below(locations: Sequence[int], tree: Tree) -> Locations:
    """These locations with everything below them. What is below a visible one is visible, too."""
    below: set[int] = set()
    return tuple(sorted(below.union(*(tree.get(location, ()) for location in locations))))


def _may_read(rights: Rights) -> bool:
    return rights.principal is None or rights.principal.may(Role.VIEWER)


def _is_of(rights: Rights, principals: Collection[int]) -> bool:
    return rights.principal is not None and rights.principal.id in principals


def _may(rights: Rights) -> tuple[Sequence[Grant], Locations]:
    """What clients show besides the stock: the grants, and where items may be changed, which also hangs on the tree."""
    return ((), None) if rights.principal is None else (rights.principal.grants, rights.principal.editable)
