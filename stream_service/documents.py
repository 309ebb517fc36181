"""The payloads of the stream's frames. Their schemas are published."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.log.documents import ITEM, Item, Operation, PositionText, Timestamp
from shared.log.fields import Reason


class Update(BaseModel):
    """A change of an item. `data` is the item after it; before it, if it was deleted."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"event": "UPDATE", "data": ITEM, "actor": "ann", "changed_at": ITEM["updated_at"]}]
        }
    )

    event: Operation
    data: Item
    actor: Annotated[str, Field(description="Who changed it")]
    on_behalf_of: Annotated[str | None, Field(description="For whom, as the service that changed it said")] = None
    movement: Annotated[int | None, Field(ge=1, description="Id of the movement that it belongs to")] = None
    reason: Annotated[Reason | None, Field(description="The reason for the movement")] = None
    note: Annotated[str | None, Field(description="The note of the movement")] = None
    changed_at: Timestamp


class Heartbeat(BaseModel):
    """The stream is alive. `head` is the last event of the log, `at` the current time."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"head": "3f9c01ab-1042", "at": "2026-11-25T12:00:10.000000Z"}]}
    )

    head: PositionText
    at: Timestamp


class Reset(BaseModel):
    """Load the stock again: the position is not in this log, or the rights have changed.

    The stream continues from `head`.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "the position is of another log", "head": "3f9c01ab-1042"}]}
    )

    reason: str
    head: PositionText


class Busy(BaseModel):
    """The server can't serve this stream now. It ends; reconnect after `retry`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "too many streams are open", "full": True}]})

    reason: str
    full: Annotated[bool, Field(description="Whether a limit is reached. Otherwise reconnecting will soon succeed")]


class SignedOut(BaseModel):
    """The stream ends: the session or the token is not valid any more, or the account has no role."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "revoked"}]})

    reason: Literal["signed out", "revoked", "expired", "deactivated", "no access"]


Snapshot = list[Item]
