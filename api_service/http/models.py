"""What clients send and get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    WithJsonSchema,
)

from api_service.http.as_of import LOG_POINT_SCHEMA, LogPoint, parse_log_point, parse_time
from api_service.store.items import Criteria
from api_service.transfers.rows import ImportRow
from api_service.validation import IdText, parse_digits, parse_flag
from shared.log.documents import ITEM, Item, ItemId, Operation, PositionText, Timestamp, drop_defaults
from shared.log.fields import (
    CONTROL,
    FIELDS,
    LARGEST_QUANTITY,
    Code,
    ItemFields,
    Name,
    refuse_control_characters,
)

if TYPE_CHECKING:
    from pydantic.config import JsonDict

LONGEST_ACTOR = 200
LONGEST_QUERY = 200
LARGEST_PAGE = 1_000
DEFAULT_PAGE = 100
MOST_TREND_ITEMS = 200
MOST_TREND_STEPS = 200


CURSOR_PATTERN = "^[0-9A-Za-z_-]+$"
TEXT_PATTERN = f"^[^{CONTROL}]+$"

PageSize = Annotated[int, Field(ge=1, le=LARGEST_PAGE), BeforeValidator(parse_digits)]
Time = Annotated[Any, BeforeValidator(parse_time), WithJsonSchema({"type": "string", "format": "date-time"})]
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_QUERY),
    AfterValidator(refuse_control_characters),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_QUERY, "pattern": TEXT_PATTERN}),
]
Sort = Literal["-updated_at", "updated_at", "name", "-name", "quantity", "-quantity"]
AsOf = Annotated[
    LogPoint | None,
    BeforeValidator(parse_log_point),
    WithJsonSchema(LOG_POINT_SCHEMA),
    Field(description="The state at this event (its id, or a position) or time (RFC 3339)"),
]
Flag = Annotated[
    bool,
    BeforeValidator(parse_flag),
    WithJsonSchema({"type": "string", "enum": ["0", "1"]}),
    Field(json_schema_extra={"default": "0"}),
]


# What is asked ------------------------------------------------------------------------------------------------------


def _without_defaults(schema: dict[str, Any]) -> None:
    """What is left out has no value of its own: it stays what it is."""
    drop_defaults(schema)
    schema["examples"] = [{"quantity": 9}]


class Body(BaseModel):
    """A request body: JSON types as they are (no 1.0, "1" or true for an integer), no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class NewItem(Body, ItemFields):
    """An item to add."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Pallet jack", "quantity": 12}]})


class ItemChange(Body, ItemFields):
    """What an item is to be. Fields that are left out stay as they are; null clears an optional one."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: Name = ""


class Adjustment(Body):
    """How much to add; negative to take away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"adjust": -3}]})

    adjust: Annotated[int, Field(ge=-LARGEST_QUANTITY, le=LARGEST_QUANTITY)]


class ImportFile(RootModel[list[ImportRow]]):
    """A CSV file with a header: what its rows may be."""

    media_type: ClassVar = "text/csv"
    example: ClassVar = "name,quantity\r\nPallet jack,12\r\n"


class Query(BaseModel):
    """The parameters of a request: each once unless it is a list, and no unknown ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ItemsFilter(Query):
    """Which items, and when."""

    q: Text | None = Field(None, description="A part of the name or code; case and accents don't matter")
    code: Code | None = Field(None, description="Exactly this code")
    low: Flag = Field(False, description="1 for those whose quantity is below their minimum")
    as_of: AsOf = None

    def criteria(self) -> Criteria:
        return Criteria(self.q, self.code, self.low)


class ItemsQuery(ItemsFilter):
    sort: Sort = Field("-updated_at", description="Prefix with `-` for descending order")
    limit: PageSize | None = Field(None, description="Items on a page; without it, all of them")
    after: str | None = Field(None, pattern=CURSOR_PATTERN, description="Where the last page ended, from its `Link`")


class HistoryQuery(Query):
    limit: PageSize = Field(DEFAULT_PAGE, description="Events on a page")
    after: IdText | None = Field(None, description="The `event_id` that the last page ended with")


class AuditQuery(HistoryQuery):
    actor: Text | None = Field(None, description="Who did it")
    item: IdText | None = Field(None, description="The item's id")
    operation: Operation | None = None
    since: Time | None = Field(None, description="After this time")
    until: Time | None = Field(None, description="Up to this time")


class TrendsQuery(Query):
    since: Time | None = Field(None, description="The first moment; 24 hours ago if not given")
    steps: Annotated[int, Field(ge=1, le=MOST_TREND_STEPS), BeforeValidator(parse_digits)] = 24
    item: list[IdText] = Field([], max_length=MOST_TREND_ITEMS, description="Items to show besides the whole stock")


class ExportQuery(ItemsFilter):
    bom: Flag = Field(False, description="1 begins the file with a byte order mark, by which Excel knows UTF-8")


class ImportQuery(Query):
    dry_run: Flag = Field(False, description="1 only checks the file and changes nothing")


# What is answered ---------------------------------------------------------------------------------------------------

PROBLEM: JsonDict = {
    "type": "about:blank",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "quantity: Input should be greater than or equal to 0",
    "error": "quantity: Input should be greater than or equal to 0",
    "errors": [{"field": "quantity", "message": "Input should be greater than or equal to 0"}],
}
HISTORY_ENTRY: JsonDict = {
    "event_id": 1042,
    "item_id": 7,
    "operation": "UPDATE",
    "actor": "ann",
    "changed_at": ITEM["updated_at"],
    "changes": {"quantity": {"from": 15, "to": 12}},
    "before": {**ITEM, "quantity": 15, "version": 2, "updated_at": ITEM["created_at"]},
    "after": ITEM,
}
TRENDS: JsonDict = {
    "from": "2026-11-25T08:00:00.000000Z",
    "to": "2026-11-25T12:00:00.000000Z",
    "step_seconds": 7200.0,
    "total": [480, 495, 492],
    "items": {"7": [None, 15, 12]},
}


class Change(BaseModel):
    """What a field was and what it became; null where there was no item."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Annotated[str | int | None, Field(alias="from")]
    to: str | int | None


def _of_known_fields(schema: JsonDict) -> None:
    schema["propertyNames"] = {"enum": list(FIELDS)}


class HistoryEntry(BaseModel):
    """An event of the log."""

    model_config = ConfigDict(json_schema_extra={"examples": [HISTORY_ENTRY]})

    event_id: ItemId
    item_id: ItemId
    operation: Operation
    actor: str
    changed_at: Timestamp
    changes: Annotated[
        dict[str, Change], Field(description="Each field that changed", json_schema_extra=_of_known_fields)
    ]
    before: Item | None
    after: Item | None


class Trends(BaseModel):
    """Quantities at `steps` + 1 evenly spaced moments; null where there was none, or the log does not reach back.

    The total is also null at moments that more than 100,000 changes have followed, and may be some seconds old when the
    stock changes often.
    """

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [TRENDS]})

    from_: Annotated[Timestamp, Field(alias="from")]
    to: Timestamp
    step_seconds: float
    total: Annotated[list[int | None], Field(description="The whole stock")]
    items: Annotated[dict[str, list[int | None]], Field(description="Those that were asked for, by their ids")]


class ExportFile(RootModel[str]):
    """A CSV file with a header."""

    media_type: ClassVar = "text/csv"
    example: ClassVar = f"{','.join(ITEM)}\r\n{','.join(map(str, ITEM.values()))}\r\n"


class Deleted(BaseModel):
    """The item is gone; the log keeps it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "Item deleted successfully"}]})

    message: Literal["Item deleted successfully"]


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
