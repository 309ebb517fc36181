"""Settings of the API."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from shared.process.settings import Settings

_DURATION = re.compile(r"(\d{1,6})\s*(d|w|h)", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def _parse_duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip().lower())
    if match is None:
        raise ValueError("must be a number of hours, days or weeks, as in 90d")
    return int(match[1]) * _UNITS[match[2]]


def _parse_roles(value: object) -> object:
    """Roles by group, as in `stock-admins=admin staff=editor`."""
    if not isinstance(value, str):
        return value
    pairs = [part.rpartition("=") for part in value.replace(",", " ").split()]
    if not all(group and role in get_args(RoleName) for group, _, role in pairs):
        raise ValueError("must be groups and their roles, as in stock-admins=admin,staff=editor")
    return {group.lower(): role for group, _, role in pairs}


def _parse_site(value: object) -> object:
    """The URL of the first of these sites, which may be written without a scheme: `stock.example.org`."""
    if not isinstance(value, str):
        return value
    sites = value.replace(",", " ").split()
    if not sites:
        raise ValueError("must be a URL, as in https://stock.example.org")
    site = sites[0]
    url = site if "://" in site else f"https://{site}"
    return url.replace("://:", "://localhost:").rstrip("/")


RoleName = Literal["none", "viewer", "editor", "admin"]


class ApiSettings(Settings):
    """Settings of `api_service`."""

    events_url: str | None = Field(
        None,
        description="URL of the stream for the dashboard; unset: the page's host, at the port of `STREAM_BIND`",
        pattern=r"^(https?://[^\s]+|/[^\s]*)$",
    )
    auth_proxy_role: RoleName = Field(
        "viewer", description="With `AUTH=proxy`, the role of people who come for the first time: `none`, `viewer`, …"
    )
    auth_proxy_roles: Annotated[dict[str, RoleName], NoDecode, BeforeValidator(_parse_roles)] = Field(
        {}, description="With `AUTH_PROXY_GROUPS_HEADER`, roles by group: `stock-admins=admin,staff=editor`"
    )
    dashboard_url: Annotated[str | None, BeforeValidator(_parse_site)] = Field(
        None, description="URL of the dashboard, for links; unset: at `API_BIND`"
    )
    api_workers: int = Field(1, ge=1, le=64, description="Processes that share the port")
    api_pool_size: int = Field(
        10, ge=2, le=200, description="Database connections of each process, half of them for reading only"
    )
    api_drain_seconds: float = Field(
        10, ge=0, le=300, description="After SIGTERM, time for current requests to end (s)"
    )
    max_body_bytes: int = Field(65_536, ge=1024, description="Maximum size of a request body")
    body_seconds: float = Field(60, gt=0, description="Maximum time for a request body to arrive (s)")
    max_import_bytes: int = Field(16 * 2**20, ge=1024, description="Maximum size of an imported file")
    max_import_rows: int = Field(200_000, ge=1, description="Maximum rows of an imported file")
    history_retention: Annotated[timedelta | None, BeforeValidator(_parse_duration)] = Field(
        None,
        ge=timedelta(days=1),
        description="How long the log is kept: days (`90d`), weeks (`w`) or hours (`h`), at least `1d`; unset: forever",
    )
