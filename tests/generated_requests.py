"""Hooks for schemathesis: what a schema can't say of a request that is right. Loaded by its command line."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from typing import TYPE_CHECKING, Any

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree

from api_service.http.cursors import Cursor
from api_service.http.models import CURSOR_PATTERN

if TYPE_CHECKING:
    from schemathesis import Case, HookContext
    from schemathesis.core.failures import Failure
    from schemathesis.core.transport import Response

# Requests that are right in form, and refused because of the state that they meet: 422, as the API's contract has it.
REFUSED_BY_STATE = re.compile(
    r"as_of: (the log ends at|the position is of another log|lies in the future)"  # an event that has not happened yet
    r"|since: must lie in the past"
)


RESTORED: set[object] = set()


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    if case.path.endswith("/restore") and response.status_code == 201:
        RESTORED.add(case.path_parameters["item_id"])


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """False for a failure that is none."""
    if isinstance(failure, UseAfterFree):
        # That history outlives its item, and that an item can be brought back, is what they are for.
        return not (case.path.endswith("/history") or case.path_parameters["item_id"] in RESTORED)
    if isinstance(failure, RejectedPositiveData) and response.status_code == 422:
        return not REFUSED_BY_STATE.match(response.json()["detail"])
    # A cell of CSV has no type: the number 7, where a name is asked for, is as good as any name.
    return not (isinstance(failure, AcceptedNegativeData) and case.media_type == "text/csv")


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Mend what a schema can't say."""
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch("[!-~]{1,200}", key):
        case.headers["Idempotency-Key"] = f"{key}-{_digest(case)}"
    versions = case.headers.get("If-Match")
    if isinstance(versions, str) and len(versions) % 2:
        case.headers["If-Match"] = "*"  # else hardly a write would be let through
    after = case.query.get("after")
    if case.operation.path == "/api/inventories" and isinstance(after, str) and re.fullmatch(CURSOR_PATTERN, after):
        case.query["after"] = _cursor(after, case.query.get("sort", "-updated_at"))
    if isinstance(case.body, dict):
        case.body = {name: _as_integer(value) for name, value in case.body.items()}


def _digest(case: Case[Any]) -> str:
    """A key is for one request; the same request may come again with it."""
    request = f"{case.method} {case.path} {case.path_parameters} {case.headers.get('If-Match')} {case.body!r}"
    return hashlib.sha256(request.encode(errors="replace")).hexdigest()[:16]


def _cursor(drawn: str, sort: object) -> str:
    """One that a page in this order could have ended with, instead of the letters that were drawn."""
    keys = {"name": drawn, "quantity": str(len(drawn)), "updated_at": "2026-11-25T12:00:00.000000Z"}
    order: Any = sort
    return Cursor(order, keys.get(str(sort).removeprefix("-"), drawn), 7).encode()


def _as_integer(value: Any) -> Any:
    """To JSON Schema 1.0 is an integer; to the API it is not one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.serializer("text/csv")
def to_csv(context: Any, rows: Any) -> bytes:
    """Rows as a file. Only new items: an id must be of an item that there is, which no schema knows."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return str(rows).encode()
    text = io.StringIO()
    writer = csv.DictWriter(text, ["name", "quantity"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
