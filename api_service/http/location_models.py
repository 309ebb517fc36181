"""Models of locations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from api_service.http.models import Body
from shared.log.documents import ItemId, drop_defaults
from shared.log.fields import CONTROL, SPACE, VISIBLE, Line

if TYPE_CHECKING:
    from pydantic.config import JsonDict

MAX_NAME_LENGTH = 100


def _refuse_slashes(name: str) -> str:
    if "/" in name:
        raise ValueError("must not contain slashes, which separate the names in a path")
    return name


_REST = f"([^/{CONTROL}]{{0,{MAX_NAME_LENGTH - 2}}}(?!/){VISIBLE})?"
LocationName = Annotated[
    str,
    Line(MAX_NAME_LENGTH),
    AfterValidator(_refuse_slashes),
    WithJsonSchema(
        {"type": "string", "pattern": f"^[{SPACE}]*(?!/){VISIBLE}{_REST}[{SPACE}]*$"}
        | {"description": f"1 to {MAX_NAME_LENGTH} characters after trimming, no slashes or control characters"}
    ),
]
Parent = Annotated[ItemId | None, Field(description="The location that it lies in; null: none")]
LOCATION: JsonDict = {"id": 2, "name": "Shelf 3", "parent": 1, "path": "Main/Shelf 3", "editable": True}


class NewLocation(Body):
    """A location to create."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Shelf 3", "parent": 1}]})

    name: LocationName
    parent: Parent = None


def _without_defaults(schema: dict[str, Any]) -> None:
    drop_defaults(schema)
    schema["examples"] = [{"name": "Shelf 4"}]


class LocationChange(Body):
    """New values of a location. Fields that are left out keep theirs."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: LocationName = ""
    parent: Parent = None


class LocationDocument(BaseModel):
    """A location."""

    model_config = ConfigDict(json_schema_extra={"examples": [LOCATION]})

    id: ItemId
    name: str
    parent: Annotated[ItemId | None, Field(description="The location that it lies in; null if you may not see that")]
    path: Annotated[str, Field(description="The names from the topmost location that you may see down to this one")]
    editable: Annotated[bool, Field(description="Whether you may change the items here")]
