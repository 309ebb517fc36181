"""Answers of handlers, and the problems that explain why a write changed nothing."""

from __future__ import annotations

import contextlib
import json
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

from quart import Response

from api_service.http.access import editable, visible
from api_service.http.services import services
from api_service.store import history, items
from api_service.store.history import EventCriteria
from shared.access.principals import contains
from shared.db.errors import DatabaseUnavailableError
from shared.log.fields import MAX_QUANTITY
from shared.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api_service.limits import BusyError
    from api_service.sign_in import ThrottledError
    from api_service.store.connections import (
        CodeTakenError,
        LastAdminError,
        NameTakenError,
        TreeError,
        UnknownLocationError,
    )
    from api_service.store.items import StoredItem
    from shared.db.database import Connection
    from shared.web.problems import FieldError


BUSY_RETRY_SECONDS = 5


def item_answer(item: StoredItem, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> Response:
    """An item, with its ETag."""
    return Response(
        item.document,
        status.value,
        headers={"ETag": f'"{item.tag}"', **headers},
        content_type="application/json",
    )


def no_such_item(item_id: int) -> NoReturn:
    raise Problem(HTTPStatus.NOT_FOUND, f"There is no item {item_id}.")


def problem_with(item: StoredItem, status: HTTPStatus, detail: str, errors: Sequence[FieldError] = ()) -> Problem:
    """A problem that shows this item as it is now, with its ETag."""
    headers = {"ETag": f'"{item.tag}"'}
    return Problem(status, detail, errors=errors, headers=headers, current=json.loads(item.document))


async def explain_refusal(
    connection: Connection, item_id: int, versions: list[int] | None, adjust: int = 0
) -> NoReturn:
    """Explain why a write changed nothing: no such item, another version, or a bad quantity. Raises a problem."""
    item = await items.select_item(connection, item_id, visible())
    if item is None:
        no_such_item(item_id)
    refuse_if_not_editable(item_id, json.loads(item.document)["location"])
    if versions is None and adjust == 0:
        no_such_item(item_id)  # it was restored just after the write
    if versions is not None and item.version not in versions:
        detail = f"Item {item_id} has been changed: it is at version {item.version}."
        raise problem_with(item, HTTPStatus.PRECONDITION_FAILED, detail)
    if 0 <= json.loads(item.document)["quantity"] + adjust <= MAX_QUANTITY:
        status = HTTPStatus.CONFLICT if versions is None else HTTPStatus.PRECONDITION_FAILED
        detail = f"Item {item_id} was changed by someone else at the same moment. Your change was not made; try again."
        raise problem_with(item, status, detail)
    limit = "below 0" if adjust < 0 else f"above {MAX_QUANTITY}"
    detail = f"Adjusting item {item_id} by {adjust:+d} would take its quantity {limit}; nothing was changed."
    raise problem_with(item, HTTPStatus.CONFLICT, detail)


def refuse_if_not_editable(item_id: int, location: int) -> None:
    """Answer 403 if the account may only read at this location."""
    if not contains(editable(), location):
        raise _may_only_read(item_id)


def _may_only_read(item_id: int) -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, f"You may only read at the location of item {item_id}.")


def invalid(field: str, message: str) -> Problem:
    """A 422 problem about one field of a request."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {message}", errors=[{"field": field, "message": message}]
    )


async def busy(error: BusyError) -> Response:
    """The answer when no slot was free in time. An error handler of the app."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"The server is busy with other {error.work}. Nothing was changed; try again.",
        headers={"Retry-After": str(BUSY_RETRY_SECONDS)},
    ).response()


async def throttled(error: ThrottledError) -> Response:
    """The answer to one more attempt to sign in after too many. An error handler of the app."""
    minutes = math.ceil(error.retry_seconds / 60)
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"Too many attempts to sign in have failed. Try again in {minutes} min.",
        headers={"Retry-After": str(error.retry_seconds)},
    ).response()


async def name_taken(_: NameTakenError) -> Response:
    """The answer to a change that would give two accounts the same name. An error handler of the app."""
    message = "is the name of another account, or looks the same"
    errors: list[FieldError] = [{"field": "name", "message": message}]
    return Problem(HTTPStatus.CONFLICT, f"The name {message}. Nothing was changed.", errors=errors).response()


async def last_admin(_: LastAdminError) -> Response:
    """The answer to a change that would leave no admin. An error handler of the app."""
    return Problem(
        HTTPStatus.CONFLICT, "This is the last admin. Make somebody else an admin first. Nothing was changed."
    ).response()


async def unknown_location(error: UnknownLocationError) -> Response:
    """The answer to a change at a location that does not exist (any more). An error handler of the app."""
    return invalid(error.field, "there is no such location").response()


async def unsound_tree(error: TreeError) -> Response:
    """The answer to a change that would make the tree of locations unsound. An error handler of the app."""
    return Problem(HTTPStatus.CONFLICT, f"{error}. Nothing was changed.").response()


async def code_taken(error: CodeTakenError) -> Response:
    """The answer to a write that would give an item the code of another. An error handler of the app."""
    owner = None
    with contextlib.suppress(DatabaseUnavailableError):  # without the database, the answer does not show the item
        async with services().pools.reading() as connection:
            owner = await items.select_item_with_code(connection, error.code, error.location, visible())
    if owner is None:
        detail = (
            f"Another item at this location has the code {error.code}, or had it a moment ago. Nothing was changed."
        )
        return Problem(HTTPStatus.CONFLICT, detail).response()
    name = json.loads(owner.document)["name"]
    detail = f"Item {owner.id}, {name}, already has the code {error.code}. Nothing was changed."
    message = f"is already the code of item {owner.id}, {name}"
    return problem_with(owner, HTTPStatus.CONFLICT, detail, errors=[{"field": "code", "message": message}]).response()


async def explain_no_restore(connection: Connection, item_id: int) -> NoReturn:
    """Explain why a restore changed nothing: not deleted, never there, or no longer in the log. Raises a problem."""
    item = await items.select_item(connection, item_id, visible())
    if item is not None:
        refuse_if_not_editable(item_id, json.loads(item.document)["location"])
        raise problem_with(item, HTTPStatus.CONFLICT, f"Item {item_id} is not deleted.")
    if not await history.select_item_existed(connection, item_id, visible()):
        no_such_item(item_id)
    if not await history.select_item_existed(connection, item_id, editable()):
        raise _may_only_read(item_id)
    if await history.select_history(connection, EventCriteria(visible(), item=item_id), limit=1):
        raise Problem(HTTPStatus.CONFLICT, f"Item {item_id} was deleted at the same moment. Try again.")
    raise Problem(HTTPStatus.GONE, f"Item {item_id} can't be restored: the log no longer contains it.")
