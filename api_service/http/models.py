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
from api_service.store.history import EventCriteria
from api_service.store.items import Criteria
from api_service.transfers.csv_format import HISTORY_COLUMNS
from api_service.transfers.rows import ImportRow
from api_service.validation import IdText, parse_digits, parse_flag
from shared.log.documents import ITEM, Item, ItemId, Operation, PositionText, Timestamp, drop_defaults
from shared.log.fields import (
    CONTROL,
    FIELDS,
    MAX_QUANTITY,
    Code,
    ItemFields,
    MovementNote,
    Name,
    Reason,
    refuse_control_characters,
)

if TYPE_CHECKING:
    from pydantic.config import JsonDict

    from shared.access.principals import Locations

MAX_QUERY_LENGTH = 200
MAX_PAGE_SIZE = 1_000
DEFAULT_PAGE_SIZE = 100
MAX_TREND_ITEMS = 200
MAX_TREND_STEPS = 200
MAX_LOCATIONS = 100


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


Adjust = Annotated[int, Field(ge=-MAX_QUANTITY, le=MAX_QUANTITY)]


# Requests -----------------------------------------------------------------------------------------------------------


def _without_defaults(schema: dict[str, Any]) -> None:
    """Remove the defaults: a field that is left out keeps its value."""
    drop_defaults(schema)
    schema["examples"] = [{"quantity": 9}]


class Body(BaseModel):
    """A request body: types are strict (1.0, "1" or true is no integer), and unknown fields are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class NewItem(Body, ItemFields):
    """An item to add. Without a location, it is added at the first one that the account may change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Pallet jack", "quantity": 12}]})

    location: ItemId | None = None


class ItemChange(Body, ItemFields):
    """New values of an item. Fields that are left out keep theirs; null clears an optional one."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: Name = ""


class Adjustment(Body):
    """An amount to add to the quantity; negative to subtract. The reason and the note are those of the movement."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"adjust": -3, "reason": "sold"}]})

    adjust: Adjust
    reason: Reason | None = None
    note: MovementNote | None = None


class ImportFile(RootModel[list[ImportRow]]):
    """A CSV file with a header line."""

    media_type: ClassVar = "text/csv"
    example: ClassVar = "name,quantity\r\nPallet jack,12\r\n"


class TableFile(RootModel[bytes]):
    """A CSV file or an Excel workbook (.xlsx)."""

    media_type: ClassVar = "application/octet-stream"
    example: ClassVar = "Art.-Nr.;Bezeichnung;Menge\r\n4711;Pallet jack;12\r\n"


class Query(BaseModel):
    """Parameters of a request. Unknown parameters are refused, and repeated ones, unless they are lists."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PurposeQuery(Query):
    """Why a change is made."""

    reason: Reason | None = Field(None, description="Makes the change a movement with this reason")
    note: MovementNote | None = Field(
        None, description="A note of the movement; without a reason, that of a correction"
    )


class ItemChangeQuery(PurposeQuery):
    twins: Flag = Field(
        False, description="1: give the new name to the same article at your other locations, too, in the same movement"
    )


class ScopedQuery(Query):
    """Selects by location."""

    location: list[IdText] = Field(
        [], max_length=MAX_LOCATIONS, description="Only at these locations and everything below them"
    )


class ItemsFilter(ScopedQuery):
    """Selects items, now or in the past."""

    q: Text | None = Field(
        None, description="Words, or parts of words, of the name and code, in any order, regardless of case and accents"
    )
    code: Code | None = Field(None, description="The exact code")
    low: Flag = Field(False, description="1: only items whose quantity is below their minimum")
    as_of: AsOf = None

    def criteria(self, locations: Locations) -> Criteria:
        return Criteria(self.q, self.code, self.low, locations)


class ItemsQuery(ItemsFilter):
    sort: Sort = Field("-updated_at", description="Prefix with `-` for descending order")
    limit: PageSize | None = Field(None, description="Items per page; without it, all items are returned")
    after: str | None = Field(None, pattern=CURSOR_PATTERN, description="End of the previous page, from its `Link`")


class HistoryQuery(Query):
    limit: PageSize = Field(DEFAULT_PAGE_SIZE, description="Events per page")
    after: IdText | None = Field(None, description="`event_id` of the last event of the previous page")


class DeletedQuery(HistoryQuery, ScopedQuery):
    pass


class AuditFilter(ScopedQuery):
    """Selects events of the log."""

    actor: Text | None = Field(None, description="Who made the change")
    item: IdText | None = Field(None, description="Id of the item")
    operation: Operation | None = None
    movement: IdText | None = Field(None, description="Id of the movement")
    reason: Reason | None = Field(None, description="Why the change was made")
    since: Time | None = Field(None, description="Only events after this time")
    until: Time | None = Field(None, description="Only events up to this time")

    def criteria(self, locations: Locations) -> EventCriteria:
        return EventCriteria(
            locations, self.actor, self.item, self.operation, self.movement, self.reason, self.since, self.until
        )


class AuditQuery(HistoryQuery, AuditFilter):
    pass


class TrendsQuery(ScopedQuery):
    since: Time | None = Field(None, description="Start; defaults to 24 hours ago")
    steps: Annotated[int, Field(ge=1, le=MAX_TREND_STEPS), BeforeValidator(parse_digits)] = 24
    item: list[IdText] = Field([], max_length=MAX_TREND_ITEMS, description="Ids of items to include besides the total")


class ExportQuery(ItemsFilter):
    bom: Flag = Field(False, description="1: start the file with a byte order mark, so that Excel detects UTF-8")


class ImportQuery(PurposeQuery):
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
    "movement": 31,
    "reason": "sold",
    "note": None,
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
    movement: Annotated[ItemId | None, Field(description="Id of the movement that it belongs to")]
    reason: Annotated[Reason | None, Field(description="The reason for the movement")]
    note: Annotated[str | None, Field(description="The note of the movement")]
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


class HistoryFile(RootModel[str]):
    """A CSV file with a header."""

    media_type: ClassVar = "text/csv"
    example: ClassVar = (
        f"{','.join(HISTORY_COLUMNS)}\r\n"
        f"1042,{ITEM['updated_at']},UPDATE,7,Pallet jack,PJ-2500,Main,15,12,-3,sold,,31,ann,\r\n"
    )


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
    current: Annotated[Item | None, Field(description="The item that it is about, as it is now")] = None


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
