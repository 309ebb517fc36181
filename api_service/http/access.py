"""Who sends a request, and whether they may. Nothing else in the API decides this."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from quart import g, request

from api_service.http.proxy_accounts import bring_up_to_date
from api_service.http.services import services, settings
from api_service.store.items import Actor
from shared.access.credentials import Kind
from shared.access.principals import Invalid, Principal, select_principals
from shared.access.roles import Role
from shared.web.credentials import not_signed_in, read_credentials
from shared.web.origins import SAFE_METHODS
from shared.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from quart import Quart, Response

    from api_service.http.headers import Write
    from shared.access.credentials import Credentials
    from shared.access.principals import Locations
    from shared.log.fields import Reason

    Handler = TypeVar("Handler", bound=Callable[..., Any])

_NEED = "needed_access"
NO_STORE = "no-store"  # nothing may keep an answer beyond the session of those who may see it


class Purpose(Protocol):
    """Why a change is made, as a request says."""

    @property
    def reason(self) -> Reason | None: ...

    @property
    def note(self) -> str | None: ...


class Need(StrEnum):
    """What a request needs to be answered."""

    NOTHING = "nothing"
    SIGN_IN = "sign-in"  # of any account, even without a role
    SESSION = "session"  # a person who has signed in, not a token
    VIEWER = "viewer"
    EDITOR = "editor"
    MANAGER = "manager"  # an admin; without accounts, anybody
    ADMIN = "admin"


_ROLES = {
    Need.VIEWER: Role.VIEWER,
    Need.EDITOR: Role.EDITOR,
    Need.MANAGER: Role.ADMIN,
    Need.ADMIN: Role.ADMIN,
}

# These show nothing of the stock: the page's files, and what operators and documentation need.
PUBLIC = {
    "dashboard.accounts",
    "dashboard.index",
    "dashboard.manifest",
    "documentation.openapi",
    "documentation.show",
    "files.send",
    "files.service_worker",
    "health.healthz",
    "health.readyz",
    "labels.show",
    "metrics.metrics",
}


def needs(need: Need) -> Callable[[Handler], Handler]:
    """Set what a handler needs. By default, reading needs a viewer and anything else an editor."""

    def decorate(handler: Handler) -> Handler:
        setattr(handler, _NEED, need)
        return handler

    return decorate


def need_of(endpoint: str, handler: Callable[..., Any], method: str) -> Need:
    """What a request of this method needs, which this handler of this endpoint answers."""
    if endpoint in PUBLIC or method == "OPTIONS":
        return Need.NOTHING
    default = Need.VIEWER if method in SAFE_METHODS else Need.EDITOR
    need: Need = getattr(handler, _NEED, default)
    return need


def guard_access(app: Quart) -> None:
    """Before each handler, find out who sends the request, and answer 401 or 403 if they may not."""

    @app.before_request
    async def check() -> None:
        if request.endpoint is None:
            return  # there is nothing at this address
        need = need_of(request.endpoint, app.view_functions[request.endpoint], request.method)
        if need in {Need.SIGN_IN, Need.SESSION, Need.ADMIN}:
            refuse_without_accounts()
        if need is not Need.NOTHING and settings().auth != "open":
            await _admit(need)

    @app.after_request
    async def keep_private(response: Response) -> Response:
        if settings().auth != "open" and request.path.startswith("/api/"):
            response.headers["Cache-Control"] = NO_STORE
        return response


async def _admit(need: Need) -> None:
    credentials = read_credentials(settings(), settings().allowed_origins)
    found = await _principal_of(credentials)
    if found is None:
        raise not_signed_in(credentials, settings())
    if need is Need.SESSION and found.session_id is None:
        raise Problem(HTTPStatus.FORBIDDEN, "This is for people who have signed in here: tokens have no session.")
    role = _ROLES.get(need)
    if role is not None and not found.may(role):
        raise Problem(HTTPStatus.FORBIDDEN, f"{found.name} may not do this: it needs the role {role}.")
    g.principal, g.credentials = found, credentials
    if found.use_is_due:
        services().last_uses.note(found)


def principal() -> Principal | None:
    """Who sends the current request; None if it needs no one, or there are no accounts."""
    found: Principal | None = g.get("principal")
    return found


def signed_in() -> Principal:
    """Who sends the current request, which needs a principal."""
    found: Principal = g.principal
    return found


def own_session() -> int:
    """The session of the current request, which needs one."""
    session_id = signed_in().session_id
    assert session_id is not None  # noqa: S101
    return session_id


def visible() -> Locations:
    """The locations that the current request may see."""
    found = principal()
    return None if found is None else found.visible


def editable() -> Locations:
    """The locations whose items the current request may change."""
    found = principal()
    return None if found is None else found.editable


def actor_of(headers: Write, purpose: Purpose | None = None) -> Actor:
    """Who makes a change, and why: the principal. What X-Actor says counts only without accounts, or on its behalf."""
    reason, note = (None, None) if purpose is None else (purpose.reason, purpose.note)
    found = principal()
    if found is None:
        return Actor(headers.actor, reason=reason, note=note)
    return Actor(found.name, headers.actor if found.speaks_for_others else None, found.editable, reason, note)


async def find_principal() -> Principal | None:
    """Whose session or token the current request has; None if it has no valid one. Raises a 401 problem."""
    return await _principal_of(read_credentials(settings(), settings().allowed_origins))


async def _principal_of(credentials: Credentials | None) -> Principal | None:
    if credentials is None:
        return None
    async with services().pools.reading() as connection:
        found = (await select_principals(connection, [credentials]))[credentials]
    if credentials.kind is Kind.PROXY and found is not Invalid.DEACTIVATED:
        return await bring_up_to_date(credentials, found)
    return found if isinstance(found, Principal) else None


async def find_former_session() -> Principal | None:
    """Who was signed in until now, in a browser that signs in. A cookie that can't be used does not prevent that."""
    try:
        return await find_principal()
    except Problem:
        return None


def refuse_without_passwords() -> None:
    """Answer 403 where nobody signs in here."""
    refuse_without_accounts()
    if settings().auth == "proxy":
        raise Problem(HTTPStatus.FORBIDDEN, "People sign in at the proxy in front of stockstream, not here.")


def refuse_without_accounts() -> None:
    """Answer 403 where there are no accounts."""
    if settings().auth == "open":
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "There are no accounts here: everybody may read and change the stock. For accounts, set AUTH=login.",
        )
