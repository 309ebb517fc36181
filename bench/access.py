"""Measures what accounts cost: the check of the rights of open streams, and a flood of sign-ins."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING, NamedTuple

from shared.access.secrets import TOKEN_PREFIX

if TYPE_CHECKING:
    from pathlib import Path

    from bench.__main__ import Bench

HEARTBEAT_SECONDS = 1.0  # all rights are checked a little more often than that
ATTEMPTS_PER_SECOND = 1_000
CONNECTIONS = 64


class Answers(NamedTuple):
    """Answers per second to a flood of sign-ins, by status."""

    rate: float
    statuses: dict[str, int]


def add_tokens(bench: Bench, database: str, count: int, *, locations: int = 0, places: int = 0) -> Path:
    """Create this number of accounts with a token each, and write the tokens to a file.

    They may see everything; with locations, `places` of them each (0: what is below the first location).
    """
    grants = "SELECT id, NULL::bigint FROM principal"
    if locations:
        grants = "SELECT id, 1 FROM principal"
    if places:
        grants = (
            f"SELECT id, 2 + (id * 7 + n * n) % {locations} FROM principal CROSS JOIN generate_series(1, {places}) AS n"
        )
    bench.postgres.sql(
        database,
        f"""
        INSERT INTO principal (kind, name, name_key)
        SELECT 'service', 'service' || n, 'service' || n FROM generate_series(1, {count}) AS n;
        INSERT INTO access_grant (principal, location, role) SELECT g.*, 'viewer' FROM ({grants}) AS g;
        INSERT INTO token (principal, name, secret_hash, speaks_for_others)
        SELECT n, 'token', sha256(convert_to('{TOKEN_PREFIX}' || n, 'UTF8')), false
        FROM generate_series(1, {count}) AS n;
        """,
    )
    path = bench.folder / "tokens"
    path.write_text("\n".join(f"{TOKEN_PREFIX}{number}" for number in range(1, count + 1)))
    return path


async def flood(port: int, seconds: float) -> Answers:
    """Try passwords at a steady rate, each time for another account from another address."""
    loop = asyncio.get_running_loop()
    start, numbers = loop.time(), itertools.count()
    statuses: dict[str, int] = {}

    async def try_passwords() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            number = next(numbers)
            due_at = start + number / ATTEMPTS_PER_SECOND
            if due_at > start + seconds:
                break
            await asyncio.sleep(max(0, due_at - loop.time()))
            writer.write(_attempt(number))
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().partition("content-length: ")[2].partition("\r")[0])
            await reader.readexactly(length)
            status = head[9:12]
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    await asyncio.gather(*(try_passwords() for _ in range(CONNECTIONS)))
    return Answers(sum(statuses.values()) / (loop.time() - start), statuses)


def _attempt(number: int) -> bytes:
    body = json.dumps({"name": f"account{number}", "password": "a wrong password"})
    address = f"192.0.{number // 250 % 250}.{number % 250}"
    headers = f"Host: localhost\r\nX-Forwarded-For: {address}\r\nContent-Type: application/json"
    return f"POST /api/session HTTP/1.1\r\n{headers}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
