"""Cross-site requests: only pages of this service and of allowed origins may change anything, or use a session.

A page of another site can make a browser send any request that needs no preflight, with the rights of the browser's
user (from a cookie, or from access to this network). The browser names the origin of such a request in its headers.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from quart import request

from shared.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
OWN_SITES = {"same-origin", "none"}  # values of Sec-Fetch-Site; none: started by the person, as with a bookmark
DEFAULT_PORTS = {"http": 80, "https": 443}


def refuse_other_sites(allowed_origins: AbstractSet[str]) -> None:
    """Answer 403 to a write that a page of another site has caused.

    `Sec-Fetch-Site` decides. Browsers do not send it over plain HTTP, so there `Origin` is compared with `Host`.
    Other clients send neither header, and may write.
    """
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site in OWN_SITES or (site is None and origin is None) or origin in allowed_origins:
        return
    if site is None and origin is not None and is_same_host(origin, request.headers.get("Host", "")):
        return
    raise Problem(
        HTTPStatus.FORBIDDEN,
        f"A page of another site ({origin or site}) may not change anything here. If it should, add its origin to the"
        " setting ALLOWED_ORIGINS.",
    )


def is_foreign(origin: str | None, host: str, allowed_origins: AbstractSet[str]) -> bool:
    """Whether a request with these headers is from a page that may not use a session. None: not from a page."""
    return origin is not None and origin not in allowed_origins and not is_same_host(origin, host)


def is_same_host(origin: str, host: str) -> bool:
    """Whether an origin has the same host and port as this `Host` header. A proxy may have removed TLS."""
    try:
        own = urlsplit(origin)
        asked = urlsplit(f"{own.scheme}://{host}")
        default = DEFAULT_PORTS[own.scheme]
        return own.hostname == asked.hostname and (own.port or default) == (asked.port or default)
    except (KeyError, ValueError):  # not the origin of a page, or an invalid port
        return False
