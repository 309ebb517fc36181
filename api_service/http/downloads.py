"""CSV files, sent page by page. No connection is held while the client reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

from quart import Response, g

from api_service.http.access import visible
from api_service.http.services import services
from shared.access.principals import select_principal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from api_service.http.services import Services
    from shared.access.credentials import Credentials
    from shared.access.principals import Locations
    from shared.db.database import Connection

Row = TypeVar("Row")

PAGE_ROWS = 1_000


class RightsChangedError(Exception):
    """The rights of a client have changed during a download, which is therefore aborted."""


class _Rights(NamedTuple):
    """The rights with which a download began. It may take long, so they are checked again for each page of it."""

    credentials: Credentials | None
    visible: Locations

    @classmethod
    def of_request(cls) -> Self:
        return cls(g.get("credentials"), visible())

    async def check(self, connection: Connection) -> None:
        """Raise RightsChangedError if the client may not see the same any more."""
        if self.credentials is not None:
            found = await select_principal(connection, self.credentials)
            if found is None or found.visible != self.visible:
                raise RightsChangedError


def send_csv(
    name: str,
    header: str,
    read: Callable[[Connection, Row | None], Awaitable[Sequence[Row]]],
    write: Callable[[Sequence[Row]], str],
) -> Response:
    """A CSV file with this name and the day, and this header.

    ``read`` reads the page after a row (None: the first page), and ``write`` makes lines of it. The last page is empty.
    """
    lines = _lines(services(), _Rights.of_request(), header, read, write)
    response = Response(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{datetime.now(UTC):%Y-%m-%d}.csv"'
    response.timeout = None
    return response


async def _lines(
    services: Services,
    rights: _Rights,
    header: str,
    read: Callable[[Connection, Row | None], Awaitable[Sequence[Row]]],
    write: Callable[[Sequence[Row]], str],
) -> AsyncIterator[str]:
    yield header
    last: Row | None = None
    while True:
        async with services.limits.scans.slot(), services.pools.reading() as connection:
            await rights.check(connection)
            page = await read(connection, last)
        if not page:
            return
        last = page[-1]
        yield write(page)
