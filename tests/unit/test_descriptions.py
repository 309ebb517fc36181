"""The OpenAPI document of the API is valid and complete."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from quart_schema.openapi import PATH_RE
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from api_service.app import create_app
from api_service.settings import ApiSettings
from shared.web.schemas import VERSION
from tests.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quart import Quart

# Pages and files that the document leaves out, including itself.
PAGES = {"/", "/accounts", "/setup", "/labels", "/docs", "/openapi.json", "/static/{name}"}
PAGES |= {"/manifest.webmanifest", "/service-worker.js"}


@pytest.fixture(scope="module")
def app() -> Quart:
    return create_app(ApiSettings())


@pytest.fixture
async def openapi(app: Quart) -> dict[str, Any]:
    response = await app.test_client().get("/openapi.json")
    document: dict[str, Any] = await response.get_json()
    return document


def operations(openapi: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def resolve(openapi: dict[str, Any], part: Any) -> Any:
    if "$ref" in part:
        for step in part["$ref"].removeprefix("#/").split("/"):
            openapi = openapi[step]
        return openapi
    return part


def media(openapi: dict[str, Any], operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the media type of every request and response body of an operation."""
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for response in operation["responses"].values():
        yield from resolve(openapi, response).get("content", {}).values()


def test_it_is_openapi_3_1(openapi: dict[str, Any]) -> None:
    assert [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(openapi)] == []


def test_every_route_is_documented_with_its_methods(app: Quart, openapi: dict[str, Any]) -> None:
    for rule in app.url_map.iter_rules():
        path = PATH_RE.sub(r"{\1}", rule.rule)
        if path not in PAGES:
            assert (rule.methods or set()) - {"HEAD", "OPTIONS"} <= {m.upper() for m in openapi["paths"][path]}, path
    assert set(openapi["paths"]).isdisjoint(PAGES)


def test_every_operation_has_a_title_a_unique_id_and_a_tag(openapi: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in openapi["tags"]}
    for name, operation in operations(openapi):
        assert operation["summary"].strip(), name
        assert set(operation["tags"]) <= tags, name
    names = [operation["operationId"] for _, operation in operations(openapi)]
    assert len(names) == len(set(names))


def test_every_error_is_a_problem(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi):
        errors = [status for status in operation["responses"] if status[0] in "45"]
        assert errors or not name.startswith(("GET /api", "P", "D")), name
        for status in errors:
            assert list(resolve(openapi, operation["responses"][status])["content"]) == ["application/problem+json"], (
                name
            )


def test_every_body_of_json_has_an_example_and_every_example_fits(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi):
        for content in media(openapi, operation):
            assert "example" in content, name
            if not isinstance(content["example"], str):
                schema = {**content["schema"], "components": openapi["components"]}
                jsonschema_rs.validate(schema, content["example"], validate_formats=True)


def test_the_document_has_the_version_of_the_project() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
