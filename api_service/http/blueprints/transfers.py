"""`/api/inventories/import` and `/export`: the stock as CSV, and other tables to import."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
import time
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any

from quart import Blueprint, Response
from quart_schema import tag_blueprint

from api_service.http.access import actor_of, visible
from api_service.http.as_of import find_state
from api_service.http.downloads import PAGE_ROWS, send_csv
from api_service.http.headers import Exported, Imported, RepeatableWrite
from api_service.http.idempotency import make_once
from api_service.http.models import ExportFile, ExportQuery, ImportFile, ImportQuery, TableFile
from api_service.http.operations import operation
from api_service.http.requests import stream_body
from api_service.http.scope import find_scope
from api_service.http.services import services, settings
from api_service.store import history, items, locations
from api_service.transfers import csv_format
from api_service.transfers.importing import Import, ImportUnderWayError, RefusedImportError, TooManyRowsError
from api_service.transfers.rows import ImportResult, TableDocument
from api_service.transfers.table import TableError
from api_service.transfers.table_process import read_table
from shared.web.problems import FieldError, Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from api_service.store.items import Actor
    from api_service.transfers.csv_format import Fault
    from shared.db.database import Connection

    PastItem = tuple[int, str | None]  # an id, and the document of the item; None if it did not exist or does not match

blueprint = Blueprint("transfers", __name__, url_prefix="/api/inventories")
tag_blueprint(blueprint, ["Import and export"])

MEMORY_BYTES = 1024 * 1024  # larger files are stored on disk
OTHER_IMPORT_SECONDS = 30.0  # for an import of another process to end
POLL_SECONDS = 0.25
TABLE_PROBLEMS = {
    "unsupported": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unreadable": HTTPStatus.UNPROCESSABLE_ENTITY,
}


class PrunedError(Exception):
    """The exported state was pruned during the download, which is therefore aborted."""


@blueprint.get("/export")
@operation(ExportFile, query=ExportQuery, answer_headers=Exported, problems=(HTTPStatus.GONE,))
async def export_items(query: ExportQuery) -> Response:
    """Export the stock as CSV, sorted by id.

    The file has the stock at one position (`Last-Event-ID`), even if items change during the download. Text that a
    spreadsheet would take for a formula gets a leading apostrophe, which an import removes.
    """
    scope = await find_scope(query.location)
    async with services().pools.one_snapshot() as connection:
        event_id, state = await find_state(connection, query.as_of)
        paths = await locations.select_paths(connection, visible())
    criteria = query.criteria(scope)

    async def read(connection: Connection, last: PastItem | None) -> list[PastItem]:
        page = await items.select_page_of_past_items(
            connection, event_id, criteria=criteria, after=last[0] if last else 0, limit=PAGE_ROWS
        )
        if (await history.select_log_range(connection)).floor > event_id:
            raise PrunedError
        return page

    def write(page: Sequence[PastItem]) -> str:
        documents = (json.loads(document) for _, document in page if document is not None)
        return csv_format.write_rows({**item, "location": paths.get(item["location"])} for item in documents)

    header = csv_format.BYTE_ORDER_MARK * query.bom + csv_format.write_header()
    response = send_csv("stock", header, read, write)
    response.headers["Last-Event-ID"] = state.position
    return response


@blueprint.post("/import")
@operation(
    ImportResult,
    query=ImportQuery,
    body=ImportFile,
    headers=RepeatableWrite,
    answer_headers=Imported,
    problems=(HTTPStatus.CONFLICT,),
)
async def import_items(query: ImportQuery, headers: RepeatableWrite) -> Response:
    """Import a CSV file: every row, in one transaction, or none.

    The first line names the columns: `name` and `quantity` (of new items), and optionally other fields, `id` (the item
    to change; empty for a new item), `version` (which the item must still have) and `location` (of a new item: its
    path, as in `Main/Shelf 3`, or its name). A field without a column stays as it is; an empty cell clears it.
    Exported files can be imported. The first 100 errors are listed, each with its line, column and reason. With
    `dry_run=1` the file is only checked.
    """
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as file:
        digest = await _spool(file)
        if query.dry_run:
            async with services().limits.checks.slot(), services().pools.one_snapshot() as connection:
                return await _answer(_new_import(connection, actor_of(headers, query)).check(file))

        async def run(connection: Connection) -> Response:
            async with connection.transaction():
                return await _answer(_new_import(connection, actor_of(headers, query)).run(file))

        async with services().limits.imports.slot():
            return await _when_no_other_runs(lambda: make_once(headers.key, run, digest))


@blueprint.post("/import/table")
@operation(TableDocument, body=TableFile)
async def read_import_table() -> Response:
    """Read a CSV file or an Excel workbook as a table of text, for a person to check. Nothing is changed or stored.

    CSV may be in UTF-8, UTF-16 or Windows-1252, with `,`, `;` or tab between its cells. Of an .xlsx workbook, the first
    visible sheet with cells is read, and the results of formulas. Titles above the names of the columns are skipped.
    """
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as file:
        await _spool(file)
        try:
            async with services().limits.tables.slot():
                table = await read_table(file, settings().max_import_rows)
        except TableError as error:
            raise Problem(TABLE_PROBLEMS[error.kind], error.message) from None
    return Response(table, content_type="application/json")


async def _spool(file: IO[bytes]) -> bytes:
    """Store the body, so that a slow client delays nobody else. Returns its digest."""
    digest = hashlib.sha256()
    async for chunk in stream_body(settings().max_import_bytes):
        digest.update(chunk)
        file.write(chunk)
    file.seek(0)
    return digest.digest()


async def _when_no_other_runs(run: Callable[[], Awaitable[Response]]) -> Response:
    """Run an import, and retry while another process runs one. No connection is held in between."""
    deadline = time.monotonic() + OTHER_IMPORT_SECONDS
    while True:
        try:
            return await run()
        except ImportUnderWayError:
            if time.monotonic() > deadline:
                raise services().limits.imports.busy() from None
        await asyncio.sleep(POLL_SECONDS)


def _new_import(connection: Connection, actor: Actor) -> Import:
    return Import(connection, settings().max_import_rows, actor=actor, visible=visible())


async def _answer(importing: Coroutine[Any, Any, ImportResult]) -> Response:
    try:
        result = await importing
    except RefusedImportError as refused:
        detail = f"Nothing was imported: {_describe(refused.faults[0])}"
        if refused.count > 1:
            detail += f" (and {refused.count - 1} more)"
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"{detail}.",
            errors=[_field_error(fault) for fault in refused.faults],
            error_count=refused.count,
        ) from None
    except TooManyRowsError:
        max_rows = settings().max_import_rows
        detail = f"Nothing was imported: the file has more than {max_rows} rows."
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail) from None
    return Response(result.model_dump_json(), content_type="application/json")


def _describe(fault: Fault) -> str:
    return f"line {fault.line}: {fault.field + ' ' if fault.field else ''}{fault.message}"


def _field_error(fault: Fault) -> FieldError:
    error = FieldError(field=fault.field or "line", message=fault.message, line=fault.line)
    if fault.column is not None:
        error["column"] = fault.column
    return error
