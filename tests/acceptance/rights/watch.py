"""Watches what a stream brings, also while the rights of its account change."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from tests.acceptance.rights.model import NOWHERE

if TYPE_CHECKING:
    from tests.acceptance.rights.model import Account, Scope
    from tests.acceptance.rights.world import World

GRACE_SECONDS = 1.0  # after a change of rights, while a stream may still show what could be seen before


class Rights(NamedTuple):
    """An account's grants, what it may see and change, and what of this a client wants."""

    grants: dict[int | None, str]
    visible: Scope
    editable: Scope
    scope: Scope

    def is_told(self, other: Rights) -> bool:
        """Whether a stream is told of a change from these rights to others."""
        return (self.grants, self.editable, self.scope) != (other.grants, other.editable, other.scope)


class Watch:
    """Searches what a stream brings for words that its account may not see.

    After a change of rights it may bring what could be seen before, until it is told of the change, for a second.
    """

    def __init__(self, world: World, account: Account) -> None:
        self.pending: str | None = None  # the kind of the last change of rights, until the stream is told of it
        self.is_racing = False  # whether rights change while the stream opens, so that it may be told of that or not
        self._world = world
        self._account = account
        self._former: Scope = NOWHERE  # what could be seen before the last change
        self._changed_at = 0.0
        self._held: list[tuple[str, bool]] | None = None  # received while rights change, before or after it was told
        self._tellings = 0  # in the same time

    def check(self, received: str) -> None:
        """Check that the account may see all of this."""
        if self._held is None:
            self._check(received, is_told=self.pending is None and not self.is_racing)
        else:
            self._held.append((received, self._tellings > 0))

    def _check(self, received: str, *, is_told: bool) -> None:
        scopes = [self._world.model.visible(self._account)]
        if not is_told and self.is_in_grace:
            scopes.append(self._former)
        leaked = self._world.words.leaked(received, scopes)
        assert not leaked, f"{self._account.name} was shown {leaked} by a stream: {received}"

    @property
    def is_in_grace(self) -> bool:
        return time.monotonic() < self._changed_at + GRACE_SECONDS

    def tell(self, *, is_open: bool) -> None:
        """Note that the stream was told of a change: while it opened, of one before that."""
        is_expected = self.pending is not None or self._held is not None or not is_open or self.is_in_grace
        assert is_expected, f"a stream of {self._account.name} was reset without need"
        self._tellings += 1
        if self.pending is not None:
            self._world.latencies[self.pending].append(time.monotonic() - self._changed_at)
            self.pending = None

    def hold(self) -> None:
        """Before rights change: keep what is received, to check it after that."""
        self._held, self._tellings = [], 0

    def release(self, before: Rights, after: Rights, kind: str, *, is_open: bool) -> None:
        """After rights have changed: expect that the stream is told, if that concerns it and it was not yet."""
        held, self._held = self._held or [], None
        if before != after:
            self._former, self._changed_at = before.visible, time.monotonic()
        assert before.is_told(after) or not self._tellings or self.is_in_grace, "a stream was reset without need"
        if before.is_told(after) and is_open and not self._tellings and not self.is_racing:
            self.pending = kind
        for received, is_told in held:
            self._check(received, is_told=is_told)
