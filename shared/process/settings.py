"""Settings, read once from the environment. An invalid setting stops the start with one clear line."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
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
_ALLOWED_HOST = re.compile(r"\*|(\*\.)?[0-9a-z_-]+(\.[0-9a-z_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*")


def _split(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


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
    allowed_hosts: Annotated[frozenset[str], NoDecode, BeforeValidator(_parse_hosts)] = Field(
        frozenset(),
        description="Host names to answer to besides loopback names and the bound address: `stock.example.org`,"
        " `*.example.org`, or `*` for any",
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


AnySettings = TypeVar("AnySettings", bound=Settings)


def load(kind: type[AnySettings]) -> AnySettings:
    """Read the settings from the environment, or exit with a line for each invalid one. Values are not shown."""
    try:
        return kind()
    except ValidationError as error:
        for fault in error.errors(include_input=False):
            name = str(fault["loc"][0]).upper()
            print(f"stockstream: {name}: {fault['msg'].removeprefix('Value error, ')}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
