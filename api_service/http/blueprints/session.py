"""`/api/session`, `/api/sessions` and `/api/setup`: signing in and out, and the sessions of whoever is signed in."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import Blueprint, Response, jsonify
from quart_schema import tag_blueprint

from api_service.http.access import (
    Need,
    find_former_session,
    find_principal,
    needs,
    own_session,
    refuse_without_passwords,
    signed_in,
)
from api_service.http.access_models import OwnSession, PasswordChange, SessionDocument, SetUp, SignIn
from api_service.http.answers import invalid
from api_service.http.cookies import client_address, client_software, remove_cookie, set_cookie
from api_service.http.operations import operation
from api_service.http.services import services, settings
from api_service.passwords import hash_password
from api_service.sign_in import check_password
from api_service.store import access_log, accounts, sign_ins
from api_service.store.access_log import Action
from shared.access.credentials import Credentials
from shared.access.principals import everywhere, select_principal
from shared.access.roles import Role
from shared.web.credentials import unauthorized
from shared.web.problems import Problem

if TYPE_CHECKING:
    from shared.access.principals import Principal
    from shared.db.database import Connection

blueprint = Blueprint("session", __name__, url_prefix="/api")
tag_blueprint(blueprint, ["Access"])


@blueprint.get("/session")
@needs(Need.NOTHING)
@operation(SessionDocument, problems=(HTTPStatus.UNAUTHORIZED,))
async def get_session() -> Response:
    """Get who is signed in, and what they may do."""
    return _session_answer(None if settings().auth == "open" else await find_principal())


@blueprint.post("/session")
@needs(Need.NOTHING)
@operation(
    SessionDocument,
    HTTPStatus.CREATED,
    body=SignIn,
    problems=(HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS),
)
async def sign_in(body: SignIn) -> Response:
    """Sign in with a name and a password. The answer sets a cookie.

    After too many failed attempts with this name, or from this address, the answer is 429 for some minutes.
    """
    refuse_without_passwords()
    former = await find_former_session()
    account = await check_password(
        services().pools, services().limits.passwords, body.name, body.password, client_address()
    )
    if account is None:
        raise _wrong()
    async with services().pools.writing() as connection, connection.transaction():
        if not await sign_ins.lock_password(connection, account):
            raise _wrong()  # the password was changed while it was checked
        if former is not None and former.session_id is not None:
            await sign_ins.delete_session(connection, former.session_id, account_id=former.id)
        await access_log.insert_entry(connection, account.name, Action.SIGN_IN, account.name, address=client_address())
        return await _begin_session(connection, account.id)


@blueprint.delete("/session")
@needs(Need.SESSION)
@operation(None, HTTPStatus.NO_CONTENT)
async def sign_out() -> Response:
    """Sign out. The session ends, and so do the streams that were opened in it."""
    who, session_id = signed_in(), own_session()
    async with services().pools.writing() as connection, connection.transaction():
        await sign_ins.delete_session(connection, session_id, account_id=who.id)
        await access_log.insert_entry(connection, who.name, Action.SIGN_OUT, who.name)
    return remove_cookie(Response(status=HTTPStatus.NO_CONTENT))


@blueprint.put("/session/password")
@needs(Need.SESSION)
@operation(None, HTTPStatus.NO_CONTENT, body=PasswordChange, problems=(HTTPStatus.TOO_MANY_REQUESTS,))
async def change_password(body: PasswordChange) -> Response:
    """Change your own password. All other sessions of the account end."""
    who, session_id = signed_in(), own_session()
    limit = services().limits.passwords
    account = await check_password(services().pools, limit, who.name, body.old, client_address())
    if account is None:
        raise invalid("old", "is not the current password")
    password_hash = await hash_password(limit, body.new)
    async with services().pools.writing() as connection, connection.transaction():
        if not await sign_ins.lock_password(connection, account):
            raise invalid("old", "is not the current password any more")
        await accounts.update_account(connection, who.id, password_hash=password_hash)
        await sign_ins.delete_sessions(connection, who.id, kept=session_id)
        await access_log.insert_entry(connection, who.name, Action.CHANGE_PASSWORD, who.name)
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.get("/sessions")
@needs(Need.SIGN_IN)
@operation(list[OwnSession])
async def list_sessions() -> Response:
    """List your sessions: the browsers in which you are signed in, latest use first."""
    who = signed_in()
    async with services().pools.reading() as connection:
        found = await sign_ins.select_sessions(connection, who.id, current=who.session_id)
    return Response(found, content_type="application/json")


@blueprint.delete("/sessions/<int:session_id>")
@needs(Need.SIGN_IN)
@operation(None, HTTPStatus.NO_CONTENT)
async def end_session(session_id: int) -> Response:
    """End one of your sessions."""
    who = signed_in()
    async with services().pools.writing() as connection, connection.transaction():
        if not await sign_ins.delete_session(connection, session_id, account_id=who.id):
            raise Problem(HTTPStatus.NOT_FOUND, f"You have no session {session_id}.")
        await access_log.insert_entry(connection, who.name, Action.END_SESSIONS, who.name, session=session_id)
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.post("/setup")
@needs(Need.NOTHING)
@operation(SessionDocument, HTTPStatus.CREATED, body=SetUp, problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))
async def set_up(body: SetUp) -> Response:
    """Create the first admin, with the secret of the set-up link. The answer signs them in.

    The link works once, and only while there is no admin.
    """
    refuse_without_passwords()
    async with services().pools.reading() as connection:
        if not await accounts.select_setup_link(connection, body.token):
            raise _no_link()
    password_hash = await hash_password(services().limits.passwords, body.password)
    async with services().pools.writing() as connection, connection.transaction():
        if not await accounts.take_setup_link(connection, body.token) or await accounts.select_admin_exists(connection):
            raise _no_link()
        account_id = await accounts.insert_account(connection, "user", body.name, password_hash=password_hash)
        await accounts.replace_grants(connection, account_id, everywhere(Role.ADMIN))
        name = body.name.text
        await access_log.insert_entry(connection, name, Action.SET_UP, name, address=client_address())
        return await _begin_session(connection, account_id)


def _wrong() -> Problem:
    return unauthorized("The name or the password is wrong, or the account is deactivated.")


def _no_link() -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND,
        "There is no such set-up link: it was used, or the service was restarted and has printed another one.",
    )


async def _begin_session(connection: Connection, account_id: int) -> Response:
    secret = await sign_ins.insert_session(
        connection, account_id, address=client_address(), user_agent=client_software()
    )
    who = await select_principal(connection, Credentials.of_session(secret))
    return set_cookie(_session_answer(who, HTTPStatus.CREATED), secret)


def _session_answer(who: Principal | None, status: HTTPStatus = HTTPStatus.OK) -> Response:
    response = jsonify(
        auth=settings().auth,
        principal=None if who is None else {"id": who.id, "name": who.name, "kind": who.kind},
        grants=[] if who is None else [grant._asdict() for grant in who.grants],
    )
    response.status_code = status
    return response
