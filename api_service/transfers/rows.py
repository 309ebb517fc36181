"""Models of an import: a row of the file, and the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from api_service.validation import IdText, parse_digits
from shared.log.fields import FIELDS, NUMBER_FIELDS, REQUIRED_FIELDS, ItemFields, Line, Name, Quantity

if TYPE_CHECKING:
    from pydantic.config import JsonDict

MAX_PATH_LENGTH = 2_000
EXAMPLE_TABLE: JsonDict = {
    "columns": ["Art.-Nr.", "Bezeichnung", "Menge"],
    "rows": [["4711", "Pallet jack", "12"]],
    "first_line": 2,
    "decimal": None,
}


class ImportRow(ItemFields):
    """A row of a CSV file: a new item, or new values for the item with this `id` (and `version`, if given).

    A field without a column stays as it is; an empty cell clears it. ``location`` is a location's path or its name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: IdText | None = None
    version: IdText | None = None
    location: Annotated[str, Line(MAX_PATH_LENGTH)] | None = None

    @field_validator(*FIELDS, mode="before")
    @classmethod
    def _read_cell(cls, cell: object, info: ValidationInfo) -> object:
        if cell == "" and info.field_name not in REQUIRED_FIELDS:
            return None
        return parse_digits(cell) if info.field_name in NUMBER_FIELDS else cell


class ChangeRow(ImportRow):
    """A row with an `id`, which may be without a name and a quantity."""

    name: Name = ""
    quantity: Quantity = 0


class TableDocument(BaseModel):
    """The columns and rows of a file, as text. Cells at the end of a row may be missing, and all cells of a row."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_TABLE]})

    columns: list[str]
    rows: list[list[str]]
    first_line: Annotated[int, Field(ge=1, description="The number of the first row, as a spreadsheet counts rows")]
    decimal: Annotated[
        Literal["."] | None, Field(description="The decimal separator, if it is known: that of numbers in a workbook")
    ]


class ImportResult(BaseModel):
    """The number of items that an import created, updated and left unchanged; or would, in a dry run."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"created": 2, "updated": 1, "unchanged": 497}]})

    created: Annotated[int, Field(ge=0)]
    updated: Annotated[int, Field(ge=0)]
    unchanged: Annotated[int, Field(ge=0)]
