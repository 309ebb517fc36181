"""`/static`: the files of the pages."""

from __future__ import annotations

from http import HTTPStatus

from quart import Blueprint, Response
from quart_schema import hide

from api_service.http.compression import accepted_encoding, encoding_headers
from api_service.http.files import files
from api_service.http.pages import script_policy
from shared.web.problems import Problem

blueprint = Blueprint("files", __name__)

_FOR_EVER = "public, max-age=31536000, immutable"  # the address has the version


@blueprint.get("/static/<version>/<path:name>")
@hide
async def send(version: str, name: str) -> Response:
    """A file of this version of the pages."""
    file = files().find(version, name)
    if file is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such file. After an update, load the page again.")
    encoding = accepted_encoding()
    headers = {
        "Cache-Control": _FOR_EVER,
        "Content-Security-Policy": script_policy(),
        **encoding_headers(encoding),
    }
    return Response(file.encoded(encoding), headers=headers, content_type=file.content_type)
