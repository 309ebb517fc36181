"""Documents that both services answer with. Their schemas are published."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, RootModel


class Health(BaseModel):
    """The service is alive, or ready."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ready"}]})

    status: Literal["alive", "ready"]


class Metrics(RootModel[str]):
    """Metrics, in the text format of Prometheus."""

    media_type: ClassVar = "text/plain"
    example: ClassVar = "stockstream_head 1042.0\n"
