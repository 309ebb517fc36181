"""Hooks for schemathesis, loaded by schemathesis.toml: rules for requests that a schema can't express."""

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

# Well-formed requests that get a 422 because of the current state, or by rules that a schema can't express.
REFUSED_ANYWAY = re.compile(
    r"as_of: (the log ends at|the position is of another log|lies in the future)"  # the event does not exist yet
    r"|since: must lie in the past"
    r"|expires_at: must lie in the future"
    r"|account: there is no account"
    r"|(location|parent|to|grants): there is no"
    r"|to: is the location of the item itself"
    r"|lines: item \d+ is in two lines"
    r"|grants\.\d+: admin is a role for all locations"
    r"|name: must (not contain|have at most)"  # RFC 8265 excludes characters that no short pattern can
    r"|password: must not"
)


OWN_ID = 1  # of the account and the token that sign these requests
RESTORED: set[object] = set()


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    if case.path.endswith("/restore") and response.status_code == 201:
        RESTORED.add(case.path_parameters["item_id"])


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Return False to ignore a failure."""
    if isinstance(failure, UseAfterFree):
        # History outlives its item, and a restored item exists again.
        return not (case.path.endswith("/history") or case.path_parameters["item_id"] in RESTORED)
    if case.path.endswith("/import/table") and isinstance(failure, RejectedPositiveData | AcceptedNegativeData):
        return False  # the body is any file, of which only tables can be read
    if isinstance(failure, RejectedPositiveData) and response.status_code == 422:
        return not REFUSED_ANYWAY.match(response.json()["detail"])
    # CSV cells have no type, so the number 7 is a valid name.
    return not (isinstance(failure, AcceptedNegativeData) and case.media_type == "text/csv")


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Make a generated request valid where the schema can't express a rule."""
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch("[!-~]{1,200}", key):
        case.headers["Idempotency-Key"] = f"{key}-{_digest(case)}"
    versions = case.headers.get("If-Match")
    if isinstance(versions, str) and len(versions) % 2:
        case.headers["If-Match"] = "*"  # otherwise almost every write would get a 412
    after = case.query.get("after")
    if case.operation.path == "/api/inventories" and isinstance(after, str) and re.fullmatch(CURSOR_PATTERN, after):
        case.query["after"] = _cursor(after, case.query.get("sort", "-updated_at"))
    for own in ("account_id", "token_id"):
        if str(case.path_parameters.get(own)) == str(OWN_ID) and case.method in {"DELETE", "PATCH"}:
            case.path_parameters[own] = OWN_ID + 1  # else all later requests would be refused
    if isinstance(case.body, dict):
        case.body = _with_integers(case.body)


def _digest(case: Case[Any]) -> str:
    """Return a digest of a request, which makes idempotency keys unique to their request."""
    parts = (case.method, case.path, case.path_parameters, case.query, case.headers.get("If-Match"), case.body)
    request = " ".join(map(repr, parts))
    return hashlib.sha256(request.encode(errors="replace")).hexdigest()[:16]


def _cursor(drawn: str, sort: object) -> str:
    """Return a valid cursor for this sort order, derived from the generated text."""
    keys = {"name": drawn, "quantity": str(len(drawn)), "updated_at": "2026-11-25T12:00:00.000000Z"}
    order: Any = sort
    return Cursor(order, keys.get(str(sort).removeprefix("-"), drawn), 7).encode()


def _with_integers(value: Any) -> Any:
    """Convert each 1.0 to 1. JSON Schema accepts 1.0 as an integer, the API does not."""
    if isinstance(value, dict):
        return {name: _with_integers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_integers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.serializer("text/csv")
def to_csv(context: Any, rows: Any) -> bytes:
    """Serialize rows as CSV. Omits the id, since the schema does not know which items exist."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return str(rows).encode()
    text = io.StringIO()
    writer = csv.DictWriter(text, ["name", "quantity"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
