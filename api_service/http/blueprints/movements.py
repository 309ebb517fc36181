"""`/api/movements` and `/api/transfers`: quantities that change together, and why."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import Blueprint, Response
from quart_schema import tag_blueprint

from api_service import booking
from api_service.booking import Line, NotAllowedError, RefusedLinesError, Transfer, UndoError
from api_service.http.access import actor_of, editable, visible
from api_service.http.answers import invalid, no_such_item, refuse_if_not_editable
from api_service.http.headers import Booked, RepeatableWrite
from api_service.http.idempotency import make_once
from api_service.http.movement_models import (
    BookedLineDocument,
    MovementDocument,
    NewMovement,
    NewTransfer,
    UndoQuery,
)
from api_service.http.operations import operation
from api_service.http.scope import location_of_new_item
from api_service.http.services import services
from api_service.store import items, locations, movements
from shared.web.problems import FieldError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api_service.booking import BookedLine, Refusal
    from api_service.http.movement_models import MovementLine
    from api_service.store.items import Actor
    from shared.db.database import Connection

blueprint = Blueprint("movements", __name__, url_prefix="/api")
tag_blueprint(blueprint, ["Movements"])

TRANSFER = "moved"
UNDOING = "corrected"


@blueprint.post("/movements")
@operation(
    MovementDocument,
    HTTPStatus.CREATED,
    body=NewMovement,
    headers=RepeatableWrite,
    answer_headers=Booked,
    other=HTTPStatus.OK,
    problems=(HTTPStatus.CONFLICT,),
)
async def create_movement(body: NewMovement, headers: RepeatableWrite) -> Response:
    """Book changes of quantities that belong together: all of them, or none.

    If a line can't be booked, the answer is 409: `errors` names each such line by its index, with the reason and the
    item as it is. A line with a `version` is refused if its item has been changed. Lines that change nothing are
    answered, but not logged, except counts; if none changes anything, the answer is 200, and there is no movement.
    """
    actor = actor_of(headers, body)
    lines = [_line(line) for line in body.lines]

    async def create(connection: Connection) -> Response:
        async with connection.transaction():
            try:
                booked = await booking.book(connection, lines, actor=actor, visible=visible())
            except RefusedLinesError as error:
                raise _refused(error.refusals) from None
            return await _answer(connection, booked, actor)

    return await make_once(headers.key, create, body)


@blueprint.get("/movements/<int:movement_id>")
@operation(MovementDocument)
async def get_movement(movement_id: int) -> Response:
    """Get a movement, with its lines at the locations that you may see."""
    async with services().pools.reading() as connection:
        document = await movements.select_movement(connection, movement_id, visible())
    if document is None:
        raise _no_movement(movement_id)
    return Response(document, content_type="application/json")


@blueprint.post("/movements/<int:movement_id>/undo")
@operation(
    MovementDocument,
    HTTPStatus.CREATED,
    query=UndoQuery,
    headers=RepeatableWrite,
    answer_headers=Booked,
    problems=(HTTPStatus.CONFLICT,),
)
async def undo_movement(movement_id: int, query: UndoQuery, headers: RepeatableWrite) -> Response:
    """Book the opposite of a movement, as a movement that names it.

    Quantities change by the opposite amount, so what was booked since stays. Other fields get their former values, and
    deleted items are restored; an item that the movement has added stays. If that is not possible, the answer is 409
    and nothing changes. A movement can be undone once.
    """
    actor = actor_of(headers)._replace(reason=UNDOING, note=query.note)

    async def undo(connection: Connection) -> Response:
        async with connection.transaction():
            if await movements.select_movement(connection, movement_id, visible()) is None:
                raise _no_movement(movement_id)
            try:
                booked = await booking.undo(connection, movement_id, actor=actor)
            except NotAllowedError:
                raise Problem(HTTPStatus.FORBIDDEN, f"You may not undo movement {movement_id}.") from None
            except UndoError as error:
                raise Problem(HTTPStatus.CONFLICT, f"{error}. Nothing was changed.") from None
            except RefusedLinesError as error:
                raise _refused(error.refusals) from None
            return await _answer(connection, booked, actor)

    return await make_once(headers.key, undo)


@blueprint.post("/transfers")
@operation(
    MovementDocument,
    HTTPStatus.CREATED,
    body=NewTransfer,
    headers=RepeatableWrite,
    answer_headers=Booked,
    problems=(HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND),
)
async def create_transfer(body: NewTransfer, headers: RepeatableWrite) -> Response:
    """Move quantities to another location, as one movement with the reason `moved`: all of them, or none.

    Each arrives at the item there that has the same code, else the same name; without one, the item is added with the
    same fields. What is left behind stays, also at 0; with `close` it is deleted. If a line can't be moved, the answer
    is 409: `errors` names it by its index, with the reason and the item as it is.
    """
    given = [body] if body.is_of_one else body.lines
    lines = [Transfer(line.item, line.quantity, line.close, line.version) for line in given]
    actor = actor_of(headers)._replace(reason=TRANSFER, note=body.note)

    async def move(connection: Connection) -> Response:
        async with connection.transaction():
            if body.is_of_one:
                await _check_source(connection, body.item, body.to)
            await _check_destination(connection, body.to)
            try:
                booked = await booking.transfer(connection, lines, body.to, actor=actor, visible=visible())
            except RefusedLinesError as error:
                raise (_refused_transfer if body.is_of_one else _refused)(error.refusals) from None
            return await _answer(connection, booked, actor)

    return await make_once(headers.key, move, body)


async def _check_source(connection: Connection, item_id: int, to: int) -> None:
    """Raise a problem if the client may not change the item, or it is at this location."""
    source = await items.select_item(connection, item_id, visible())
    if source is None:
        no_such_item(item_id)
    location = json.loads(source.document)["location"]
    refuse_if_not_editable(item_id, location)
    if location == to:
        raise invalid("to", "is the location of the item itself")


async def _check_destination(connection: Connection, location: int) -> None:
    """Raise a problem if there is no such location, or the client may not change it."""
    await location_of_new_item(location, field="to")
    if await locations.select_location(connection, location, visible=visible(), editable=editable()) is None:
        raise invalid("to", "there is no such location")


def _line(line: MovementLine) -> Line:
    given = line.model_fields_set
    return Line(
        line.item,
        adjust=line.adjust if "adjust" in given else None,
        set_to=line.set_to if "set_to" in given else None,
        version=line.version,
    )


def _no_movement(movement_id: int) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"There is no movement {movement_id}.")


def _refused(refusals: Sequence[Refusal]) -> Problem:
    """A 409 problem that names each refused line by its index."""
    errors = [
        _field_error(f"lines.{refusal.line}.{refusal.field}", refusal.message, refusal.current) for refusal in refusals
    ]
    detail = f"Line {refusals[0].line}: {refusals[0].message}"
    if len(refusals) > 1:
        detail += f" (and {len(refusals) - 1} more)"
    return Problem(HTTPStatus.CONFLICT, f"{detail}. Nothing was booked.", errors=errors)


def _refused_transfer(refusals: Sequence[Refusal]) -> Problem:
    """A 409 problem about the only line."""
    (refusal,) = refusals
    errors = [_field_error(refusal.field, refusal.message, refusal.current)]
    return Problem(HTTPStatus.CONFLICT, f"{refusal.field}: {refusal.message}. Nothing was moved.", errors=errors)


def _field_error(field: str, message: str, current: dict[str, object] | None) -> FieldError:
    error = FieldError(field=field, message=message)
    if current is not None:
        error["current"] = current
    return error


async def _answer(connection: Connection, booked: booking.Booked, actor: Actor) -> Response:
    """The movement that the current transaction has booked. Its lines are logged at the commit."""
    lines = [_document(line) for line in sorted(booked.lines)]
    begun = movements.NOTHING_BEGUN
    if booked.movement is not None:
        begun = await movements.select_begun_movement(connection, booked.movement)
    document = MovementDocument.model_validate(
        {**begun._asdict(), "id": booked.movement, "reason": actor.reason, "note": actor.note}
        | {"undone_by": None, "complete": True, "lines": lines}
    )
    status = HTTPStatus.OK if booked.movement is None else HTTPStatus.CREATED
    response = Response(document.model_dump_json(by_alias=True), status, content_type="application/json")
    if booked.movement is not None:
        response.headers["Location"] = f"{blueprint.url_prefix}/movements/{booked.movement}"
    return response


def _document(line: BookedLine) -> BookedLineDocument:
    return BookedLineDocument(
        item=line.item, name=line.name, location=line.location, from_=line.before, to=line.after, version=line.version
    )
