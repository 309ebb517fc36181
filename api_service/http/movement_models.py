"""Models of movements, transfers and low stock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, model_validator

from api_service.http.models import DEFAULT_PAGE_SIZE, Adjust, Body, PageSize, Query, ScopedQuery
from api_service.validation import IdText
from shared.log.documents import ITEM, ItemId, Timestamp, drop_defaults
from shared.log.fields import MAX_QUANTITY, Code, MovementNote, Name, Quantity, Reason, Unit

if TYPE_CHECKING:
    from pydantic.config import JsonDict

MAX_LINES = 1_000

Version = Annotated[int, Field(ge=1, description="The item must still have this version")]
LINES: list[Any] = [{"item": 7, "adjust": 12}, {"item": 9, "set": 40, "version": 3}]
LINE: JsonDict = {"item": 7, "name": "Pallet jack", "location": 1, "from": 12, "to": 24, "version": 4}
MOVEMENT: JsonDict = {
    "id": 31,
    "reason": "received",
    "note": "Delivery note 4711",
    "actor": "ann",
    "on_behalf_of": None,
    "at": ITEM["updated_at"],
    "undoes": None,
    "undone_by": None,
    "complete": True,
    "lines": [LINE],
}
LOW: JsonDict = {
    "id": 7,
    "name": "Pallet jack",
    "code": "PJ-2500",
    "unit": "pcs",
    "location": 1,
    "quantity": 2,
    "minimum": 5,
    "missing": 3,
    "used_per_week": 2,
}


# Requests -----------------------------------------------------------------------------------------------------------


def _with_adjust_or_set(schema: dict[str, Any]) -> None:
    drop_defaults(schema)
    schema["oneOf"] = [{"required": ["adjust"]}, {"required": ["set"]}]
    schema["examples"] = [LINES[0]]


class MovementLine(Body):
    """A change of one item's quantity: by an amount (`adjust`), or to one (`set`)."""

    model_config = ConfigDict(json_schema_extra=_with_adjust_or_set)

    item: ItemId
    adjust: Adjust = 0
    set_to: Annotated[Quantity, Field(alias="set")] = 0
    version: Version | None = None

    @model_validator(mode="after")
    def _has_one_change(self) -> Self:
        if len({"adjust", "set_to"} & self.model_fields_set) != 1:
            raise ValueError("must have either adjust or set")
        return self


_Line = TypeVar("_Line", "MovementLine", "TransferLine")


def _refuse_repeated_items(lines: list[_Line]) -> list[_Line]:
    seen: set[int] = set()
    for line in lines:
        if line.item in seen:
            raise ValueError(f"item {line.item} is in two lines")
        seen.add(line.item)
    return lines


class NewMovement(Body):
    """Changes of quantities that are booked together: all of them, or none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "received", "lines": LINES}]})

    reason: Reason
    note: MovementNote | None = None
    lines: Annotated[
        list[MovementLine], Field(min_length=1, max_length=MAX_LINES), AfterValidator(_refuse_repeated_items)
    ]


MovedQuantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
Close = Annotated[bool, Field(description="Whether to delete what is left behind, which must be nothing")]


class TransferLine(Body):
    """A quantity of one item to move."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"item": 7, "quantity": 4}]})

    item: ItemId
    quantity: MovedQuantity
    close: Close = False
    version: Version | None = None


def _with_item_or_lines(schema: dict[str, Any]) -> None:
    drop_defaults(schema)
    of_one = ("item", "quantity", "close", "version")
    schema["oneOf"] = [
        {"required": ["item", "quantity"], "not": {"required": ["lines"]}},
        {"required": ["lines"], "not": {"anyOf": [{"required": [field]} for field in of_one]}},
    ]
    schema["examples"] = [
        {"item": 7, "to": 2, "quantity": 4},
        {"to": 2, "lines": [{"item": 7, "quantity": 4}, {"item": 9, "quantity": 1}]},
    ]


class NewTransfer(Body):
    """Quantities to move to the same articles at another location: of one item, or of each item in `lines`."""

    model_config = ConfigDict(json_schema_extra=_with_item_or_lines)

    to: Annotated[ItemId, Field(description="Id of the location")]
    note: MovementNote | None = None
    item: ItemId = 1
    quantity: MovedQuantity = 1
    close: Close = False
    version: Version | None = None
    lines: Annotated[
        list[TransferLine],
        Field(default_factory=list, min_length=1, max_length=MAX_LINES),
        AfterValidator(_refuse_repeated_items),
    ]

    @model_validator(mode="after")
    def _has_an_item_or_lines(self) -> Self:
        of_one = {"item", "quantity", "close", "version"} & self.model_fields_set
        if self.is_of_one != ({"item", "quantity"} <= of_one) or (of_one and not self.is_of_one):
            raise ValueError("must have either item and quantity, or lines")
        return self

    @property
    def is_of_one(self) -> bool:
        return "lines" not in self.model_fields_set


class UndoQuery(Query):
    note: MovementNote | None = Field(None, description="A note of the movement that undoes the other")


class Minimums(Body):
    """A new minimum for several items; null removes it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [7, 9], "minimum": 5}]})

    items: Annotated[list[ItemId], Field(min_length=1, max_length=MAX_LINES)]
    minimum: Quantity | None


class LowQuery(ScopedQuery):
    limit: PageSize = Field(DEFAULT_PAGE_SIZE, description="Items per page")
    after: IdText | None = Field(None, description="`id` of the last item of the previous page")


# Answers ------------------------------------------------------------------------------------------------------------


class BookedLineDocument(BaseModel):
    """An item's quantity before a movement, and after it; null if the item did not exist."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [LINE]})

    item: ItemId
    name: str
    location: ItemId
    from_: Annotated[int | None, Field(alias="from")]
    to: int | None
    version: Annotated[int | None, Field(ge=1, description="The item's version after it")]


class MovementDocument(BaseModel):
    """A movement, with its lines at the locations that you may see.

    If no quantity has changed, there is none: `id`, `actor` and `at` are null.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [MOVEMENT]})

    id: ItemId | None
    reason: Reason
    note: str | None
    actor: str | None
    on_behalf_of: str | None
    at: Timestamp | None
    undoes: Annotated[ItemId | None, Field(description="Id of the movement that it undoes")]
    undone_by: Annotated[ItemId | None, Field(description="Id of the movement that undoes it")]
    complete: Annotated[bool, Field(description="Whether the log still has all its lines")]
    lines: Annotated[list[BookedLineDocument], Field(description="In the order of the items' ids")]


class LowItem(BaseModel):
    """An item below its minimum, what is missing to it, and how fast it is used."""

    model_config = ConfigDict(json_schema_extra={"examples": [LOW]})

    id: ItemId
    name: Name
    code: Code | None
    unit: Unit | None
    location: ItemId
    quantity: Quantity
    minimum: Quantity
    missing: Annotated[int, Field(ge=1)]
    used_per_week: Annotated[int, Field(ge=0, description="How much was taken per week in the last four weeks")]


class OrderList(RootModel[str]):
    """A CSV file with a header."""

    media_type: ClassVar = "text/csv"
    example: ClassVar = (
        "code,name,location,quantity,minimum,missing,unit,id\r\nPJ-2500,Pallet jack,Main,2,5,3,pcs,7\r\n"
    )
