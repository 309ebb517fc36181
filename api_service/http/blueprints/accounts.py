"""`/api/accounts`: users and services, and what they may do."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from quart import Blueprint, Response
from quart_schema import tag_blueprint

from api_service.http.access import Need, needs, signed_in
from api_service.http.access_models import AccountChange, AccountDocument, NewAccount, grants_of
from api_service.http.answers import invalid
from api_service.http.operations import operation
from api_service.http.services import services
from api_service.passwords import hash_password
from api_service.sign_in import forget_failures
from api_service.store import access_log, accounts, sign_ins
from api_service.store.access_log import Action
from shared.web.problems import Problem

if TYPE_CHECKING:
    from api_service.store.accounts import Account
    from shared.db.database import Connection

blueprint = Blueprint("accounts", __name__, url_prefix="/api/accounts")
tag_blueprint(blueprint, ["Access"])


@blueprint.get("")
@needs(Need.ADMIN)
@operation(list[AccountDocument])
async def list_accounts() -> Response:
    """List the accounts, by name."""
    async with services().pools.reading() as connection:
        return _json(await accounts.select_accounts(connection))


@blueprint.post("")
@needs(Need.ADMIN)
@operation(AccountDocument, HTTPStatus.CREATED, body=NewAccount, problems=(HTTPStatus.CONFLICT,))
async def create_account(body: NewAccount) -> Response:
    """Create an account. If another account has this name, or one that looks the same, the answer is 409."""
    if body.kind == "service" and body.password is not None:
        raise _service_password()
    password_hash = None if body.password is None else await hash_password(services().limits.passwords, body.password)
    async with services().pools.writing() as connection, connection.transaction():
        account_id = await accounts.insert_account(
            connection, body.kind, body.name, password_hash=password_hash, active=body.active
        )
        grants = grants_of(body.grants)
        await accounts.replace_grants(connection, account_id, grants)
        await _log(connection, Action.CREATE_ACCOUNT, body.name.text, kind=body.kind, grants=access_log.granted(grants))
        created = await _find(connection, account_id)
    return _json(created.document, HTTPStatus.CREATED)


@blueprint.get("/<int:account_id>")
@needs(Need.ADMIN)
@operation(AccountDocument)
async def get_account(account_id: int) -> Response:
    """Get one account."""
    async with services().pools.reading() as connection:
        return _json((await _find(connection, account_id)).document)


@blueprint.patch("/<int:account_id>")
@needs(Need.ADMIN)
@operation(AccountDocument, body=AccountChange, problems=(HTTPStatus.CONFLICT,))
async def change_account(account_id: int, body: AccountChange) -> Response:
    """Change an account: its name, password, grants, or whether it is active.

    A new password ends all sessions of the account. Deactivating it ends its sessions and tokens for good. The last
    admin can't be deactivated or lose the role; the answer is then 409.
    """
    given = body.model_fields_set
    if "password" in given and account_id == signed_in().id:
        raise invalid("password", "of your own account is changed with your current one: PUT /api/session/password")
    password_hash = await hash_password(services().limits.passwords, body.password) if "password" in given else None
    async with services().pools.writing() as connection, connection.transaction():
        former = await _find(connection, account_id)
        if password_hash is not None:
            if former.kind == "service":
                raise _service_password()
            await sign_ins.delete_sessions(connection, account_id)
            await forget_failures(connection, former.name)
        await accounts.update_account(
            connection,
            account_id,
            name=body.name if "name" in given else None,
            password_hash=password_hash,
            active=body.active if "active" in given else None,
        )
        if "grants" in given:
            await accounts.replace_grants(connection, account_id, grants_of(body.grants))
        await _log(connection, Action.CHANGE_ACCOUNT, former.name, **_logged(body))
        changed = await _find(connection, account_id)
    return _json(changed.document)


@blueprint.delete("/<int:account_id>")
@needs(Need.ADMIN)
@operation(None, HTTPStatus.NO_CONTENT, problems=(HTTPStatus.CONFLICT,))
async def delete_account(account_id: int) -> Response:
    """Delete an account, with its sessions and tokens. The history keeps its name. The last admin can't be deleted."""
    async with services().pools.writing() as connection, connection.transaction():
        name = await accounts.delete_account(connection, account_id)
        if name is None:
            raise _no_account(account_id)
        await _log(connection, Action.DELETE_ACCOUNT, name)
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.delete("/<int:account_id>/sessions")
@needs(Need.ADMIN)
@operation(None, HTTPStatus.NO_CONTENT)
async def end_sessions(account_id: int) -> Response:
    """End all sessions of an account. Its tokens keep working."""
    async with services().pools.writing() as connection, connection.transaction():
        account = await _find(connection, account_id)
        await sign_ins.delete_sessions(connection, account_id)
        await _log(connection, Action.END_SESSIONS, account.name)
    return Response(status=HTTPStatus.NO_CONTENT)


async def _find(connection: Connection, account_id: int) -> Account:
    found = await accounts.select_account(connection, account_id)
    if found is None:
        raise _no_account(account_id)
    return found


def _no_account(account_id: int) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"There is no account {account_id}.")


def _service_password() -> Problem:
    return invalid("password", "must not be set for a service, which sends a token instead")


async def _log(connection: Connection, action: Action, subject: str, **detail: Any) -> None:
    await access_log.insert_entry(connection, signed_in().name, action, subject, **detail)


def _logged(body: AccountChange) -> dict[str, Any]:
    """The change as the log shows it: without the password."""
    values = {"name": body.name and body.name.text, "password": "changed", "active": body.active}
    return {
        name: value
        for name, value in {**values, "grants": access_log.granted(grants_of(body.grants))}.items()
        if name in body.model_fields_set
    }


def _json(document: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(document, status, content_type="application/json")
