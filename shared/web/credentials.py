"""The credentials of the current request."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import request

from shared.access.credentials import CredentialsError, Kind, parse_credentials, parse_proxy_credentials
from shared.web.origins import is_foreign
from shared.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from shared.access.credentials import Credentials
    from shared.process.settings import Settings


def read_credentials(settings: Settings, own_origins: AbstractSet[str]) -> Credentials | None:
    """The credentials of the current request; None if it has none. Raises a 401 problem.

    What a browser sends by itself counts only for our own pages, which are those of the requested host and of these
    origins.
    """
    headers = request.headers
    authorization = headers.getlist("Authorization")
    try:
        if settings.auth == "proxy":
            found = parse_proxy_credentials(authorization, headers.getlist(settings.auth_proxy_header))
        else:
            found = parse_credentials(authorization, headers.getlist("Cookie"), is_secure=request.scheme == "https")
    except CredentialsError as error:
        raise unauthorized(f"The credentials can't be used: {error}.") from None
    origin = headers.get("Origin")
    is_automatic = found is not None and found.kind is not Kind.TOKEN
    if is_automatic and is_foreign(origin, headers.get("Host", ""), own_origins):
        raise unauthorized(
            f"A page of {origin} may not use the session. Add its origin to the setting ALLOWED_ORIGINS."
        )
    return found


def unauthorized(detail: str) -> Problem:
    """A 401 problem."""
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": 'Bearer realm="stockstream"'})


def not_signed_in(credentials: Credentials | None, settings: Settings) -> Problem:
    """The 401 problem for a request whose credentials are missing or not valid."""
    if credentials is not None:
        what = "account" if credentials.kind is Kind.PROXY else credentials.kind
        return unauthorized(f"The {what} is unknown, expired or revoked.")
    if settings.auth == "proxy":
        return unauthorized(
            f"You are not signed in: the proxy has sent no {settings.auth_proxy_header}, or is not in TRUSTED_PROXIES."
        )
    return unauthorized("You are not signed in. Sign in on the page, or send a token as `Authorization: Bearer sst_…`.")
