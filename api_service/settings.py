"""What the API needs to know."""

from __future__ import annotations

from pydantic import Field

from shared.settings import Settings


class ApiSettings(Settings):
    """Settings of `api_service`."""

    events_url: str | None = Field(
        None,
        description="What the dashboard subscribes to; unset: the page's host, at the port of `STREAM_BIND`",
        pattern=r"^(https?://[^\s]+|/[^\s]*)$",
    )
    api_pool_size: int = Field(10, ge=1, le=200, description="Database connections that the API may hold")
    max_body_bytes: int = Field(65_536, ge=1024, description="Largest request body that is read")
    max_import_bytes: int = Field(16 * 2**20, ge=1024, description="Largest CSV file that is imported")
    max_import_rows: int = Field(200_000, ge=1, description="Most rows of a CSV file that is imported")
