"""Settings, read once from the environment. An invalid setting stops the start with one clear line."""

from __future__ import annotations

import ipaddress
import re
import sys
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Bind(NamedTuple):
    """The address that a service listens on."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def reachable_host(self) -> str:
        """The host to connect to from this machine: loopback for a wildcard address."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def url(self) -> str:
        return f"http://{Bind(self.reachable_host, self.port)}"


def _parse_bind(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, _, port = value.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("must be <host>:<port>, as in 127.0.0.1:8000")
    return Bind(host.removeprefix("[").removesuffix("]"), int(port))


def _check_database_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("must start with postgresql://")
    return value


_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://")
_HEADER = r"^[0-9A-Za-z-]{1,100}$"
_ALLOWED_HOST = re.compile(r"\*|(\*\.)?[0-9a-z_-]+(\.[0-9a-z_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*")


def _split(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _parse_networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return frozenset(ipaddress.ip_network(part) for part in value.replace(",", " ").split())
    except ValueError:
        raise ValueError("must be networks separated by commas, as in 10.0.0.0/8,192.0.2.7/32") from None


def _parse_hosts(value: object) -> object:
    """Parse host names and URLs, which stand for their host name. A URL without one (`http://:8080`) is ignored."""
    if not isinstance(value, str):
        return value
    hosts = {_host_of(part) for part in value.lower().replace(",", " ").split()} - {""}
    for host in hosts:
        if not _ALLOWED_HOST.fullmatch(host):
            raise ValueError("must be host names separated by commas, as in stock.example.org,*.example.net")
    return frozenset(hosts)


def _host_of(site: str) -> str:
    rest = _SCHEME.sub("", site).partition("/")[0]
    if rest.startswith("["):
        return rest[1:].partition("]")[0]
    name, _, port = rest.rpartition(":")
    return (name if port.isdigit() and ":" not in name else rest).removesuffix(".")


Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Auth = Literal["open", "login", "proxy"]
BindAddress = Annotated[Bind, NoDecode, BeforeValidator(_parse_bind)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_check_database_url)]


class Settings(BaseSettings):
    """Settings of both services. The environment variable is the field's name in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    database_url: DatabaseUrl | None = Field(
        None, description="PostgreSQL to use; unset: the embedded one in `DATA_DIR`"
    )
    data_dir: Path = Field(Path(".data"), description="Where the embedded PostgreSQL keeps its data")
    api_bind: BindAddress = Field(Bind("127.0.0.1", 8000), description="Address of the API and the dashboard")
    stream_bind: BindAddress = Field(Bind("127.0.0.1", 8001), description="Address of the event stream")
    auth: Auth = Field(
        "open",
        description="Who may use it: `open` (everybody who reaches it), `login` (accounts) or `proxy` (those whom a"
        " proxy names); see docs/SECURITY.md",
    )
    gateway_site: str | None = Field(
        None, description="The site of the gateway. With it, `AUTH` must be set, so that nobody publishes an open stock"
    )
    trusted_proxies: Annotated[frozenset[Network], NoDecode, BeforeValidator(_parse_networks)] = Field(
        frozenset(),
        description="Networks of the proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and `AUTH_PROXY_HEADER` are"
        " believed: `10.0.0.0/8,192.0.2.7/32`",
    )
    auth_proxy_header: str = Field(
        "Remote-User", pattern=_HEADER, description="With `AUTH=proxy`, the header with the name of the person"
    )
    auth_proxy_groups_header: str | None = Field(
        None,
        pattern=_HEADER,
        description="With `AUTH=proxy`, the header with the person's groups (`Remote-Groups`)",
    )
    allowed_hosts: Annotated[frozenset[str], NoDecode, BeforeValidator(_parse_hosts)] = Field(
        frozenset(),
        description="Host names to answer to besides loopback names: `stock.example.org`, `*.example.org`, or `*` for"
        " any",
    )
    allowed_origins: Annotated[frozenset[str], NoDecode, BeforeValidator(_split)] = Field(
        frozenset(),
        description="Origins whose pages may subscribe and change the stock, separated by commas; unset: the"
        " dashboard's own",
    )
    max_header_bytes: int = Field(16_384, ge=1024, description="Maximum size of the request line and headers")
    idle_seconds: float = Field(
        20, gt=0, description="Maximum time between two requests of a connection, and for request headers to arrive (s)"
    )
    log_format: Literal["console", "json"] = Field("console", description="`console` or `json` lines")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Minimum level to log: `debug`, `info`, `warning` or `error`"
    )

    @model_validator(mode="after")
    def _require_a_choice(self) -> Self:
        if self.gateway_site is not None and "auth" not in self.model_fields_set:
            raise ValueError(
                "GATEWAY_SITE is set: choose AUTH=login (people sign in) or AUTH=open (everybody who reaches the site"
                " may change the stock)"
            )
        if self.auth == "proxy" and not self.trusted_proxies:
            raise ValueError("AUTH=proxy needs TRUSTED_PROXIES: else anybody could send the name of somebody")
        if self.auth != "open" and "*" in self.allowed_origins:
            raise ValueError("with accounts, ALLOWED_ORIGINS must name each origin: * would let every site read")
        return self


AnySettings = TypeVar("AnySettings", bound=Settings)


def load(kind: type[AnySettings]) -> AnySettings:
    """Read the settings from the environment, or exit with a line for each invalid one. Values are not shown."""
    try:
        return kind()
    except ValidationError as error:
        for fault in error.errors(include_input=False):
            name = str(fault["loc"][0]).upper() if fault["loc"] else "AUTH"
            print(f"stockstream: {name}: {fault['msg'].removeprefix('Value error, ')}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
