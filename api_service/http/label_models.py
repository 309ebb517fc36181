"""Models of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from api_service.http.models import Query
from api_service.validation import IdText
from shared.log.documents import ITEM, ItemId

if TYPE_CHECKING:
    from pydantic.config import JsonDict

MAX_LABELS = 200
_QR_CODE: JsonDict = {"width": 21, "height": 21, "path": "M0 0h7v1h-7zM8 0h1v1h-1z"}
_CODE_128: JsonDict = {"width": 123, "height": 1, "path": "M0 0h2v1h-2zM3 0h1v1h-1z"}


class LabelsQuery(Query):
    item: list[IdText] = Field([], max_length=MAX_LABELS, description="Ids of items, in the order of their labels")


class SymbolDocument(BaseModel):
    """The dark modules of a QR code or a bar code, which needs a light margin: 4 modules around, or 10 at each end."""

    model_config = ConfigDict(json_schema_extra={"examples": [_QR_CODE]})

    width: Annotated[int, Field(ge=1, description="In modules")]
    height: Annotated[int, Field(ge=1, description="In modules; 1 for a bar code")]
    path: Annotated[str, Field(description="The `d` of an SVG path, in which a module has the size 1")]


class Label(BaseModel):
    """What the label of an item shows."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {name: ITEM[name] for name in ("id", "name", "code", "location")}
                | {"text": ITEM["code"], "qr": _QR_CODE, "code_128": _CODE_128}
            ]
        }
    )

    id: ItemId
    name: str
    code: str | None
    location: ItemId
    text: Annotated[str, Field(description="What the QR code holds: the item's code, or else its address")]
    qr: SymbolDocument
    code_128: Annotated[SymbolDocument | None, Field(description="The code as bars; null unless it is printable ASCII")]
