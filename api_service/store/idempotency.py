"""Stores the answers to requests with an `Idempotency-Key`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from shared.db.database import load_queries

if TYPE_CHECKING:
    from shared.db.database import Connection

queries = load_queries("idempotency")


class Answer(NamedTuple):
    """``request`` is the hash of the request that got this answer."""

    request: bytes
    status: int
    headers: dict[str, str]
    body: str


async def claim_key(connection: Connection, key: str, request: bytes) -> bool:
    """Claim this key; False if it is taken. Waits while another request with it runs. Needs a transaction."""
    return await queries.claim_key(connection, key=key, request=request) is not None


async def select_answer(connection: Connection, key: str) -> Answer:
    row = await queries.select_answer(connection, key=key)
    return Answer(row["request"], row["status"], json.loads(row["headers"]), row["body"])


async def update_answer(connection: Connection, key: str, answer: Answer) -> None:
    await queries.update_answer(
        connection, key=key, status=answer.status, headers=json.dumps(answer.headers), body=answer.body
    )


async def delete_old_keys(connection: Connection) -> None:
    """Delete keys that are older than a day."""
    await queries.delete_old_keys(connection)
