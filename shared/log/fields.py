"""The fields of an item that people write, with their limits. The database enforces the same (sql/migrations)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, get_type_hints

from pydantic import BaseModel, Field
from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

MAX_QUANTITY = 2_147_483_647

# The white space that Python's str.strip() and trim_text() in sql/functions/1_text.sql remove.
SPACE = r"\t\n\x0b\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
CONTROL = r"\x00-\x1f\x7f-\x9f"
CONTROL_IN_LINES = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
VISIBLE = f"[^{CONTROL}{SPACE}]"


_ALLOWED_IN_LINES = str.maketrans("\t\n\r", "   ")


@dataclass(frozen=True)
class Line:
    """One line of text: 1 to ``max_length`` characters after trimming, no control characters."""

    max_length: int

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        text = core_schema.str_schema(strip_whitespace=True, min_length=1, max_length=self.max_length)
        return core_schema.no_info_after_validator_function(refuse_control_characters, text)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # The schema describes the text before it is trimmed: white space at its ends does not count.
        rest = f"([^{CONTROL}]{{0,{max(self.max_length - 2, 0)}}}{VISIBLE})?"
        return {
            "type": "string",
            "pattern": f"^[{SPACE}]*{VISIBLE}{rest}[{SPACE}]*$",
            "description": f"1 to {self.max_length} characters after trimming, no control characters",
        }


@dataclass(frozen=True)
class Lines:
    """Text of one or more lines: at most ``max_length`` characters after trimming, no control characters except tabs.

    Every line break becomes a line feed. Empty text becomes None.
    """

    max_length: int

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        text = core_schema.str_schema(strip_whitespace=True, max_length=self.max_length)
        return core_schema.no_info_after_validator_function(_read_lines, text)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        rest = f"([^{CONTROL_IN_LINES}]{{0,{max(self.max_length - 2, 0)}}}{VISIBLE})?"
        return {
            "type": "string",
            "pattern": f"^[{SPACE}]*({VISIBLE}{rest})?[{SPACE}]*$",
            "description": f"At most {self.max_length} characters after trimming, in one or more lines",
        }


def _read_lines(text: str) -> str | None:
    refuse_control_characters(text.translate(_ALLOWED_IN_LINES))
    return text.replace("\r\n", "\n").replace("\r", "\n") or None


def refuse_control_characters(text: str) -> str:
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in text):
        raise ValueError("must not contain control characters")
    return text


Name = Annotated[str, Line(200)]
Code = Annotated[str, Line(100)]
Unit = Annotated[str, Line(20)]
Note = Annotated[str, Lines(2_000)]
Quantity = Annotated[int, Field(ge=0, le=MAX_QUANTITY)]

# Why something is booked. The database enforces the same (sql/migrations/0013_movements.sql).
Reason = Literal["received", "sold", "used", "counted", "moved", "damaged", "lost", "returned", "corrected"]
MovementNote = Annotated[str, Lines(500)]


class ItemFields(BaseModel):
    """The fields of an item that people write. Optional ones have the default None, and can be cleared."""

    name: Name = Field(examples=["Pallet jack"])
    quantity: Quantity = Field(examples=[12])
    code: Code | None = Field(
        None,
        examples=["PJ-2500"],
        description="An article number or a barcode. No two items at a location have the same",
    )
    unit: Unit | None = Field(None, examples=["pcs"], description="What the quantity counts")
    minimum: Quantity | None = Field(None, examples=[5], description="The item is low when its quantity is below this")
    note: Note | None = Field(None, examples=["Service it in May."], description="Anything else")


FIELDS = tuple(ItemFields.model_fields)
REQUIRED_FIELDS = tuple(name for name, field in ItemFields.model_fields.items() if field.is_required())
NUMBER_FIELDS = frozenset(name for name, kind in get_type_hints(ItemFields).items() if kind in {int, int | None})
TEXT_FIELDS = frozenset(FIELDS) - NUMBER_FIELDS
