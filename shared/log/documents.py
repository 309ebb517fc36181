"""The documents of items, in the log and in answers. Their schemas are published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from shared.log.fields import ItemFields
from shared.log.position import POSITION_PATTERN

if TYPE_CHECKING:
    from pydantic.config import JsonDict

MAX_ID = 2**63 - 1

ITEM: JsonDict = {
    "id": 7,
    **{name: field.examples[0] for name, field in ItemFields.model_fields.items() if field.examples},
    "location": 1,
    "counted_at": "2026-11-24T16:00:00.000000Z",
    "version": 3,
    "created_at": "2026-11-25T08:00:00.000000Z",
    "updated_at": "2026-11-25T12:00:00.000000Z",
}

ItemId = Annotated[int, Field(ge=1, le=MAX_ID, json_schema_extra={"format": "int64"})]
Timestamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
PositionText = Annotated[str, Field(pattern=POSITION_PATTERN, examples=["3f9c01ab-1042"])]
Operation = Literal["INSERT", "UPDATE", "DELETE"]


def drop_defaults(schema: dict[str, Any]) -> None:
    """Remove the defaults from a model's schema."""
    for field in schema["properties"].values():
        field.pop("default", None)


def _with_every_field(schema: dict[str, Any]) -> None:
    """Every field is required: an optional one without a value is null."""
    drop_defaults(schema)
    schema |= {"required": list(schema["properties"]), "examples": [ITEM]}


class Item(ItemFields):
    """An item of the stock."""

    model_config = ConfigDict(json_schema_extra=_with_every_field)

    id: ItemId
    location: Annotated[ItemId, Field(description="Id of the location, which never changes")]
    counted_at: Annotated[Timestamp | None, Field(description="When its quantity was last counted")]
    version: Annotated[int, Field(ge=1, description="Rises by one with every change")]
    created_at: Timestamp
    updated_at: Timestamp
