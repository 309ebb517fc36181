"""The log of accounts: who signed in, and who created, changed, granted and revoked what."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.db.database import load_queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.access.principals import Grant
    from shared.db.database import Connection

queries = load_queries("access_log")


class Action(StrEnum):
    """What was done."""

    SET_UP = "set_up"
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 - the name of an action
    END_SESSIONS = "end_sessions"
    CREATE_ACCOUNT = "create_account"
    CHANGE_ACCOUNT = "change_account"
    DELETE_ACCOUNT = "delete_account"
    CREATE_TOKEN = "create_token"  # noqa: S105 - the name of an action
    CREATE_LOCATION = "create_location"
    CHANGE_LOCATION = "change_location"
    DELETE_LOCATION = "delete_location"
    REVOKE_TOKEN = "revoke_token"  # noqa: S105 - the name of an action


def granted(grants: Iterable[Grant]) -> list[dict[str, Any]]:
    """Grants as details of an entry."""
    return [grant._asdict() for grant in grants]


class Entry(NamedTuple):
    id: int
    document: str


async def insert_entry(connection: Connection, actor: str, action: Action, subject: str, **detail: Any) -> None:
    """Log what an actor did to an account. It is logged if the surrounding transaction commits."""
    await queries.insert_entry(connection, actor=actor, action=action, subject=subject, detail=json.dumps(detail))


async def select_entries(connection: Connection, *, before: int | None, page: int) -> list[Entry]:
    """A page of the log, newest first. ``before`` is the last id of the previous page."""
    return [Entry(*row) async for row in queries.select_entries(connection, before=before, page=page)]
