"""The pages of the dashboard, and the Content-Security-Policy of what they load."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from quart import Response, render_template, request

from api_service.http.compression import accepted_encoding, compress, encoding_headers
from api_service.http.files import files
from api_service.http.languages import languages
from api_service.http.services import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = re.compile(r"([0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?")  # only such hosts may enter the policy

INDENTATION = re.compile(r"\n\s+")  # means nothing in these templates, so it is not sent

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

# A worker's script has the policy that it was served with, not that of the page.
SCRIPT_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


async def page(name: str, language: str | None = None) -> Response:
    """A page of the frontend with its policy, in this language, or else in that of its reader."""
    response = await document(name, "text/html; charset=utf-8", language)
    response.headers["Content-Security-Policy"] = content_security_policy(events_url())
    return response


async def document(name: str, content_type: str, language: str | None = None) -> Response:
    """A template of the frontend in this language, or else in that of its reader."""
    language = language or languages().choose()
    text = await render_template(
        name,
        events_url=events_url(),
        auth=settings().auth,
        files=files(),
        language=language,
        languages=languages().names,
        text=functools.partial(languages().text, language),
    )
    encoding = accepted_encoding()
    headers = {"Content-Language": language, "Cache-Control": "no-cache", **encoding_headers(encoding)}
    body = compress(INDENTATION.sub("\n", text).encode(), encoding)
    response = Response(body, headers=headers, content_type=content_type)
    response.vary.update(("Accept-Language", "Cookie"))
    return response


def dashboard_url() -> str:
    """The URL of the dashboard, for what is read elsewhere: DASHBOARD_URL, or else where the request was sent."""
    return settings().dashboard_url or f"{request.scheme}://{request.host}"


def script_policy() -> str:
    """The Content-Security-Policy of scripts that run as workers."""
    return content_security_policy(events_url(), SCRIPT_POLICY)


def events_url() -> str:
    """The URL that the page subscribes to: EVENTS_URL, or the stream's port on the host that the page came from."""
    set_url = settings().events_url
    if set_url is not None:
        return set_url
    asked_for = HOST.fullmatch(request.host)
    bind = settings().stream_bind
    host = asked_for[1] if asked_for else bind.reachable_host
    return f"http://{host}:{bind.port}/events"


def content_security_policy(url: str, policy: Mapping[str, str] = POLICY) -> str:
    """A policy that allows this origin, and connections to the origin of the events."""
    parts = urlsplit(url)
    events_origin = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return "; ".join(f"{name} {value}" for name, value in {**policy, "connect-src": f"'self'{events_origin}"}.items())
