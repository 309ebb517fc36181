"""Who may do what: every route of both services, as everybody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
import pytest

from api_service.app import create_app as create_api
from api_service.settings import ApiSettings
from stream_service.app import create_app as create_stream
from stream_service.settings import StreamSettings
from tests.acceptance.login import accounts_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from quart import Quart

    from tests.accounts import Accounts
    from tests.stack import Stack

# What each route needs. A route that is missing here fails the test.
ROUTES = """
    api     GET     /                                     nothing
    api     GET     /accounts                             nothing
    api     GET     /docs                                 nothing
    api     GET     /labels                               nothing
    api     GET     /healthz                              nothing
    api     GET     /manifest.webmanifest                 nothing
    api     GET     /metrics                              nothing
    api     GET     /openapi.json                         nothing
    api     GET     /readyz                               nothing
    api     GET     /service-worker.js                    nothing
    api     GET     /setup                                nothing
    api     GET     /static/<id>/scripts/main.js          nothing

    api     GET     /api/inventories                      viewer
    api     POST    /api/inventories                      editor
    api     GET     /api/inventories/<id>                 viewer
    api     PUT     /api/inventories/<id>                 editor
    api     PATCH   /api/inventories/<id>                 editor
    api     DELETE  /api/inventories/<id>                 editor
    api     GET     /api/inventories/<id>/history         viewer
    api     POST    /api/inventories/<id>/restore         editor
    api     GET     /api/inventories/deleted              viewer
    api     GET     /api/inventories/export               viewer
    api     POST    /api/inventories/import               editor
    api     POST    /api/inventories/import/table         editor
    api     GET     /api/history                          viewer
    api     GET     /api/trends                           viewer

    api     GET     /api/history/export                   viewer
    api     GET     /api/low                              viewer
    api     GET     /api/low/export                       viewer
    api     PUT     /api/minimums                         editor
    api     POST    /api/movements                        editor
    api     GET     /api/movements/<id>                   viewer
    api     POST    /api/movements/<id>/undo              editor
    api     POST    /api/transfers                        editor
    api     GET     /api/labels                           viewer

    api     GET     /api/locations                        viewer
    api     POST    /api/locations                        admin
    api     GET     /api/locations/<id>                   viewer
    api     PATCH   /api/locations/<id>                   admin
    api     DELETE  /api/locations/<id>                   admin

    api     GET     /api/session                          nothing
    api     POST    /api/session                          nothing
    api     DELETE  /api/session                          session
    api     PUT     /api/session/password                 session
    api     GET     /api/sessions                         sign-in
    api     DELETE  /api/sessions/<id>                    sign-in
    api     POST    /api/setup                            nothing

    api     GET     /api/accounts                         admin
    api     POST    /api/accounts                         admin
    api     GET     /api/accounts/<id>                    admin
    api     PATCH   /api/accounts/<id>                    admin
    api     DELETE  /api/accounts/<id>                    admin
    api     DELETE  /api/accounts/<id>/sessions           admin
    api     GET     /api/tokens                           admin
    api     POST    /api/tokens                           admin
    api     DELETE  /api/tokens/<id>                      admin
    api     GET     /api/access-log                       admin

    stream  GET     /asyncapi.json                        nothing
    stream  GET     /events                               viewer
    stream  GET     /healthz                              nothing
    stream  GET     /metrics                              nothing
    stream  GET     /readyz                               nothing
"""

# The answer to each kind of client. `ok` is any status but 401 and 403. What needs a session refuses tokens: 403.
ANSWERS = """
    needs    | nobody  unknown  expired  signed-out  revoked  deactivated  no-role  viewer  editor  admin
    nothing  | ok      ok       ok       ok          ok       ok           ok       ok      ok      ok
    sign-in  | 401     401      401      401         401      401          ok       ok      ok      ok
    session  | 401     401      401      401         401      401          ok       ok      ok      ok
    viewer   | 401     401      401      401         401      401          403      ok      ok      ok
    editor   | 401     401      401      401         401      401          403      403     ok      ok
    admin    | 401     401      401      401         401      401          403      403     403     ok
"""
NO_SUCH_ID = 999_999_999


class Route(NamedTuple):
    service: str
    method: str
    path: str


def rows(table: str) -> Iterator[list[str]]:
    return (line.split() for line in table.splitlines() if line.strip())


NEEDS = {Route(service, method, path): need for service, method, path, need in rows(ROUTES)}
_, *CLIENTS = (name for name in next(rows(ANSWERS)) if name != "|")
EXPECTED = {need: dict(zip(CLIENTS, answers, strict=True)) for need, _, *answers in [*rows(ANSWERS)][1:]}


def expected(need: str, client: str, by: str) -> str:
    answer = EXPECTED[need][client]
    return "403" if answer == "ok" and need == "session" and by == "token" else answer


def routes(service: str, app: Quart) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]*>", "<id>", re.sub(r"<path:[^>]*>", "scripts/main.js", rule.rule))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield Route(service, method, path)


def test_the_table_has_every_route_of_both_services() -> None:
    actual = {*routes("api", create_api(ApiSettings())), *routes("stream", create_stream(StreamSettings()))}
    assert actual == set(NEEDS)


@pytest.fixture
async def accounts(login_stack: Stack) -> AsyncIterator[Accounts]:
    async with accounts_of(login_stack) as accounts:
        yield accounts


async def headers_of(accounts: Accounts, client: str, by: str) -> dict[str, str]:
    """The headers of a client, known by a session or a token. Each call makes a new one, which a request may end."""
    if client == "nobody":
        return {}
    name = f"{client}-{by}"
    role = {"no-role": None, "viewer": "viewer", "editor": "editor"}.get(client, "admin")
    account_id = await accounts.connection.fetchval("SELECT id FROM principal WHERE name = $1", name)
    if account_id is None:
        kind = "user" if by == "session" else "service"
        account_id = await accounts.add(name, role, kind=kind, active=client != "deactivated")
    headers = await (accounts.session(account_id) if by == "session" else accounts.token(account_id))
    if client == "unknown":
        return {header: f"{value[:-4]}0000" for header, value in headers.items()}
    if client == "expired":
        await accounts.expire_sessions(account_id)
        await accounts.connection.execute("UPDATE token SET expires_at = now()")
    if client in {"signed-out", "revoked"}:
        await accounts.end_sessions(account_id)
        await accounts.revoke_tokens(account_id)
    return headers


@pytest.mark.parametrize("by", ["session", "token"])
@pytest.mark.parametrize("client", CLIENTS)
async def test_every_route_answers_each_client_as_the_table_says(
    login_stack: Stack, accounts: Accounts, client: str, by: str
) -> None:
    wrong = []
    async with aiohttp.ClientSession() as session:
        for route, need in NEEDS.items():
            headers = await headers_of(accounts, client, by)
            base = login_stack.api_url if route.service == "api" else login_stack.stream_url
            url = base + route.path.replace("<id>", str(NO_SUCH_ID))
            body: dict[str, object] | None = None if route.method == "GET" else {}
            async with session.request(route.method, url, headers=headers, json=body) as response:
                status = str(response.status) if response.status in {401, 403} else "ok"
                if status != expected(need, client, by):
                    wrong.append((*route, response.status, expected(need, client, by)))
    assert not wrong
