"""Models of bodies, parameters and answers."""

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
    MAX_QUANTITY,
    Code,
    ItemFields,
    Name,
    refuse_control_characters,
)

if TYPE_CHECKING:
    from pydantic.config import JsonDict

MAX_QUERY_LENGTH = 200
MAX_PAGE_SIZE = 1_000
DEFAULT_PAGE_SIZE = 100
MAX_TREND_ITEMS = 200
MAX_TREND_STEPS = 200


CURSOR_PATTERN = "^[0-9A-Za-z_-]+$"
TEXT_PATTERN = f"^[^{CONTROL}]+$"

PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE), BeforeValidator(parse_digits)]
Time = Annotated[Any, BeforeValidator(parse_time), WithJsonSchema({"type": "string", "format": "date-time"})]
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_QUERY_LENGTH),
    AfterValidator(refuse_control_characters),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_QUERY_LENGTH, "pattern": TEXT_PATTERN}),
]
Sort = Literal["-updated_at", "updated_at", "name", "-name", "quantity", "-quantity"]
AsOf = Annotated[
    LogPoint | None,
    BeforeValidator(parse_log_point),
    WithJsonSchema(LOG_POINT_SCHEMA),
    Field(description="The state after this event (an event id or a position), or at this time (RFC 3339)"),
]
Flag = Annotated[
    bool,
    BeforeValidator(parse_flag),
    WithJsonSchema({"type": "string", "enum": ["0", "1"]}),
    Field(json_schema_extra={"default": "0"}),
]


# Requests -----------------------------------------------------------------------------------------------------------


def _without_defaults(schema: dict[str, Any]) -> None:
    """Remove the defaults: a field that is left out keeps its value."""
    drop_defaults(schema)
    schema["examples"] = [{"quantity": 9}]


class Body(BaseModel):
    """A request body: types are strict (1.0, "1" or true is no integer), and unknown fields are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class NewItem(Body, ItemFields):
    """An item to add."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Pallet jack", "quantity": 12}]})


class ItemChange(Body, ItemFields):
    """New values of an item. Fields that are left out keep theirs; null clears an optional one."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: Name = ""


class Adjustment(Body):
    """An amount to add to the quantity; negative to subtract."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"adjust": -3}]})

    adjust: Annotated[int, Field(ge=-MAX_QUANTITY, le=MAX_QUANTITY)]


class ImportFile(RootModel[list[ImportRow]]):
    """A CSV file with a header line."""

    media_type: ClassVar = "text/csv"
    example: ClassVar = "name,quantity\r\nPallet jack,12\r\n"


class Query(BaseModel):
    """Parameters of a request. Unknown parameters are refused, and repeated ones, unless they are lists."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ItemsFilter(Query):
    """Selects items, now or in the past."""

    q: Text | None = Field(None, description="Part of the name or code, regardless of case and accents")
    code: Code | None = Field(None, description="The exact code")
    low: Flag = Field(False, description="1: only items whose quantity is below their minimum")
    as_of: AsOf = None

    def criteria(self) -> Criteria:
        return Criteria(self.q, self.code, self.low)


class ItemsQuery(ItemsFilter):
    sort: Sort = Field("-updated_at", description="Prefix with `-` for descending order")
    limit: PageSize | None = Field(None, description="Items per page; without it, all items are returned")
    after: str | None = Field(None, pattern=CURSOR_PATTERN, description="End of the previous page, from its `Link`")


class HistoryQuery(Query):
    limit: PageSize = Field(DEFAULT_PAGE_SIZE, description="Events per page")
    after: IdText | None = Field(None, description="`event_id` of the last event of the previous page")


class AuditQuery(HistoryQuery):
    actor: Text | None = Field(None, description="Who made the change")
    item: IdText | None = Field(None, description="Id of the item")
    operation: Operation | None = None
    since: Time | None = Field(None, description="Only events after this time")
    until: Time | None = Field(None, description="Only events up to this time")


class TrendsQuery(Query):
    since: Time | None = Field(None, description="Start; defaults to 24 hours ago")
    steps: Annotated[int, Field(ge=1, le=MAX_TREND_STEPS), BeforeValidator(parse_digits)] = 24
    item: list[IdText] = Field([], max_length=MAX_TREND_ITEMS, description="Ids of items to include besides the total")


class ExportQuery(ItemsFilter):
    bom: Flag = Field(False, description="1: start the file with a byte order mark, so that Excel detects UTF-8")


class ImportQuery(Query):
    dry_run: Flag = Field(False, description="1: check the file and change nothing")


# Answers ------------------------------------------------------------------------------------------------------------

PROBLEM: JsonDict = {
    "type": "about:blank",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "quantity: must be greater than or equal to 0",
    "error": "quantity: must be greater than or equal to 0",
    "errors": [{"field": "quantity", "message": "must be greater than or equal to 0"}],
}
HISTORY_ENTRY: JsonDict = {
    "event_id": 1042,
    "item_id": 7,
    "operation": "UPDATE",
    "actor": "ann",
    "on_behalf_of": None,
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
    """The value of a field before and after a change; null if there was no item."""

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
    actor: Annotated[str, Field(description="Who changed it")]
    on_behalf_of: Annotated[str | None, Field(description="For whom, as the service that changed it said")]
    changed_at: Timestamp
    changes: Annotated[
        dict[str, Change], Field(description="Each field that changed", json_schema_extra=_of_known_fields)
    ]
    before: Item | None
    after: Item | None


class Trends(BaseModel):
    """Quantities at `steps` + 1 evenly spaced times; null before the item existed or the log begins.

    The total is also null at times that more than 100,000 changes have followed. It may be some seconds old when the
    stock changes often.
    """

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [TRENDS]})

    from_: Annotated[Timestamp, Field(alias="from")]
    to: Timestamp
    step_seconds: float
    total: Annotated[list[int | None], Field(description="Sum over all items")]
    items: Annotated[dict[str, list[int | None]], Field(description="Quantities of the requested items, by id")]


class ExportFile(RootModel[str]):
    """A CSV file with a header."""

    media_type: ClassVar = "text/csv"
    example: ClassVar = f"{','.join(ITEM)}\r\n{','.join(map(str, ITEM.values()))}\r\n"


class Deleted(BaseModel):
    """The item was deleted. It can be restored."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "Item deleted successfully"}]})

    message: Literal["Item deleted successfully"]


class InvalidField(BaseModel):
    """What is wrong with one field of a request, or with one cell of a file."""

    field: Annotated[str, Field(description="Path of the field, as in `quantity`")]
    message: str
    line: Annotated[int | None, Field(ge=1, description="Line of the file, counted from 1")] = None
    column: Annotated[
        int | None, Field(ge=1, description="Column of the file, counted from 1; absent if the whole line is wrong")
    ] = None


class ProblemDocument(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROBLEM]})

    type: Literal["about:blank"]
    title: Annotated[str, Field(description="Meaning of the status code")]
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(description="What is wrong and what to do, for people")]
    error: Annotated[str, Field(description="Same as `detail`, for simple clients")]
    errors: Annotated[list[InvalidField] | None, Field(description="One entry per invalid field")] = None
    error_count: Annotated[
        int | None, Field(ge=1, description="Number of errors in the file; `errors` has the first 100")
    ] = None
    current: Annotated[Item | None, Field(description="The current item")] = None
    oldest: Annotated[PositionText | None, Field(description="First position of the log")] = None
