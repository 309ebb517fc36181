"""What clients send and get. The database enforces the same limits (sql/migrations/0001_inventory.sql)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from api_service.moments import MOMENT_PATTERN, Moment, parse_moment, parse_time

LARGEST_QUANTITY = 2_147_483_647
LARGEST_ID = 2**63 - 1
LONGEST_NAME = 200
LONGEST_ACTOR = 200
LARGEST_PAGE = 1_000
USUAL_PAGE = 100
MOST_TREND_ITEMS = 200
MOST_TREND_STEPS = 200


def _no_control_characters(text: str) -> str:
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in text):
        raise ValueError("must not contain control characters")
    return text


def _digits(value: object) -> object:
    """A number in a query: digits, and nothing that Python would take for one besides."""
    if not isinstance(value, str):
        return value
    if not value.isascii() or not value.isdigit() or len(value) > len(str(LARGEST_ID)):
        raise ValueError("must be a whole number, written in digits")
    return int(value)


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME),
    AfterValidator(_no_control_characters),
]
Quantity = Annotated[int, Field(ge=0, le=LARGEST_QUANTITY)]
Id = Annotated[int, BeforeValidator(_digits), Field(ge=1, le=LARGEST_ID)]
Page = Annotated[int, BeforeValidator(_digits), Field(ge=1, le=LARGEST_PAGE)]
Time = Annotated[Any, BeforeValidator(parse_time), WithJsonSchema({"type": "string", "format": "date-time"})]
Text = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME), AfterValidator(_no_control_characters)]
Sort = Literal["-updated_at", "updated_at", "name", "-name", "quantity", "-quantity"]
Operation = Literal["INSERT", "UPDATE", "DELETE"]
AsOf = Annotated[
    Moment | None,
    BeforeValidator(parse_moment),
    WithJsonSchema({"type": "string", "pattern": MOMENT_PATTERN}),
    Field(description="The state at this event (its id, or a position) or time (RFC 3339)"),
]
Yes = Annotated[Literal["0", "1"], Field(description="1 for yes")]


# What is asked ------------------------------------------------------------------------------------------------------


class Body(BaseModel):
    """A request body: JSON types as they are (no 1.0, "1" or true for an integer), no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class NewItem(Body):
    name: Name
    quantity: Quantity


class ItemChange(Body):
    quantity: Quantity
    name: Name | None = None


class Adjustment(Body):
    """How much to add; negative to take away."""

    adjust: Annotated[int, Field(ge=-LARGEST_QUANTITY, le=LARGEST_QUANTITY)]


class ImportRow(BaseModel):
    """A row of a CSV file: a new item, or, with an id, what an item is to become; with a version, only if it has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    quantity: Annotated[Quantity, BeforeValidator(_digits)]
    id: Id | None = None
    version: Id | None = None


class Query(BaseModel):
    """The parameters of a request: each once unless it is a list, and no unknown ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ItemsQuery(Query):
    q: Text | None = Field(None, description="A part of the name; case and accents don't matter")
    sort: Sort = Field("-updated_at", description="With a minus, the largest first")
    limit: Page | None = Field(None, description="Items on a page; without it, all of them")
    after: str | None = Field(None, description="Where the last page ended, from its `Link`")
    as_of: AsOf = None


class HistoryQuery(Query):
    limit: Page = Field(USUAL_PAGE, description="Events on a page")
    after: Id | None = Field(None, description="The `event_id` that the last page ended with")


class AuditQuery(HistoryQuery):
    actor: Text | None = Field(None, description="Who did it")
    item: Id | None = Field(None, description="The item's id")
    operation: Operation | None = None
    since: Time | None = Field(None, description="After this time")
    until: Time | None = Field(None, description="Up to this time")


class TrendsQuery(Query):
    since: Time | None = Field(None, description="The first moment; 24 hours ago if not given")
    steps: Annotated[int, BeforeValidator(_digits), Field(ge=1, le=MOST_TREND_STEPS)] = 24
    item: list[Id] = Field([], max_length=MOST_TREND_ITEMS, description="Items to show besides the whole stock")


class ExportQuery(Query):
    q: Text | None = Field(None, description="A part of the name; case and accents don't matter")
    as_of: AsOf = None
    bom: Yes = Field("0", description="1 begins the file with a byte order mark, by which Excel knows UTF-8")


class ImportQuery(Query):
    dry_run: Yes = Field("0", description="1 only checks the file and changes nothing")


# What is answered ---------------------------------------------------------------------------------------------------


class Item(BaseModel):
    """An item of the stock."""

    id: Annotated[int, Field(ge=1)]
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    quantity: Quantity
    version: Annotated[int, Field(ge=1, description="Rises by one with every change")]
    created_at: Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
    updated_at: Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]


class Change(BaseModel):
    """What a field was and what it became; null where there was no item."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Annotated[str | int | None, Field(alias="from")]
    to: str | int | None


class HistoryEntry(BaseModel):
    """An event of the log."""

    event_id: Annotated[int, Field(ge=1)]
    item_id: Annotated[int, Field(ge=1)]
    operation: Operation
    actor: str
    changed_at: Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
    changes: Annotated[dict[Literal["name", "quantity"], Change], Field(description="Each field that changed")]
    before: Item | None
    after: Item | None


class Trends(BaseModel):
    """Quantities at `steps` + 1 evenly spaced moments; null where there was none, or the log does not reach back."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Annotated[str, Field(alias="from"), WithJsonSchema({"type": "string", "format": "date-time"})]
    to: Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
    step_seconds: float
    total: Annotated[list[int | None], Field(description="The whole stock")]
    items: Annotated[dict[str, list[int | None]], Field(description="Those that were asked for, by their ids")]


class ImportResult(BaseModel):
    """What an import did, or would do."""

    created: Annotated[int, Field(ge=0)]
    updated: Annotated[int, Field(ge=0)]
    unchanged: Annotated[int, Field(ge=0)]


class Deleted(BaseModel):
    message: Literal["Item deleted successfully"]
