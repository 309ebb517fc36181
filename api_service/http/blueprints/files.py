"""`/static`: the files of the pages; and `/service-worker.js`, which has this address to serve all others."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import Blueprint, Response
from quart_schema import hide

from api_service.http.compression import accepted_encoding, encoding_headers
from api_service.http.files import files
from api_service.http.pages import script_policy
from shared.web.problems import Problem

if TYPE_CHECKING:
    from api_service.http.files import File

blueprint = Blueprint("files", __name__)

_FOR_EVER = "public, max-age=31536000, immutable"  # the address has the version


@blueprint.get("/static/<version>/<path:name>")
@hide
async def send(version: str, name: str) -> Response:
    """A file of this version of the pages."""
    file = files().find(version, name)
    if file is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such file. After an update, load the page again.")
    return _send(file, _FOR_EVER)


@blueprint.get("/service-worker.js")
@hide
async def service_worker() -> Response:
    """The script that opens the dashboard without a network."""
    return _send(files().current("service-worker.js"), "no-cache")


def _send(file: File, cache_control: str) -> Response:
    encoding = accepted_encoding()
    headers = {
        "Cache-Control": cache_control,
        "Content-Security-Policy": script_policy(),
        **encoding_headers(encoding),
    }
    return Response(file.encoded(encoding), headers=headers, content_type=file.content_type)
