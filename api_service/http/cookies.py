"""The cookie of a session, and what is noted of the browser that gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from shared.access.credentials import cookie_name
from shared.access.principals import SESSION_LIFETIME

if TYPE_CHECKING:
    from quart import Response


def set_cookie(response: Response, secret: str) -> Response:
    """Have the browser keep the secret of a session. Scripts of the page can't read it."""
    response.set_cookie(
        cookie_name(is_secure=request.is_secure),
        secret,
        max_age=SESSION_LIFETIME,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def remove_cookie(response: Response) -> Response:
    """Have the browser forget the session, and everything that it has kept of this site's answers."""
    response.delete_cookie(
        cookie_name(is_secure=request.is_secure), path="/", secure=request.is_secure, httponly=True, samesite="Lax"
    )
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def client_address() -> str:
    """The address of the client, seen through trusted proxies."""
    return request.remote_addr or ""


def client_software() -> str:
    """What the browser calls itself, as one line of printable characters."""
    agent: str = request.headers.get("User-Agent", "")
    return "".join(character for character in agent if character.isprintable())
