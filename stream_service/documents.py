"""The payloads of the stream's frames. Their schemas are published."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.log.documents import ITEM, Item, Operation, PositionText, Timestamp


class Update(BaseModel):
    """An item was changed: the item as it is now, or as it last was."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"event": "UPDATE", "data": ITEM, "actor": "ann", "changed_at": ITEM["updated_at"]}]
        }
    )

    event: Operation
    data: Item
    actor: Annotated[str, Field(description="Who changed it")]
    changed_at: Timestamp


class Heartbeat(BaseModel):
    """The stream is alive: where the log stands, and what time it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"head": "3f9c01ab-1042", "at": "2026-11-25T12:00:10.000000Z"}]}
    )

    head: PositionText
    at: Timestamp


class Reset(BaseModel):
    """The position that was asked for can't be served: load the stock again. The stream goes on from the head."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "the position is of another log", "head": "3f9c01ab-1042"}]}
    )

    reason: str
    head: PositionText


class Busy(BaseModel):
    """There is no place for another stream now: this one ends, and the client comes back after `retry`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "too many streams are open", "full": True}]})

    reason: str
    full: Annotated[bool, Field(description="Whether a limit is reached; otherwise the server will soon be able to")]


Snapshot = list[Item]
