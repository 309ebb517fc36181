"""`/api/tokens`: the secrets that services and scripts send instead of a password."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http import HTTPStatus

from quart import Blueprint, Response, jsonify
from quart_schema import tag_blueprint

from api_service.http.access import Need, needs, signed_in
from api_service.http.access_models import CreatedToken, NewToken, TokenDocument
from api_service.http.answers import invalid
from api_service.http.operations import operation
from api_service.http.services import services
from api_service.store import access_log, accounts
from api_service.store.access_log import Action
from shared.web.problems import Problem

blueprint = Blueprint("tokens", __name__, url_prefix="/api/tokens")
tag_blueprint(blueprint, ["Access"])


@blueprint.get("")
@needs(Need.ADMIN)
@operation(list[TokenDocument])
async def list_tokens() -> Response:
    """List the tokens of all accounts, oldest first, without their secrets."""
    async with services().pools.reading() as connection:
        return Response(await accounts.select_tokens(connection), content_type="application/json")


@blueprint.post("")
@needs(Need.ADMIN)
@operation(CreatedToken, HTTPStatus.CREATED, body=NewToken)
async def create_token(body: NewToken) -> Response:
    """Create a token of an account. It has the rights of the account, and its secret is shown only in this answer."""
    if body.expires_at is not None and body.expires_at <= datetime.now(UTC):
        raise invalid("expires_at", "must lie in the future")
    async with services().pools.writing() as connection, connection.transaction():
        account = await accounts.select_account(connection, body.account)
        if account is None:
            raise invalid("account", f"there is no account {body.account}")
        token = await accounts.insert_token(
            connection,
            body.account,
            body.name,
            speaks_for_others=body.speaks_for_others,
            expires_at=body.expires_at,
        )
        await access_log.insert_entry(
            connection, signed_in().name, Action.CREATE_TOKEN, account.name, token=body.name, id=token.id
        )
        document = json.loads(await accounts.select_token(connection, token.id))
    response = jsonify({**document, "token": token.secret})
    response.status_code = HTTPStatus.CREATED
    return response


@blueprint.delete("/<int:token_id>")
@needs(Need.ADMIN)
@operation(None, HTTPStatus.NO_CONTENT)
async def revoke_token(token_id: int) -> Response:
    """Revoke a token. It stops working at once, and so do the streams that were opened with it."""
    async with services().pools.writing() as connection, connection.transaction():
        revoked = await accounts.delete_token(connection, token_id)
        if revoked is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"There is no token {token_id}.")
        await access_log.insert_entry(
            connection, signed_in().name, Action.REVOKE_TOKEN, revoked.account, token=revoked.name, id=token_id
        )
    return Response(status=HTTPStatus.NO_CONTENT)
