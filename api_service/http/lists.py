"""Lists in pages, each with a `Link` to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from quart import Response, request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Row = TypeVar("Row")


def json_page(
    rows: Sequence[Row], limit: int | None, *, document: Callable[[Row], str], after: Callable[[Row], str]
) -> Response:
    """A page of at most ``limit`` rows, as a JSON array. If there are more rows, `Link` leads to the next page."""
    page = rows[:limit]
    response = Response(f"[{','.join(map(document, page))}]", content_type="application/json")
    if len(rows) > len(page):
        response.headers["Link"] = _next(after(page[-1]))
    return response


def _next(after: str) -> str:
    parameters = [(name, value) for name, value in request.args.items(multi=True) if name != "after"]
    return f'<{request.path}?{urlencode([*parameters, ("after", after)])}>; rel="next"'
