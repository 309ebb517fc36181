"""`/openapi.json`: the documentation of each handler, and what all of them have in common."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from quart_schema import Info, OpenAPIProvider, QuartSchema
from quart_schema.openapi import Tag
from werkzeug.routing import IntegerConverter

from api_service.http.access import Need, need_of
from api_service.http.headers import Refused, Unavailable
from api_service.http.models import ProblemDocument
from shared.access.credentials import COOKIE, SECURE_COOKIE
from shared.log.documents import MAX_ID
from shared.web.origins import SAFE_METHODS
from shared.web.problems import MEDIA_TYPE, documented_problems
from shared.web.schemas import VERSION, json_schema, named_schema, without_absent

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel
    from quart import Quart
    from quart_schema.validation import DataSource
    from werkzeug.routing import BaseConverter, Rule

Document = dict[str, Any]

DESCRIPTION = """\
The stock, and the history of its changes.

Errors are `application/problem+json` (RFC 9457). Times are RFC 3339, in UTC. Undocumented input is refused: unknown
fields, unknown parameters, numbers written as text. The stream of events has its own address, and is described there at
`/asyncapi.json`.

With `AUTH=login`, send a token as `Authorization: Bearer sst_…`. With `AUTH=open`, there are no accounts."""
TAGS = {
    "Items": "The stock, as it is and as it was",
    "History": "Who changed what, and when",
    "Import and export": "The stock as CSV",
    "Locations": "Where the stock is",
    "Movements": "Changes of quantities that belong together, and the reason for them",
    "Low stock": "Items below their minimum",
    "Labels": "Labels to print",
    "Trends": "Quantities over time",
    "Access": "Accounts, sessions and tokens, with `AUTH=login`",
    "Operation": "Health and metrics, for operators",
}

PROBLEMS = {
    HTTPStatus.BAD_REQUEST: "The body or a header is malformed",
    HTTPStatus.UNAUTHORIZED: "Nobody is signed in, or the session or the token is not valid any more",
    HTTPStatus.FORBIDDEN: "The account does not have the role that this needs, or a page of another site sent this",
    HTTPStatus.NOT_FOUND: "There is nothing with this id",
    HTTPStatus.REQUEST_TIMEOUT: "The body took too long to arrive",
    HTTPStatus.CONFLICT: "The current state does not allow the change; nothing was changed",
    HTTPStatus.GONE: "The log does not reach back that far",
    HTTPStatus.PRECONDITION_FAILED: "The item has another version; nothing was changed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body does not have the documented media type",
    HTTPStatus.MISDIRECTED_REQUEST: "The service does not answer to this host name",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A field or parameter is invalid; `errors` names it, and nothing was changed",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many attempts to sign in have failed",
    HTTPStatus.INTERNAL_SERVER_ERROR: "An unexpected error occurred, and was logged",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database can't be reached or written to now, or the server is busy",
}
PROBLEM_HEADERS: dict[HTTPStatus, type[BaseModel]] = {
    HTTPStatus.CONFLICT: Refused,
    HTTPStatus.PRECONDITION_FAILED: Refused,
    HTTPStatus.TOO_MANY_REQUESTS: Unavailable,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
}
SECURITY_SCHEMES: Document = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of an account: `Authorization: Bearer sst_…`",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"What `POST /api/session` sets. Over TLS its name is `{SECURE_COOKIE}`",
    },
}
SECURITY: list[Document] = [{"token": []}, {"session": []}]
BODY_PROBLEMS = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}
API_PROBLEMS = {
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
}


def describe(app: Quart) -> None:
    """Prepare the OpenAPI document of this app. blueprints/documentation.py serves it."""
    make_response, json_provider = app.make_response, app.json
    QuartSchema(
        app,
        openapi_path=None,
        info=Info(title="stockstream", version=VERSION, description=DESCRIPTION),
        tags=[Tag(name=name, description=description) for name, description in TAGS.items()],
        openapi_provider_class=Provider,
    )
    # Undo quart-schema's conversion of models: our handlers return responses, and it would cost 11 us for each.
    app.make_response, app.json = make_response, json_provider  # type: ignore[method-assign]


def document(app: Quart) -> str:
    """The OpenAPI document as JSON. It is generated once, since an app gets no new routes."""
    if "openapi" not in app.extensions:
        schema: QuartSchema = app.extensions["QUART_SCHEMA"]
        app.extensions["openapi"] = json.dumps(schema.openapi_provider.schema())
    text: str = app.extensions["openapi"]
    return text


class Provider(OpenAPIProvider):
    """quart-schema's provider, with problems, headers, media types other than JSON, and examples."""

    def schema(self) -> Document:
        document = super().schema()
        _, models = _published(ProblemDocument)
        document["components"]["responses"] = {status.name: _problem(status) for status in PROBLEMS}
        document["components"]["schemas"] |= models
        document["components"]["securitySchemes"] = SECURITY_SCHEMES
        return document

    def operation_id(self, method: str, path: str, func: Callable[..., Any]) -> str:  # noqa: ARG002
        return func.__name__

    def build_paths(self, rule: Rule) -> tuple[Document, Document]:
        paths, components = super().build_paths(rule)
        handler = self._app.view_functions[rule.endpoint]
        for path, operations in paths.items():
            for method, operation in operations.items():
                stated = documented_problems(handler)
                if method.upper() not in SAFE_METHODS:
                    stated = stated | {HTTPStatus.FORBIDDEN}
                if need_of(rule.endpoint, handler, method.upper()) is not Need.NOTHING:
                    stated = stated | {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
                    operation["security"] = SECURITY
                self._complete(path, operation, stated)
        return paths, components

    def _complete(self, path: str, operation: Document, stated: set[HTTPStatus]) -> None:
        operation["description"] = operation.get("description", "").strip()
        headers = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
        responses = {str(status): response for status, response in operation["responses"].items()}
        if "If-None-Match" in headers:
            responses["304"] = _not_modified(responses["200"])
        for status in sorted(stated | _implied_problems(path, operation, headers)):
            responses[str(status.value)] = {"$ref": f"#/components/responses/{status.name}"}
        operation["responses"] = responses

    def build_path_parameter(self, name: str, converter: BaseConverter) -> Document:
        parameter = super().build_path_parameter(name, converter)
        if isinstance(converter, IntegerConverter):
            parameter["schema"] |= {"format": "int64", "minimum": 1, "maximum": MAX_ID, "examples": [7]}
        return parameter

    def build_querystring_parameters(self, model: Any) -> tuple[list[Document], Document]:
        return _parameters(model, "query")

    def build_headers_parameters(self, model: Any) -> tuple[list[Document], Document]:
        return _parameters(model, "header")

    def build_request_body(self, model: Any, source: DataSource) -> tuple[Document, Document]:  # noqa: ARG002
        schema, models = named_schema(model, "validation")
        return {"required": True, "content": _content(model, schema, models)}, models

    def build_response_object(self, model: Any, headers_model: Any | None) -> tuple[Document, Document]:
        if model is None:
            return {"description": "It is done. The answer has no body"}, {}
        schema, models = _published(model)
        response: Document = {"description": _docstring(model), "content": _content(model, schema, models)}
        if headers_model is not None:
            response["headers"] = _headers(headers_model)
        return response, models


def _published(model: Any) -> tuple[Document, Document]:
    """The schema of an answer. A field without a value is absent, not null."""
    schema, models = named_schema(model, "serialization")
    return without_absent(schema), {name: without_absent(part) for name, part in models.items()}


def _parameters(model: Any, place: str) -> tuple[list[Document], Document]:
    schema, models = json_schema(model, "validation")
    fields = without_absent(schema)["properties"]
    return [_parameter(name, place, field) for name, field in fields.items()], models


def _parameter(name: str, place: str, schema: Document) -> Document:
    description = schema.pop("description", None)
    return {"name": name, "in": place, "schema": schema} | ({"description": description} if description else {})


def _headers(model: Any) -> Document:
    schema = without_absent(json_schema(model, "serialization")[0])
    required = schema.get("required", [])
    return {
        name: {"description": field.pop("description"), "required": name in required, "schema": field}
        for name, field in schema["properties"].items()
    }


def _content(model: Any, schema: Document, models: Document) -> Document:
    """The content by media type. A model with a media type other than JSON has an example of its own."""
    content = {"schema": schema, "example": getattr(model, "example", _example(schema, models))}
    return {getattr(model, "media_type", "application/json"): content}


def _example(schema: Document, models: Document) -> Any:
    if "$ref" in schema:
        schema = models[schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "array":
        return [_example(schema["items"], models)]
    return next(iter(schema.get("examples", [])), None)


def _docstring(model: Any) -> str:
    """The docstring of a model, or for a list, of its items."""
    described = next(iter(getattr(model, "__args__", [])), model)
    return " ".join((described.__doc__ or "").split())


def _implied_problems(path: str, operation: Document, headers: set[str]) -> set[HTTPStatus]:
    """The problems that follow from the path, the body and the headers of an operation."""
    statuses = set(API_PROBLEMS if path.startswith("/api/") else ())
    if "requestBody" in operation:
        statuses |= BODY_PROBLEMS
    if any(parameter["in"] == "path" for parameter in operation["parameters"]):
        statuses.add(HTTPStatus.NOT_FOUND)
    if headers & {"X-Actor", "Idempotency-Key"}:
        statuses.add(HTTPStatus.BAD_REQUEST)
    if "If-Match" in headers:
        statuses.add(HTTPStatus.PRECONDITION_FAILED)
    return statuses


def _not_modified(response: Document) -> Document:
    headers = {name: header for name, header in response.get("headers", {}).items() if name != "Link"}
    return {"description": "The client already has the current version", "headers": headers}


def _problem(status: HTTPStatus) -> Document:
    detail = f"{PROBLEMS[status]}."
    example = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail, "error": detail}
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    response: Document = {
        "description": PROBLEMS[status],
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }
    if status in PROBLEM_HEADERS:
        response["headers"] = _headers(PROBLEM_HEADERS[status])
    return response
