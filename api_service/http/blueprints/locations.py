"""`/api/locations`: where the stock is."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from quart import Blueprint, Response
from quart_schema import tag_blueprint

from api_service.http.access import Need, actor_of, editable, needs, visible
from api_service.http.answers import invalid
from api_service.http.headers import Write
from api_service.http.location_models import LocationChange, LocationDocument, NewLocation
from api_service.http.operations import operation
from api_service.http.services import services
from api_service.store import access_log, locations
from api_service.store.access_log import Action
from api_service.store.locations import LocationInUseError, UnknownParentError
from shared.web.problems import Problem

if TYPE_CHECKING:
    from shared.db.database import Connection

blueprint = Blueprint("locations", __name__, url_prefix="/api/locations")
tag_blueprint(blueprint, ["Locations"])

NOBODY = "somebody"  # in the access log, without accounts and without X-Actor


@blueprint.get("")
@operation(list[LocationDocument])
async def list_locations() -> Response:
    """List the locations that you may see, in the order of their paths."""
    async with services().pools.reading() as connection:
        return _json(await locations.select_locations(connection, visible=visible(), editable=editable()))


@blueprint.post("")
@needs(Need.MANAGER)
@operation(LocationDocument, HTTPStatus.CREATED, body=NewLocation, headers=Write, problems=(HTTPStatus.CONFLICT,))
async def create_location(body: NewLocation, headers: Write) -> Response:
    """Create a location. Its name must be unique among those with the same parent; otherwise the answer is 409."""
    async with services().pools.writing() as connection, connection.transaction():
        try:
            location_id = await locations.insert_location(connection, body.name, body.parent)
        except UnknownParentError:
            raise _unknown_parent(body.parent) from None
        await _log(connection, headers, Action.CREATE_LOCATION, body.name, parent=body.parent)
        return _json(await _find(connection, location_id), HTTPStatus.CREATED)


@blueprint.get("/<int:location_id>")
@operation(LocationDocument)
async def get_location(location_id: int) -> Response:
    """Get one location."""
    async with services().pools.reading() as connection:
        return _json(await _find(connection, location_id))


@blueprint.patch("/<int:location_id>")
@needs(Need.MANAGER)
@operation(LocationDocument, body=LocationChange, headers=Write, problems=(HTTPStatus.CONFLICT,))
async def change_location(location_id: int, body: LocationChange, headers: Write) -> Response:
    """Rename a location, or move it and everything below it to another parent (null: to the top).

    Roles that were granted for the parents no longer hold below them; those of the new ones do.
    """
    given = body.model_dump(exclude_unset=True)
    async with services().pools.writing() as connection, connection.transaction():
        former = json.loads(await _find(connection, location_id))
        if given.get("name", former["name"]) != former["name"]:
            await locations.rename_location(connection, location_id, body.name)
        if given.get("parent", former["parent"]) != former["parent"]:
            try:
                await locations.move_location(connection, location_id, body.parent)
            except UnknownParentError:
                raise _unknown_parent(body.parent) from None
        document = await _find(connection, location_id)
        if json.loads(document) != former:
            await _log(connection, headers, Action.CHANGE_LOCATION, former["name"], **given)
    return _json(document)


@blueprint.delete("/<int:location_id>")
@needs(Need.MANAGER)
@operation(None, HTTPStatus.NO_CONTENT, headers=Write, problems=(HTTPStatus.CONFLICT,))
async def delete_location(location_id: int, headers: Write) -> Response:
    """Delete a location, and the roles that were granted for it. It must have no items and no other locations."""
    async with services().pools.writing() as connection, connection.transaction():
        try:
            name = await locations.delete_location(connection, location_id)
        except LocationInUseError:
            detail = f"Location {location_id} has items or other locations. Nothing was deleted."
            raise Problem(HTTPStatus.CONFLICT, detail) from None
        if name is None:
            raise _no_location(location_id)
        await _log(connection, headers, Action.DELETE_LOCATION, name)
    return Response(status=HTTPStatus.NO_CONTENT)


async def _find(connection: Connection, location_id: int) -> str:
    document = await locations.select_location(connection, location_id, visible=visible(), editable=editable())
    if document is None:
        raise _no_location(location_id)
    return document


def _no_location(location_id: int) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"There is no location {location_id}.")


def _unknown_parent(parent: int | None) -> Problem:
    return invalid("parent", f"there is no location {parent}")


async def _log(connection: Connection, headers: Write, action: Action, subject: str, **detail: Any) -> None:
    await access_log.insert_entry(connection, actor_of(headers).name or NOBODY, action, subject, **detail)


def _json(document: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(document, status, content_type="application/json")
