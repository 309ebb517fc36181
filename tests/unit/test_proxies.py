"""The client's address and scheme, as trusted proxies say."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest

from shared.process.settings import Settings
from shared.web.proxies import behind_proxies

TRUSTED = frozenset(map(ipaddress.ip_network, ("10.0.0.0/8", "2001:db8::/32")))
PROXY, OTHER_PROXY, CLIENT, STRANGER = "10.0.0.1", "10.0.0.2", "203.0.113.9", "198.51.100.1"


def seen(connected: str, *headers: tuple[str, str]) -> tuple[str, str]:
    """Return the client's address and the scheme that the app sees."""
    scopes: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": "http", "client": (connected, 1234), "scheme": "http", "headers": encoded}
    asyncio.run(behind_proxies(app, Settings(trusted_proxies=TRUSTED))(scope, None, None))
    return scopes[0]["client"][0], scopes[0]["scheme"]


X_FOR, X_PROTO = "X-Forwarded-For", "X-Forwarded-Proto"


@pytest.mark.parametrize(
    ("connected", "headers", "expected"),
    [
        (CLIENT, (), (CLIENT, "http")),
        (CLIENT, ((X_FOR, STRANGER), (X_PROTO, "https")), (CLIENT, "http")),  # not a proxy of ours
        (CLIENT, (("Forwarded", f"for={STRANGER};proto=https"),), (CLIENT, "http")),
        (PROXY, (), (PROXY, "http")),
        (PROXY, ((X_FOR, CLIENT), (X_PROTO, "https")), (CLIENT, "https")),
        (PROXY, ((X_PROTO, "https"),), (PROXY, "https")),
        (PROXY, ((X_PROTO, "javascript"), (X_FOR, CLIENT)), (CLIENT, "http")),
        (PROXY, ((X_FOR, f"{STRANGER}, {CLIENT}"),), (CLIENT, "http")),  # the client sent the first itself
        (PROXY, ((X_FOR, STRANGER), (X_FOR, CLIENT)), (CLIENT, "http")),
        (PROXY, ((X_FOR, f"{STRANGER}, {CLIENT}, {OTHER_PROXY}"),), (CLIENT, "http")),
        (PROXY, ((X_FOR, OTHER_PROXY),), (OTHER_PROXY, "http")),
        (PROXY, ((X_FOR, "unknown"),), (PROXY, "http")),
        (PROXY, ((X_FOR, f"{CLIENT}, unknown, {OTHER_PROXY}"),), (OTHER_PROXY, "http")),
        (PROXY, ((X_FOR, ""),), (PROXY, "http")),
        (PROXY, ((X_FOR, f"{CLIENT}:4711"),), (CLIENT, "http")),
        (PROXY, ((X_FOR, "[2001:DB9::1]:4711"),), ("2001:db9::1", "http")),
        (PROXY, ((X_FOR, "::ffff:203.0.113.9"),), (CLIENT, "http")),
        ("::ffff:10.0.0.1", ((X_FOR, CLIENT),), (CLIENT, "http")),
        ("2001:db8::5", ((X_FOR, CLIENT),), (CLIENT, "http")),
        (PROXY, ((X_FOR, ",".join([STRANGER] * 5_000) + f",{CLIENT}"),), (CLIENT, "http")),
        (PROXY, (("Forwarded", f"for={CLIENT};proto=https"),), (CLIENT, "https")),
        (PROXY, (("Forwarded", f"For={CLIENT};Proto=HTTPS;by={PROXY}"),), (CLIENT, "https")),
        (PROXY, (("Forwarded", f"for={STRANGER};proto=https, for={CLIENT}"),), (CLIENT, "http")),
        (PROXY, (("Forwarded", f"for={STRANGER}"), ("Forwarded", f"for={CLIENT}")), (CLIENT, "http")),
        (PROXY, (("Forwarded", f"for={CLIENT};proto=https, for={OTHER_PROXY};proto=http"),), (CLIENT, "https")),
        (PROXY, (("Forwarded", 'for="[2001:db9::1]:4711"'),), ("2001:db9::1", "http")),
        (PROXY, (("Forwarded", f'for={CLIENT};host="a;for={STRANGER}, for={STRANGER}"'),), (CLIENT, "http")),
        (PROXY, (("Forwarded", 'for="x'), ("Forwarded", f"for={CLIENT}")), (PROXY, "http")),
        (PROXY, (("Forwarded", "for=_hidden"),), (PROXY, "http")),
        (PROXY, (("Forwarded", f"for={CLIENT}"), (X_FOR, STRANGER)), (PROXY, "http")),  # one kind is the client's
        (PROXY, (("X_Forwarded_For", CLIENT),), (PROXY, "http")),
    ],
)
def test_only_trusted_proxies_are_believed(
    connected: str, headers: tuple[tuple[str, str], ...], expected: tuple[str, str]
) -> None:
    assert seen(connected, *headers) == expected


def test_without_proxies_the_app_is_not_wrapped() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    assert behind_proxies(app, Settings()) is app
