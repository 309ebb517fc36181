"""JSON Schemas of models, as both services publish them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, RootModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

VERSION = "0.1.0"  # in the documents of both services, and in pyproject.toml
NULL = {"type": "null"}
REFERENCE = "#/components/schemas/{model}"


Schema = dict[str, Any]
Schemas = dict[str, Schema]
Mode = Literal["validation", "serialization"]


class Generator(GenerateJsonSchema):
    """pydantic's generator, without titles that repeat names, and with everything in the order of the source."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002
        return False

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:  # noqa: ARG002
        return value


def json_schema(model: Any, mode: Mode) -> tuple[Schema, Schemas]:
    """The schema of what we receive (validation) or send (serialization), and those of the models it refers to."""
    schema = TypeAdapter(model).json_schema(mode=mode, ref_template=REFERENCE, schema_generator=Generator)
    return schema, schema.pop("$defs", {})


def named_schema(model: Any, mode: Mode) -> tuple[Schema, Schemas]:
    """Like json_schema(), but a model with fields is a reference, too."""
    schema, models = json_schema(model, mode)
    if not isinstance(model, type) or not issubclass(model, BaseModel) or issubclass(model, RootModel):
        return schema, models
    return {"$ref": REFERENCE.format(model=model.__name__)}, {model.__name__: schema, **models}


def without_absent(schema: Schema) -> Schema:
    """The schema without null for optional fields: a field without a value is absent."""
    properties = {name: _without_null(field) for name, field in schema.get("properties", {}).items()}
    return {**schema, "properties": properties} if properties else schema


def _without_null(field: Schema) -> Schema:
    if field.get("default", NULL) is not None:
        return field
    field = {name: value for name, value in field.items() if name != "default"}
    choices = [choice for choice in field.pop("anyOf", []) if choice != NULL]
    return {**field, **choices[0]} if len(choices) == 1 else {**field, **({"anyOf": choices} if choices else {})}
