"""Signing in: attempts, and the sessions that this begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.access.principals import SESSION_IDLE, SESSION_LIFETIME
from shared.access.secrets import create_secret, hash_secret
from shared.db.database import load_queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from shared.db.database import Connection

queries = load_queries("sign_ins")


class SignIn(NamedTuple):
    """What is needed to check a password."""

    id: int
    name: str
    password_hash: str | None
    is_active: bool


async def select_sign_in(connection: Connection, name_key: str) -> SignIn | None:
    row = await queries.select_sign_in(connection, name_key=name_key)
    return None if row is None else SignIn(*row)


async def lock_password(connection: Connection, checked: SignIn) -> bool:
    """Hold a password that was checked until the end of the transaction. False if it was changed since."""
    return await queries.lock_password(connection, id=checked.id, password=checked.password_hash) is not None


async def insert_session(connection: Connection, account_id: int, *, address: str, user_agent: str) -> str:
    """Begin a session and return its secret."""
    secret = create_secret()
    await queries.insert_session(
        connection, principal=account_id, secret_hash=hash_secret(secret), address=address, user_agent=user_agent
    )
    return secret


async def select_sessions(connection: Connection, account_id: int, *, current: int | None) -> str:
    """The sessions of an account that have not expired, as a JSON array."""
    return str(
        await queries.select_sessions(
            connection, principal=account_id, current=current, idle=SESSION_IDLE, lifetime=SESSION_LIFETIME
        )
    )


async def delete_session(connection: Connection, session_id: int, *, account_id: int) -> bool:
    """End a session. False if this account has no such session."""
    return await queries.delete_session(connection, id=session_id, principal=account_id) is not None


async def delete_sessions(connection: Connection, account_id: int, *, kept: int | None = None) -> None:
    """End the sessions of an account, except one."""
    await queries.delete_sessions(connection, principal=account_id, kept=kept)


async def delete_expired_sessions(connection: Connection) -> None:
    await queries.delete_expired_sessions(connection, idle=SESSION_IDLE, lifetime=SESSION_LIFETIME)


async def lock_subjects(connection: Connection, subjects: Sequence[str]) -> None:
    """Wait for other attempts of these subjects to be counted. Lasts until the end of the transaction."""
    await queries.lock_subjects(connection, subjects=subjects)


async def select_throttled_until(
    connection: Connection, subject: str, *, most: int, within: timedelta
) -> datetime | None:
    """When the subject may try again, if it has tried ``most`` times ``within`` this time. None if it may now."""
    until: datetime | None = await queries.select_throttled_until(connection, subject=subject, most=most, within=within)
    return until


async def insert_failures(connection: Connection, subjects: Sequence[str]) -> list[int]:
    """Count an attempt of each of these subjects as failed. Returns the ids of these failures."""
    return [row["id"] async for row in queries.insert_failures(connection, subjects=subjects)]


async def delete_failures(connection: Connection, ids: Sequence[int], *, subject: str) -> None:
    """Forget these failures, and all of this subject."""
    await queries.delete_failures(connection, ids=ids, subject=subject)


async def delete_failures_of(connection: Connection, account: str) -> None:
    """Forget all failures of this account, from any address."""
    await queries.delete_failures_of(connection, subject=account)


async def delete_old_failures(connection: Connection, age: timedelta) -> None:
    await queries.delete_old_failures(connection, age=age)
