"""The locations that a request is about, as far as the client may see or change them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from api_service.http.access import editable, visible
from api_service.http.answers import invalid
from api_service.http.services import services
from api_service.store import locations
from shared.access.principals import contains
from shared.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.access.principals import Locations


async def find_scope(asked: Sequence[int]) -> Locations:
    """These locations with everything below them, or all that the client may see.

    Like a location that does not exist, one that the client may not see selects nothing, even if something below it is
    visible: otherwise it would tell what it lies in.
    """
    if not asked:
        return visible()
    async with services().pools.reading() as connection:
        return await locations.select_scope(connection, asked, visible())


async def location_of_new_item(asked: int | None, field: str = "location") -> int | None:
    """The location to add an item at; None for the oldest one. Raises a problem if the client may not do that there.

    ``field`` is the field of the request that names it.
    """
    allowed = editable()
    if asked is None:
        return None if allowed is None else allowed[0]
    if contains(allowed, asked):
        return asked
    async with services().pools.reading() as connection:
        found = await locations.select_location(connection, asked, visible=visible(), editable=allowed)
    if found is None:
        raise invalid(field, "there is no such location")
    raise Problem(HTTPStatus.FORBIDDEN, f"You may only read at location {asked}.")
