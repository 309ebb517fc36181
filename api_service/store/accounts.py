"""Accounts, their grants and tokens, and the set-up link. A document is JSON text, as PostgreSQL wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.access.secrets import create_secret, create_token, hash_secret
from shared.db.database import load_queries

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.access.names import AccountName
    from shared.access.principals import Grant
    from shared.db.database import Connection

queries = load_queries("accounts")


class Account(NamedTuple):
    kind: str
    name: str
    document: str


class Token(NamedTuple):
    """``secret`` is known only when the token is created."""

    id: int
    secret: str


class RevokedToken(NamedTuple):
    name: str
    account: str


async def select_accounts(connection: Connection) -> str:
    """All accounts, as a JSON array."""
    return str(await queries.select_accounts(connection))


async def select_account(connection: Connection, account_id: int) -> Account | None:
    row = await queries.select_account(connection, id=account_id)
    return None if row is None else Account(*row)


async def select_account_id(connection: Connection, name: AccountName) -> int | None:
    """The account that has this name, or one that looks the same."""
    found: int | None = await queries.select_account_id(connection, name_key=name.key)
    return found


async def insert_account(
    connection: Connection, kind: str, name: AccountName, *, password_hash: str | None = None, active: bool = True
) -> int:
    """Create an account without grants, and return its id. Raises NameTakenError."""
    return int(
        await queries.insert_account(
            connection, kind=kind, name=name.text, name_key=name.key, password=password_hash, active=active
        )
    )


async def update_account(
    connection: Connection,
    account_id: int,
    *,
    name: AccountName | None = None,
    password_hash: str | None = None,
    active: bool | None = None,
) -> None:
    """Change what is not None. Raises NameTakenError and, at the commit, LastAdminError."""
    await queries.update_account(
        connection,
        id=account_id,
        name=name and name.text,
        name_key=name and name.key,
        password=password_hash,
        active=active,
    )


async def delete_account(connection: Connection, account_id: int) -> str | None:
    """Delete an account with its grants, sessions and tokens. Returns its name. Raises LastAdminError."""
    name: str | None = await queries.delete_account(connection, id=account_id)
    return name


async def replace_grants(connection: Connection, account_id: int, grants: Iterable[Grant]) -> None:
    """Set the grants of an account. Needs a transaction, whose commit may raise LastAdminError."""
    await queries.delete_grants(connection, principal=account_id)
    for grant in grants:
        await queries.insert_grant(connection, principal=account_id, location=grant.location, role=grant.role)


async def select_admin_exists(connection: Connection) -> bool:
    """Whether somebody can manage accounts."""
    return bool(await queries.select_admin_exists(connection))


async def insert_token(
    connection: Connection, account_id: int, name: str, *, speaks_for_others: bool, expires_at: datetime | None
) -> Token:
    """Create a token. Only the hash of its secret is stored."""
    secret = create_token()
    token_id = await queries.insert_token(
        connection,
        principal=account_id,
        name=name,
        secret_hash=hash_secret(secret),
        speaks_for_others=speaks_for_others,
        expires_at=expires_at,
    )
    return Token(int(token_id), secret)


async def select_tokens(connection: Connection) -> str:
    """All tokens without their secrets, as a JSON array."""
    return str(await queries.select_tokens(connection))


async def select_token(connection: Connection, token_id: int) -> str:
    """A token without its secret."""
    return str(await queries.select_token(connection, id=token_id))


async def delete_token(connection: Connection, token_id: int) -> RevokedToken | None:
    """Revoke a token. None if there is no such token."""
    row = await queries.delete_token(connection, id=token_id)
    return None if row is None else RevokedToken(row["name"], row["account"])


async def replace_setup_link(connection: Connection, start: str) -> str | None:
    """Make the set-up link of this start of the API, and return its secret. Earlier links become void.

    None if another worker of the same start has made it.
    """
    secret = create_secret()
    made = await queries.replace_setup_link(connection, secret_hash=hash_secret(secret), start=start)
    return None if made is None else secret


async def delete_setup_link(connection: Connection) -> None:
    """Delete the set-up link, if there is one."""
    await queries.delete_setup_link(connection)


async def select_setup_link(connection: Connection, secret: str) -> bool:
    """Whether this is the secret of the set-up link."""
    return bool(await queries.select_setup_link(connection, secret_hash=hash_secret(secret)))


async def take_setup_link(connection: Connection, secret: str) -> bool:
    """Consume the set-up link. False if the secret is wrong. Of two requests at once, one gets it."""
    return await queries.take_setup_link(connection, secret_hash=hash_secret(secret)) is not None
