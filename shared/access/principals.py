"""Principals: the users and services that requests and streams belong to."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.access.credentials import Kind
from shared.access.roles import Role
from shared.db.database import load_queries

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from shared.access.credentials import Credentials
    from shared.db.database import Connection

queries = load_queries("principals")

CHANNEL = "stockstream_access"  # notifications: accounts, grants, sessions or tokens have changed
SESSION_IDLE = timedelta(days=14)  # a session expires after this time without use
SESSION_LIFETIME = timedelta(days=90)  # and at the latest this long after the sign-in
USE_INTERVAL = timedelta(minutes=1)  # the time of the last use is written at most this often


Locations = tuple[int, ...] | None  # the ids of locations, in order; None stands for all, also for those to come


class Grant(NamedTuple):
    """A role at a location, or at all locations if that is None."""

    location: int | None
    role: Role


def everywhere(role: Role | None) -> list[Grant]:
    """The grants of somebody with this role at all locations."""
    return [] if role is None else [Grant(None, role)]


class Principal(NamedTuple):
    """A user or a service, and the session or the token by which it is known."""

    id: int
    kind: str
    name: str
    role: Role | None  # at all locations
    visible: Locations  # where it may read
    editable: Locations  # where it may change items
    grants: tuple[Grant, ...]
    rights_changed_at: datetime | None = None
    session_id: int | None = None
    token_id: int | None = None
    speaks_for_others: bool = False
    use_is_due: bool = False  # whether the time of the last use should be updated

    def may(self, role: Role) -> bool:
        """Whether the principal has this role, or a higher one: an admin everywhere, others at any location."""
        if role is Role.ADMIN:
            return self.role is Role.ADMIN
        return (self.visible if role is Role.VIEWER else self.editable) != ()


def contains(locations: Collection[int] | None, location: int) -> bool:
    """Whether a location is one of these (None: all)."""
    return locations is None or location in locations


class Invalid(StrEnum):
    """Why credentials are not valid any more."""

    SIGNED_OUT = "signed out"
    REVOKED = "revoked"
    EXPIRED = "expired"
    DEACTIVATED = "deactivated"


_MISSING = {Kind.SESSION: Invalid.SIGNED_OUT, Kind.TOKEN: Invalid.REVOKED, Kind.PROXY: Invalid.SIGNED_OUT}


async def select_principals(
    connection: Connection, credentials: Collection[Credentials], use_interval: timedelta = USE_INTERVAL
) -> dict[Credentials, Principal | Invalid]:
    """The principal of each of these credentials, or why they are not valid. This is one query for all."""
    keys = {kind: [each.key for each in credentials if each.kind is kind] for kind in Kind}
    rows = queries.select_principals(
        connection,
        sessions=keys[Kind.SESSION],
        tokens=keys[Kind.TOKEN],
        proxies=keys[Kind.PROXY],
        idle=SESSION_IDLE,
        lifetime=SESSION_LIFETIME,
        due=use_interval,
    )
    found = {(row["kind_of_key"], row["key"]): row async for row in rows}
    return {each: _principal(each, found.get((each.kind, each.key))) for each in credentials}


async def select_principal(connection: Connection, credentials: Credentials) -> Principal | None:
    """The principal of these credentials; None if they are not valid."""
    found = (await select_principals(connection, [credentials]))[credentials]
    return found if isinstance(found, Principal) else None


async def touch_credentials(connection: Connection, principals: Collection[Principal]) -> None:
    """Note that the sessions and tokens of these principals are used now."""
    await queries.touch_credentials(
        connection,
        sessions=[each.session_id for each in principals if each.session_id is not None],
        tokens=[each.token_id for each in principals if each.token_id is not None],
    )


def _principal(credentials: Credentials, row: Any) -> Principal | Invalid:
    if row is None or (credentials.name is not None and not credentials.name.is_same(row["name"])):
        return _MISSING[credentials.kind]
    if not row["is_active"]:
        return Invalid.DEACTIVATED
    if not row["is_current"]:
        return Invalid.EXPIRED
    return Principal(
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        role=row["role"] and Role(row["role"]),
        visible=_locations(row["visible"]),
        editable=_locations(row["editable"]),
        grants=tuple(Grant(grant["location"], Role(grant["role"])) for grant in json.loads(row["grants"])),
        rights_changed_at=row["rights_changed_at"],
        session_id=row["session_id"],
        token_id=row["token_id"],
        speaks_for_others=row["speaks_for_others"],
        use_is_due=row["use_is_due"],
    )


def _locations(ids: list[int] | None) -> Locations:
    return None if ids is None else tuple(ids)
