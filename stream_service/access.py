"""Who may read the stream: checked when a stream opens, and again for as long as it is open.

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

from shared.access.principals import USE_INTERVAL, Principal, select_principals, touch_credentials
from shared.access.roles import Role
from shared.db.database import acquire
from shared.db.errors import DatabaseUnavailableError
from stream_service import metrics

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.access.credentials import Credentials
    from shared.access.principals import Invalid
    from shared.db.database import Pool

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

    def reset(self, reason: str) -> None:
        """Tell the client to load the stock again, and go on."""


class Admission(NamedTuple):
    """The principal for whom a stream was opened, and how many notifications had arrived before this was checked."""

    credentials: Credentials
    principal: Principal
    after_ring: int


class Access:
    """Admits streams, and ends those that lose the right to read."""

    def __init__(self, pool: Pool, *, interval_seconds: float) -> None:
        self._pool = pool
        self._interval_seconds = interval_seconds
        self._streams: defaultdict[Credentials, dict[Stream, Principal]] = defaultdict(dict)
        self._rings = 0
        self._concerned: set[int] = set()  # principals whose rights may have changed
        self._are_all_concerned = False
        self._woken = asyncio.Event()
        self._waiting: dict[Credentials, asyncio.Future[Admission]] = {}
        self._admitting: asyncio.Task[None] | None = None

    def wake(self, principal: str) -> None:
        """Check the streams of this principal soon; those of all, if it is empty."""
        self._rings += 1
        if principal.isdigit():
            self._concerned.add(int(principal))
        else:
            self._are_all_concerned = True
        self._woken.set()

    async def admit(self, credentials: Credentials) -> Admission:
        """Check who wants to open a stream. Raises RefusedError and DatabaseUnavailableError.

        Those who come while a check is running are checked together, as when all clients reconnect after a restart.
        """
        waiting = self._waiting.get(credentials)
        if waiting is None:
            waiting = self._waiting[credentials] = asyncio.get_running_loop().create_future()
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

    async def _admit_together(self, waiting: dict[Credentials, asyncio.Future[Admission]]) -> None:
        rings = self._rings
        try:
            found = await self._select(waiting, USE_INTERVAL)
        except Exception as error:
            for future in waiting.values():
                future.set_exception(error)
                future.exception()  # mark it as seen: the client may have left
            return
        for credentials, future in waiting.items():
            principal = found[credentials]
            if isinstance(principal, Principal) and principal.may(Role.VIEWER):
                future.set_result(Admission(credentials, principal, rings))
            else:
                future.set_exception(RefusedError(is_known=isinstance(principal, Principal)))
                future.exception()

    def add(self, stream: Stream, admission: Admission) -> None:
        """Watch an open stream."""
        self._streams[admission.credentials][stream] = admission.principal
        if admission.after_ring != self._rings:  # rights have changed since it was admitted
            self._concerned.add(admission.principal.id)
            self._woken.set()

    def discard(self, stream: Stream, admission: Admission) -> None:
        """Forget a stream that has ended."""
        streams = self._streams.get(admission.credentials, {})
        streams.pop(stream, None)
        if not streams:
            self._streams.pop(admission.credentials, None)

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
        are_all_concerned, self._are_all_concerned = self._are_all_concerned, False
        credentials = [
            each
            for each, streams in self._streams.items()
            if are_all_concerned or any(principal.id in concerned for principal in streams.values())
        ]
        if credentials:
            await self._check(credentials)

    async def _check(self, credentials: Collection[Credentials]) -> None:
        """End the streams of those who may not read any more, and reset those whose rights have changed."""
        for each, found in (await self._select(credentials, OPEN_STREAM_USE_INTERVAL)).items():
            for stream, former in list(self._streams.get(each, {}).items()):
                if not isinstance(found, Principal) or not found.may(Role.VIEWER):
                    self._sign_out(each, stream, NO_ACCESS if isinstance(found, Principal) else found)
                    continue
                self._streams[each][stream] = found
                if found.grants != former.grants:
                    stream.reset("the rights have changed")

    def _sign_out(self, credentials: Credentials, stream: Stream, reason: str) -> None:
        del self._streams[credentials][stream]
        metrics.SIGNED_OUT.inc()
        stream.sign_out(reason)

    async def _select(
        self, credentials: Collection[Credentials], use_interval: timedelta
    ) -> dict[Credentials, Principal | Invalid]:
        async with acquire(self._pool) as connection:
            found = await select_principals(connection, list(credentials), use_interval)
            due = [each for each in found.values() if isinstance(each, Principal) and each.use_is_due]
            if due:
                with contextlib.suppress(DatabaseUnavailableError):  # such as a database that is read-only
                    await touch_credentials(connection, due)
            return found
