"""`/api/inventories/import` and `/export`: the stock as CSV."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
import time
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any

from quart import Blueprint, Response, current_app, request
from quart_schema import document_headers, document_querystring, document_request, document_response, tag_blueprint

from api_service import csv_format, past
from api_service.connections import one_snapshot
from api_service.gates import gates
from api_service.headers import Exported, Imported, RepeatableWrite
from api_service.idempotency import once
from api_service.importing import Import, ImportUnderWayError, RefusedImportError, TooManyRowsError
from api_service.models import ExportFile, ExportQuery, ImportFile, ImportQuery, ImportResult
from api_service.requests import actor, read_query, refuse_unknown_parameters, stream_body
from api_service.store import history, items
from shared.database import acquire
from shared.problems import FieldError, Problem, document_problems

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from api_service.csv_format import Fault
    from api_service.gates import Gate
    from api_service.store.items import Criteria
    from shared.database import Connection, Pool

blueprint = Blueprint("transfers", __name__, url_prefix="/api/inventories")
blueprint.before_request(refuse_unknown_parameters)
tag_blueprint(blueprint, ["Import and export"])

MEMORY_BYTES = 1024 * 1024  # of a file; what is larger waits on disk
PAGE_ITEMS = 1_000
PATIENCE_SECONDS = 30.0  # for an import of another process to end
POLL_SECONDS = 0.25


class PrunedError(Exception):
    """The past that is exported was pruned meanwhile: better a download that breaks off than one that is wrong."""


@blueprint.get("/export")
@document_querystring(ExportQuery)
@document_response(ExportFile, 200, Exported)
@document_problems(HTTPStatus.GONE)
async def export_items() -> Response:
    """Export the stock as CSV, item by item.

    All of it is of one position (`Last-Event-ID`), whatever changes meanwhile. A text that a spreadsheet would take for
    a formula has an apostrophe before it, which an import takes away again.
    """
    query = read_query(ExportQuery)
    async with one_snapshot() as connection:
        event_id, state = await past.find(connection, query.as_of)
    readers, scans = current_app.extensions["pools"].readers, gates().scans
    lines = _csv_lines(readers, scans, event_id, query.criteria(), with_mark=query.bom == "1")
    response = Response(lines, content_type="text/csv; charset=utf-8")
    response.headers["Last-Event-ID"] = state.position
    response.headers["Content-Disposition"] = f'attachment; filename="stock-{state.position}.csv"'
    response.timeout = None
    return response


async def _csv_lines(
    readers: Pool, scans: Gate, event_id: int, criteria: Criteria, *, with_mark: bool
) -> AsyncIterator[str]:
    """A page at a time, so that no connection waits for the client to read."""
    yield csv_format.BYTE_ORDER_MARK * with_mark + csv_format.write_header()
    last_id = 0
    while True:
        async with scans.entered(), acquire(readers) as connection:
            page = await items.select_page_of_past_items(
                connection, event_id, criteria=criteria, after=last_id, limit=PAGE_ITEMS
            )
            if (await history.select_extent(connection)).floor > event_id:
                raise PrunedError
        if not page:
            return
        last_id = page[-1][0]
        yield csv_format.write_rows(json.loads(document) for _, document in page if document is not None)


@blueprint.post("/import")
@document_headers(RepeatableWrite)
@document_querystring(ImportQuery)
@document_request(ImportFile)
@document_response(ImportResult, 200, Imported)
@document_problems(HTTPStatus.CONFLICT)
async def import_items() -> Response:
    """Import a CSV file: all of it, in one transaction, or nothing.

    The first line names the columns: `name` and `quantity`, and if wanted other fields, `id` (the item to change; empty
    for a new one) and `version` (then the item must still have it). A field without a column stays as it is; an empty
    cell clears it. The file that an export gives can be imported. What is wrong is told by line, column and reason, the
    first 100 of it. With `dry_run=1` the file is only checked.
    """
    is_dry_run = read_query(ImportQuery).dry_run == "1"
    if request.mimetype != "text/csv":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be text/csv.")
    who = actor()
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as file:
        digest = await _spool(file)
        if is_dry_run:
            async with gates().checks.entered(), one_snapshot() as connection:
                return await _answer(_new_import(connection, who).check(file))

        async def run(connection: Connection) -> Response:
            async with connection.transaction():
                return await _answer(_new_import(connection, who).run(file))

        async with gates().imports.entered():
            return await _when_no_other_is_at_work(lambda: once(run, digest))


async def _spool(file: IO[bytes]) -> bytes:
    """Take the body in, and return its digest: a client that is slow holds up nothing else."""
    digest = hashlib.sha256()
    async for chunk in stream_body(current_app.extensions["settings"].max_import_bytes):
        digest.update(chunk)
        file.write(chunk)
    file.seek(0)
    return digest.digest()


async def _when_no_other_is_at_work(run: Callable[[], Awaitable[Response]]) -> Response:
    """Run an import, if need be again: one of another process may be at work. No connection is held in between."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await run()
        except ImportUnderWayError:
            if time.monotonic() > deadline:
                raise gates().imports.busy() from None
        await asyncio.sleep(POLL_SECONDS)


def _new_import(connection: Connection, who: str | None) -> Import:
    return Import(connection, current_app.extensions["settings"].max_import_rows, actor=who)


async def _answer(importing: Coroutine[Any, Any, ImportResult]) -> Response:
    try:
        result = await importing
    except RefusedImportError as refused:
        detail = f"Nothing was imported: {_tell(refused.faults[0])}"
        if refused.count > 1:
            detail += f" (and {refused.count - 1} more)"
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"{detail}.",
            errors=[_field_error(fault) for fault in refused.faults],
            error_count=refused.count,
        ) from None
    except TooManyRowsError:
        most_rows = current_app.extensions["settings"].max_import_rows
        detail = f"Nothing was imported: the file has more than {most_rows} rows."
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail) from None
    return Response(result.model_dump_json(), content_type="application/json")


def _tell(fault: Fault) -> str:
    return f"line {fault.line}: {fault.field + ' ' if fault.field else ''}{fault.message}"


def _field_error(fault: Fault) -> FieldError:
    error = FieldError(field=fault.field or "line", message=fault.message, line=fault.line)
    if fault.column is not None:
        error["column"] = fault.column
    return error
