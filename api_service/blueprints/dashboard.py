"""`/`: the dashboard, and its files at `/static`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from quart import Blueprint, Response, current_app, render_template, request
from quart_schema import hide
from werkzeug.exceptions import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

blueprint = Blueprint("dashboard", __name__)

LONGEST_FILE_NAME = 255
HOST = re.compile(r"([0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?")  # it goes into a header: nothing else may

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "stockstream-worker",
    "worker-src": "'self'",
}

# A script that runs as a worker has the policy that it came with, not the page's.
SCRIPT_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


@blueprint.get("/")
@hide
async def index() -> Response:
    """The dashboard."""
    return await page("index.html")


async def page(name: str) -> Response:
    """A page of the frontend, under the strict policy of all of them."""
    url = events_url()
    text = await render_template(name, events_url=url)
    headers = {"Content-Security-Policy": content_security_policy(url), "Cache-Control": "no-cache"}
    return Response(text, headers=headers, content_type="text/html; charset=utf-8")


@blueprint.app_url_value_preprocessor
def refuse_long_names(endpoint: str | None, values: dict[str, str] | None) -> None:
    """No file of ours has such a name, and looking for it would be an error of the file system's."""
    if endpoint == "static" and values and len(values["filename"].encode()) > LONGEST_FILE_NAME:
        raise NotFound


def script_policy() -> str:
    """The Content-Security-Policy of the page's files."""
    return content_security_policy(events_url(), SCRIPT_POLICY)


def events_url() -> str:
    """Where the page finds the events: as set, else on the host that the page was asked for, at the stream's port."""
    settings = current_app.extensions["settings"]
    if settings.events_url is not None:
        return str(settings.events_url)
    asked_for = HOST.fullmatch(request.host)
    host = asked_for[1] if asked_for else settings.stream_bind.reachable_host
    return f"http://{host}:{settings.stream_bind.port}/events"


def content_security_policy(url: str, policy: Mapping[str, str] = POLICY) -> str:
    """Everything from this origin, and the events from theirs."""
    parts = urlsplit(url)
    events_origin = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return "; ".join(f"{name} {value}" for name, value in {**policy, "connect-src": f"'self'{events_origin}"}.items())
