"""Accounts for tests, written to the database directly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_service.limits import create_limits
from api_service.passwords import hash_password, parse_password
from api_service.store import accounts, sign_ins
from shared.access import secrets
from shared.access.credentials import COOKIE
from shared.access.names import parse_name
from shared.access.principals import everywhere
from shared.access.roles import Role

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from tests.stack import Stack

PASSWORD = "correct horse battery"


class Accounts:
    """Creates accounts, sessions and tokens, and changes them behind the back of the services."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def clear(self) -> None:
        """Remove all accounts, even the last admin, and all attempts to sign in."""
        await self.connection.execute("SET session_replication_role = replica")
        await self.connection.execute("TRUNCATE principal, sign_in_failure, setup_link CASCADE")
        await self.connection.execute("SET session_replication_role = origin")

    async def add(
        self,
        name: str,
        role: str | None = "viewer",
        *,
        kind: str = "user",
        password: str | None = None,
        active: bool = True,
    ) -> int:
        """Create an account and return its id."""
        hashed = (
            None
            if password is None
            else await hash_password(create_limits(readers=1).passwords, parse_password(password))
        )
        account_id = await accounts.insert_account(
            self.connection, kind, parse_name(name), password_hash=hashed, active=active
        )
        await self.grant(account_id, role)
        return account_id

    async def grant(self, account_id: int, role: str | None) -> None:
        """Give an account this role everywhere, or none."""
        async with self.connection.transaction():
            await accounts.replace_grants(self.connection, account_id, everywhere(None if role is None else Role(role)))

    async def session(self, account_id: int) -> dict[str, str]:
        """Begin a session and return the headers of a request in it."""
        secret = await sign_ins.insert_session(
            self.connection, account_id, address="192.0.2.7", user_agent="Mozilla/5.0"
        )
        return {"Cookie": f"{COOKIE}={secret}"}

    async def token(
        self,
        account_id: int,
        name: str = "scanner",
        *,
        speaks_for_others: bool = False,
        expires_at: datetime | None = None,
    ) -> dict[str, str]:
        """Create a token and return the headers of a request with it."""
        token = await accounts.insert_token(
            self.connection, account_id, name, speaks_for_others=speaks_for_others, expires_at=expires_at
        )
        return {"Authorization": f"Bearer {token.secret}"}

    async def deactivate(self, account_id: int) -> None:
        await accounts.update_account(self.connection, account_id, active=False)

    async def expire_sessions(self, account_id: int) -> None:
        """Make it 15 days since the last use of the account's sessions."""
        await self.connection.execute(
            "UPDATE session SET used_at = used_at - interval '15 days' WHERE principal = $1", account_id
        )

    async def end_sessions(self, account_id: int) -> None:
        await sign_ins.delete_sessions(self.connection, account_id)

    async def revoke_tokens(self, account_id: int) -> None:
        await self.connection.execute("DELETE FROM token WHERE principal = $1", account_id)


def add_admin(stack: Stack) -> dict[str, str]:
    """Create an admin with a session, and return the headers of a request in it."""
    secret = secrets.create_secret()
    stack.sql(
        f"""
        WITH p AS (INSERT INTO principal (kind, name, name_key) VALUES ('user', 'admin', 'admin') RETURNING id),
             g AS (INSERT INTO access_grant (principal, role) SELECT id, 'admin' FROM p)
        INSERT INTO session (principal, secret_hash, address, user_agent)
        SELECT id, '\\x{secrets.hash_secret(secret).hex()}', '', '' FROM p
        """
    )
    return {"Cookie": f"{COOKIE}={secret}"}


def add_token(stack: Stack, name: str, role: str, *, speaks_for_others: bool = False) -> dict[str, str]:
    """Create a service with this role, and return the headers of a request with its token."""
    secret = secrets.create_token()
    stack.sql(
        f"""
        WITH p AS (INSERT INTO principal (kind, name, name_key) VALUES ('service', '{name}', '{name}') RETURNING id),
             g AS (INSERT INTO access_grant (principal, role) SELECT id, '{role}' FROM p)
        INSERT INTO token (principal, name, secret_hash, speaks_for_others)
        SELECT id, '{name}', '\\x{secrets.hash_secret(secret).hex()}', {speaks_for_others} FROM p
        """
    )
    return {"Authorization": f"Bearer {secret}"}


def add_admin_token(stack: Stack, name: str = "robot", *, speaks_for_others: bool = False) -> dict[str, str]:
    """Create a service with the role admin, and return the headers of a request with its token."""
    return add_token(stack, name, "admin", speaks_for_others=speaks_for_others)
