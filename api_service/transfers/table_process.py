"""Reads a table in a process of its own, whose time and memory are limited: a file may be made to exhaust both.

`python -m api_service.transfers.table_process <rows> <seconds> <bytes>` reads the file on its standard input within
these limits, and writes the table, or why it can't be read, as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import IO

from api_service.transfers.table import EMPTY, Table, TableError, build_table

MAX_SECONDS = 30
MAX_MEMORY_BYTES = 1024 * 2**20  # of address space, of which Python and its libraries take 100 MB
REFUSED = 3  # exit code

TOO_MUCH = "The file takes too long to read, or too much memory. Save the sheet as CSV, or split it."

_ROOT = Path(__file__).resolve().parents[2]


async def read_table(file: IO[bytes], max_rows: int) -> bytes:
    """The table in this file as JSON. The file is at its beginning, and has a descriptor. Raises TableError."""
    if os.fstat(file.fileno()).st_size == 0:
        raise TableError("unreadable", EMPTY)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, *map(str, (max_rows, MAX_SECONDS, MAX_MEMORY_BYTES))),
        cwd=_ROOT,
        env={"PYTHONDONTWRITEBYTECODE": "1"},  # no settings of the service, and so no passwords
        stdin=file.fileno(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # it may show parts of the file
    )
    try:
        async with asyncio.timeout(MAX_SECONDS):
            document, _ = await process.communicate()
    except TimeoutError:
        raise TableError("too_large", TOO_MUCH) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode == REFUSED:
        raise TableError(*json.loads(document))
    if process.returncode != 0:
        raise TableError("too_large", TOO_MUCH)
    return document


def parse_table(file: IO[bytes], max_rows: int) -> Table:
    """The table in a CSV file or a workbook. Raises TableError."""
    from api_service.transfers.csv_table import read_csv_rows
    from api_service.transfers.workbook import is_workbook, read_workbook_rows

    head = file.read(4)
    file.seek(0)
    if is_workbook(head):
        return build_table(read_workbook_rows(file), max_rows, decimal=".")
    return build_table(read_csv_rows(file.read()), max_rows)


def main() -> int:
    """Read the table on the standard input. Returns the exit code."""
    max_rows, max_seconds, max_bytes = map(int, sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_CPU, (max_seconds, max_seconds))
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    with os.fdopen(0, "rb") as file:
        try:
            document, code = json.dumps(parse_table(file, max_rows)._asdict(), ensure_ascii=False), 0
        except TableError as error:
            document, code = json.dumps([error.kind, error.message]), REFUSED
    sys.stdout.buffer.write(document.encode("utf-8", "replace"))
    return code


if __name__ == "__main__":
    sys.exit(main())
