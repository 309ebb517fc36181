"""What both services answer with: an item, a problem, and the payloads of the stream. Their schemas are published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, WithJsonSchema

from shared.fields import ItemFields
from shared.log.position import POSITION_PATTERN

if TYPE_CHECKING:
    from pydantic.config import JsonDict

VERSION = "0.1.0"  # of both descriptions, and of pyproject.toml
LARGEST_ID = 2**63 - 1

ITEM: JsonDict = {
    "id": 7,
    **{name: field.examples[0] for name, field in ItemFields.model_fields.items() if field.examples},
    "version": 3,
    "created_at": "2026-11-25T08:00:00.000000Z",
    "updated_at": "2026-11-25T12:00:00.000000Z",
}
PROBLEM: JsonDict = {
    "type": "about:blank",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "quantity: Input should be greater than or equal to 0",
    "error": "quantity: Input should be greater than or equal to 0",
    "errors": [{"field": "quantity", "message": "Input should be greater than or equal to 0"}],
}

ItemId = Annotated[int, Field(ge=1, le=LARGEST_ID, json_schema_extra={"format": "int64"})]
Timestamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
PositionText = Annotated[str, Field(pattern=POSITION_PATTERN, examples=["3f9c01ab-1042"])]
Operation = Literal["INSERT", "UPDATE", "DELETE"]


def drop_defaults(schema: dict[str, Any]) -> None:
    """Take the defaults out of a model's schema."""
    for field in schema["properties"].values():
        field.pop("default", None)


def _with_every_field(schema: dict[str, Any]) -> None:
    """A field of an item is always there; an optional one that has no value is null."""
    drop_defaults(schema)
    schema |= {"required": list(schema["properties"]), "examples": [ITEM]}


class Item(ItemFields):
    """An item of the stock."""

    model_config = ConfigDict(json_schema_extra=_with_every_field)

    id: ItemId
    version: Annotated[int, Field(ge=1, description="Rises by one with every change")]
    created_at: Timestamp
    updated_at: Timestamp


class FieldFault(BaseModel):
    """What is wrong with one field of a request, or with one cell of a file."""

    field: Annotated[str, Field(description="Its path, as in `quantity`")]
    message: str
    line: Annotated[int | None, Field(ge=1, description="Of the file, from 1")] = None
    column: Annotated[int | None, Field(ge=1, description="Of the file, from 1; none if it is the whole line")] = None


class ProblemDocument(BaseModel):
    """Why a request could not be answered as hoped for (RFC 9457)."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROBLEM]})

    type: Literal["about:blank"]
    title: Annotated[str, Field(description="What the status means")]
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(description="What is wrong here, for people")]
    error: Annotated[str, Field(description="The same as `detail`, for simple clients")]
    errors: Annotated[list[FieldFault] | None, Field(description="Each field that is wrong")] = None
    error_count: Annotated[int | None, Field(ge=1, description="How many faults a file has, told or not")] = None
    current: Annotated[Item | None, Field(description="The item as it is now")] = None
    oldest: Annotated[PositionText | None, Field(description="Where the log begins")] = None


class Health(BaseModel):
    """All is well."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ready"}]})

    status: Literal["alive", "ready"]


class Metrics(RootModel[str]):
    """Metrics, in the text format of Prometheus."""

    media_type: ClassVar = "text/plain"
    example: ClassVar = "stockstream_head_event_id 1042.0\n"


# What the stream sends ----------------------------------------------------------------------------------------------


class Update(BaseModel):
    """An item was changed: the item as it is now, or as it last was."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"event": "UPDATE", "data": ITEM, "actor": "ann", "changed_at": ITEM["updated_at"]}]
        }
    )

    event: Operation
    data: Item
    actor: Annotated[str, Field(description="Who changed it")]
    changed_at: Timestamp


class Heartbeat(BaseModel):
    """The stream is alive: where the log stands, and what time it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"head": "3f9c01ab-1042", "at": "2026-11-25T12:00:10.000000Z"}]}
    )

    head: PositionText
    at: Timestamp


class Reset(BaseModel):
    """The position that was asked for can't be served: load the stock again. The stream goes on from the head."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "the position is of another log", "head": "3f9c01ab-1042"}]}
    )

    reason: str
    head: PositionText


class Busy(BaseModel):
    """There is no place for another stream now: this one ends, and the client comes back after `retry`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "too many streams are open", "full": True}]})

    reason: str
    full: Annotated[bool, Field(description="Whether a limit is reached; otherwise the server will soon be able to")]


Snapshot = list[Item]
