"""Accounts of people whom a proxy has signed in (AUTH=proxy): made when they come for the first time.

With AUTH_PROXY_GROUPS_HEADER, their roles follow their groups at each request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from api_service.http.services import services, settings
from api_service.store import access_log, accounts
from api_service.store.access_log import Action
from api_service.store.connections import LastAdminError, NameTakenError
from shared.access.principals import Principal, everywhere, select_principal
from shared.access.roles import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.access.credentials import Credentials
    from shared.access.principals import Grant
    from shared.db.database import Connection

ACTOR = "proxy"  # in the access log


async def bring_up_to_date(credentials: Credentials, found: object) -> Principal | None:
    """Make the account if it does not exist, and give it the role of its groups. Returns its principal."""
    groups = _groups()
    if not isinstance(found, Principal):
        await _create(credentials, role_of(groups or []))
    elif groups is not None and role_of(groups) is not found.role:
        await _change(found, role_of(groups))
    else:
        return found
    async with services().pools.writing() as connection:
        return await select_principal(connection, credentials)


def _groups() -> list[str] | None:
    """The groups that the proxy has sent; None if it sends none."""
    header = settings().auth_proxy_groups_header
    if header is None or header not in request.headers:
        return None
    return [group.strip().lower() for value in request.headers.getlist(header) for group in value.split(",")]


def role_of(groups: list[str]) -> Role | None:
    """The highest role of these groups; AUTH_PROXY_ROLE if AUTH_PROXY_ROLES has none of them."""
    roles = settings().auth_proxy_roles
    names = {roles[group] for group in groups if group in roles} or {settings().auth_proxy_role}
    return max((Role(name) for name in names - {"none"}), key=list(Role).index, default=None)


async def _create(credentials: Credentials, role: Role | None) -> None:
    assert credentials.name is not None  # noqa: S101 - a proxy's credentials have one
    name = credentials.name
    try:
        async with services().pools.writing() as connection, connection.transaction():
            account_id = await accounts.insert_account(connection, "user", name)
            await _grant(connection, account_id, role, Action.CREATE_ACCOUNT, name.text)
    except NameTakenError:
        pass  # by another request at the same moment; or the name is that of a service, or looks like another one


async def _change(principal: Principal, role: Role | None) -> None:
    try:
        async with services().pools.writing() as connection, connection.transaction():
            await accounts.update_account(connection, principal.id)  # locks it, so that requests take turns
            at_locations = [grant for grant in principal.grants if grant.location is not None]  # which admins gave
            await _grant(connection, principal.id, role, Action.CHANGE_ACCOUNT, principal.name, at_locations)
    except LastAdminError:
        pass  # stays an admin until there is another one


async def _grant(
    connection: Connection, account_id: int, role: Role | None, action: Action, name: str, kept: Sequence[Grant] = ()
) -> None:
    grants = [*everywhere(role), *kept]
    await accounts.replace_grants(connection, account_id, grants)
    await access_log.insert_entry(connection, ACTOR, action, name, grants=access_log.granted(grants))
