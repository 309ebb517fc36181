"""The real client of a request that came through trusted proxies."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from shared.process.settings import Network, Settings

SCHEMES = {"http", "https"}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FORWARDED_PAIR = re.compile(rf'[ \t]*({_NAME})=(?:({_NAME})|"((?:[^"\\]|\\.)*)")[ \t]*([;,]|$)')
_WITH_PORT = re.compile(r"\[([0-9a-f:.]+)\](?::\d+)?|([0-9.]+):\d+", re.IGNORECASE)


class Hop(NamedTuple):
    """What a proxy says of a request: the address that sent it, and the scheme that it was sent with."""

    address: str
    scheme: str | None


def behind_proxies(app: Any, settings: Settings) -> Any:
    """ASGI middleware that believes trusted proxies: the client's address and scheme, and who the client is.

    The headers that say who the client is are removed from everybody else's requests. Other spellings of them, which
    some servers take for the same header, are removed from all requests.
    """
    trusted = settings.trusted_proxies
    identity = {
        name.lower().encode() for name in (settings.auth_proxy_header, settings.auth_proxy_groups_header) if name
    }

    def is_kept(name: bytes, *, is_trusted: bool) -> bool:
        return name.replace(b"_", b"-") not in identity or (is_trusted and name in identity)

    async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        is_trusted = is_in(peer(scope), trusted)
        changed: dict[str, Any] = {
            "headers": [each for each in scope["headers"] if is_kept(each[0], is_trusted=is_trusted)]
        }
        client = last_untrusted(read_hops(scope["headers"], peer(scope)), trusted) if is_trusted else None
        if client is not None:
            changed |= {"client": (client.address, 0), "scheme": client.scheme or scope["scheme"]}
        await app({**scope, **changed}, receive, send)

    return asgi_app if trusted else app


def peer(scope: Any) -> str:
    """The address at the other end of the connection."""
    return str((scope.get("client") or ("",))[0])


def last_untrusted(hops: list[Hop], trusted: frozenset[Network]) -> Hop | None:
    """The client: the last hop whose address is not that of a trusted proxy.

    Anybody could have sent what stands before it. Where an address is malformed, the client is the proxy after it. None
    if there is nothing to believe.
    """
    client = None
    for hop in reversed(hops):
        address = parse_address(hop.address)
        if address is None:
            break
        client = Hop(str(address), hop.scheme)
        if not is_in(client.address, trusted):
            break
    return client


def read_hops(headers: list[tuple[bytes, bytes]], connected: str) -> list[Hop]:
    """Read `X-Forwarded-For` and `X-Forwarded-Proto`, or else `Forwarded` (RFC 7239), from the proxy that is connected.

    A proxy sets one kind and may pass the other on as the client sent it. So if both are there, neither is believed.
    """
    addresses = _list(headers, b"x-forwarded-for")
    schemes = _list(headers, b"x-forwarded-proto")
    forwarded = [value.decode("latin-1") for name, value in headers if name == b"forwarded"]
    if forwarded:
        return [] if addresses or schemes else _parse_forwarded(forwarded)
    scheme = schemes[-1] if schemes and schemes[-1] in SCHEMES else None
    return [Hop(address, scheme) for address in addresses or [connected]]


def _parse_forwarded(lines: list[str]) -> list[Hop]:
    """The hops of `Forwarded` headers. Nothing is believed if one is malformed."""
    elements: list[dict[str, str]] = []
    for line in lines:
        elements.append({})
        position = 0
        while position < len(line):
            pair = _FORWARDED_PAIR.match(line, position)
            if pair is None:
                return []
            elements[-1][pair[1].lower()] = (pair[2] or pair[3] or "").lower()
            position = pair.end()
            if pair[4] == ",":
                elements.append({})
    return [Hop(each.get("for", ""), each["proto"] if each.get("proto") in SCHEMES else None) for each in elements]


def is_in(address: str, networks: frozenset[Network]) -> bool:
    """Whether this is an address of one of these networks."""
    parsed = parse_address(address)
    return parsed is not None and any(parsed in network for network in networks)


def parse_address(text: str) -> Address | None:
    """The IP address in this text, which may have a port. An IPv4 address within IPv6 becomes IPv4."""
    match = _WITH_PORT.fullmatch(text)
    try:
        parsed = ipaddress.ip_address((match[1] or match[2]) if match else text)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _list(headers: list[tuple[bytes, bytes]], wanted: bytes) -> list[str]:
    """The values of a header that may be repeated, each of which may be a list."""
    values = (value.decode("latin-1") for name, value in headers if name == wanted)
    return [part.strip().lower() for value in values for part in value.split(",")]
