"""Declares what an operation takes and answers, which determines validation and the OpenAPI document."""

from __future__ import annotations

import functools
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from quart import request
from quart_schema import document

from api_service.http.requests import read_body, read_headers, read_query, refuse_parameters
from shared.web.problems import Problem, document_problems

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import BaseModel
    from quart import Response

    Handler = Callable[..., Awaitable[Response]]

JSON = "application/json"


def operation(
    answer: Any,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    headers: type[BaseModel] | None = None,
    answer_headers: type[BaseModel] | None = None,
    other: HTTPStatus | None = None,
    problems: tuple[HTTPStatus, ...] = (),
) -> Callable[[Handler], Handler]:
    """Validate requests, and pass their contents to the handler as ``query``, ``body`` and ``headers``.

    A body that is not JSON is not read: the handler reads it in chunks. ``other`` is another status code of the answer.
    ``problems`` are status codes beyond those that follow from the parameters, the body and the headers.
    """
    media_type = getattr(body, "media_type", JSON)

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def read_and_handle(**arguments: Any) -> Response:
            if headers is not None:
                arguments["headers"] = read_headers(headers)
            if query is None:
                refuse_parameters()
            else:
                arguments["query"] = read_query(query)
            if body is not None:
                if request.mimetype != media_type:
                    raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body must be {media_type}.")
                if media_type == JSON:
                    arguments["body"] = await read_body(body)
            return await handler(**arguments)

        responses: dict[int, Any] = {
            each.value: (answer, answer_headers) for each in (status, other) if each is not None
        }
        describe = document(querystring=query, request=body, headers=headers, responses=responses)
        described: Handler = describe(document_problems(*problems)(read_and_handle))
        return described

    return decorate
