"""What clients send and get. The database enforces the same limits (sql/migrations/0001_inventory.sql)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

LARGEST_QUANTITY = 2_147_483_647
LONGEST_NAME = 200


def _no_control_characters(text: str) -> str:
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in text):
        raise ValueError("must not contain control characters")
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME),
    AfterValidator(_no_control_characters),
]
Quantity = Annotated[int, Field(ge=0, le=LARGEST_QUANTITY)]


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
