"""Which host names a service answers.

Another site can make its own name resolve to this machine (DNS rebinding). Scripts of its pages could then read and
write here as if they were ours, but their requests still have the other site's name in `Host`.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.web.problems import Problem, send_problem

if TYPE_CHECKING:
    from shared.process.settings import Bind, Settings

HEALTH_PATHS = {"/healthz", "/readyz"}  # probes use addresses; these paths reveal nothing about the stock
ANY = "*"
LONGEST_NAME = 253
LONGEST_SHOWN = 100

_LABEL = "[0-9A-Za-z_-]{1,63}"
_HOST = re.compile(rf"(\[[0-9A-Fa-f:.]+\]|{_LABEL}(?:\.{_LABEL})*\.?)(:[0-9]{{1,5}})?", re.ASCII)


def gate(app: Any, settings: Settings, bind: Bind) -> Any:
    """ASGI middleware that answers 421 unless the request's `Host` is a name of this service.

    Its names are loopback names and `ALLOWED_HOSTS`. With accounts, they are also the bound address and the address at
    which the request arrived. The check comes before the framework, which fails on some malformed names.
    """

    @functools.lru_cache(maxsize=1024)
    def is_ours(header: str, local_address: str) -> bool:
        name = host_name(header)
        return name is not None and (
            is_loopback(name)
            or is_allowed(name, settings.allowed_hosts)
            or (settings.auth != "open" and name in {bind.host, local_address})
        )

    async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] not in HEALTH_PATHS:
            header = _host_header(scope["headers"])
            if not is_ours(header, (scope.get("server") or ("",))[0]):
                await _refuse(header, send)
                return
        await app(scope, receive, send)

    return asgi_app


def _host_header(headers: list[tuple[bytes, bytes]]) -> str:
    """The `Host` header of a request; empty if there is not exactly one."""
    found = [value for name, value in headers if name == b"host"]
    return found[0].decode("latin-1") if len(found) == 1 else ""


async def _refuse(header: str, send: Any) -> None:
    problem = Problem(
        HTTPStatus.MISDIRECTED_REQUEST,
        f'This service does not answer to the host name "{header[:LONGEST_SHOWN]}". If it should, add the name to the'
        " setting ALLOWED_HOSTS.",
    )
    await send_problem(problem, send)


def host_name(header: str) -> str | None:
    """The name or address in a `Host` header: lower case, without port, brackets or a final dot. None if malformed."""
    match = _HOST.fullmatch(header)
    name = match[1].lower().removesuffix(".").strip("[]") if match else ""
    return name if 0 < len(name) <= LONGEST_NAME else None


def is_loopback(name: str) -> bool:
    """Whether this is `localhost`, a name below it, or an address of the loopback network."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_allowed(name: str, allowed: frozenset[str]) -> bool:
    """Whether the setting allows this host: by its name, by a parent domain (`*.example.org`), or by `*`."""
    if name in allowed or ANY in allowed:
        return True
    labels = name.split(".")
    return any(f"*.{'.'.join(labels[index:])}" in allowed for index in range(1, len(labels)))
