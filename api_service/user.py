"""`python -m api_service.user <name>`: creates an account, or repairs one, whoever is locked out.

The password is asked for at a terminal, and read from standard input otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from typing import TYPE_CHECKING

import asyncpg

from api_service.limits import create_limits
from api_service.passwords import InvalidPasswordError, hash_password, parse_password
from api_service.settings import ApiSettings
from api_service.sign_in import forget_failures
from api_service.store import access_log, accounts, sign_ins
from api_service.store.access_log import Action
from api_service.store.connections import LastAdminError, open_pools
from shared.access.names import AccountName, InvalidNameError, parse_name
from shared.access.principals import everywhere
from shared.access.roles import Role
from shared.db.database import database_url
from shared.db.errors import DatabaseUnavailableError, suggests_outdated_schema
from shared.process.settings import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api_service.store.connections import Pools

ROLE = "stockstream_api"
ACTOR = "command line"  # in the access log


def main(arguments: Sequence[str] | None = None) -> None:
    """Create or repair the account, or exit with one line that says why not."""
    options = _parser().parse_args(arguments)
    try:
        name = parse_name(options.name)
        password = None if options.no_password else parse_password(_read_password())
        done = asyncio.run(_save(load(ApiSettings), name, password, options.role and Role(options.role)))
    except InvalidNameError as error:
        raise SystemExit(f"stockstream: the name {error}") from None
    except InvalidPasswordError as error:
        raise SystemExit(f"stockstream: the password {error}") from None
    except LastAdminError:
        raise SystemExit(f"stockstream: {options.name} is the last admin and must stay one") from None
    except DatabaseUnavailableError as error:
        raise SystemExit(f"stockstream: the database can't be reached ({error}); start stockstream first") from None
    except asyncpg.PostgresError as error:
        if suggests_outdated_schema(error):
            raise SystemExit("stockstream: the schema is not current; start stockstream first") from None
        raise
    print(f"stockstream: {done}")  # noqa: T201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m api_service.user",
        description="Create an account of a user, or change one: set its password and role, and activate it again.",
    )
    parser.add_argument("name")
    parser.add_argument("--role", choices=[role.value for role in Role], help="role at all locations")
    parser.add_argument("--no-password", action="store_true", help="keep the password, or create the account without")
    return parser


def _read_password() -> str:
    """The password, typed twice at a terminal, or the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise SystemExit("stockstream: the two passwords differ")
    return password


async def _save(settings: ApiSettings, name: AccountName, password: str | None, role: Role | None) -> str:
    """Save the account, and say what was done."""
    limit = create_limits(readers=1).passwords
    password_hash = None if password is None else await hash_password(limit, password)
    async with open_pools(database_url(settings, ROLE), application_name=f"{ROLE} user", size=2) as pools:
        return await _write(pools, name, password_hash, role)


async def _write(pools: Pools, name: AccountName, password_hash: str | None, role: Role | None) -> str:
    detail: dict[str, object] = {"password": "changed"} if password_hash else {}
    if role is not None:
        detail["grants"] = access_log.granted(everywhere(role))
    async with pools.writing() as connection, connection.transaction():
        account_id = await accounts.select_account_id(connection, name)
        existing = account_id and await accounts.select_account(connection, account_id)
        if existing and existing.kind == "service" and password_hash is not None:
            raise SystemExit(f"stockstream: {existing.name} is a service, which has no password: give it a token")
        if account_id is None:
            account_id = await accounts.insert_account(connection, "user", name, password_hash=password_hash)
            action, done = Action.CREATE_ACCOUNT, f"created {name.text}"
        else:
            await accounts.update_account(connection, account_id, password_hash=password_hash, active=True)
            action, done = Action.CHANGE_ACCOUNT, f"changed {name.text}"
        if password_hash is not None:
            await sign_ins.delete_sessions(connection, account_id)
            await forget_failures(connection, name.text)
        if role is not None:
            await accounts.replace_grants(connection, account_id, everywhere(role))
        await access_log.insert_entry(connection, ACTOR, action, name.text, **detail)
    return done + (f", {role}" if role else "")


if __name__ == "__main__":
    main()
