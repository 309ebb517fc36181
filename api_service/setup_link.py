"""The set-up link: lets whoever reads the service's output create the first admin, once.

Each start of the API makes a new link while there is no admin. So nobody becomes an admin by being the first visitor.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg

from api_service.store import accounts
from shared.db.errors import DatabaseUnavailableError, suggests_outdated_schema

if TYPE_CHECKING:
    from api_service.store.connections import Pools

RETRY_SECONDS = 0.5


async def print_setup_link(pools: Pools, dashboard_url: str, start: str) -> None:
    """Make and print a link, if there is no admin. Waits for the database and its migrations.

    ``start`` identifies the start of the API: the first of its workers makes the link.
    """
    while True:
        try:
            secret = await _make_link(pools, start)
            break
        except DatabaseUnavailableError:
            pass
        except asyncpg.PostgresError as error:
            if not suggests_outdated_schema(error):
                raise
        await asyncio.sleep(RETRY_SECONDS)
    if secret is not None:
        # The secret is in the fragment, which browsers send to no server. It is printed, not logged: logs are kept.
        print(  # noqa: T201
            "\nstockstream has no admin yet. Create the first one with this link, which works once:\n"
            f"  {dashboard_url}/setup#{secret}\n",
            flush=True,
        )


async def _make_link(pools: Pools, start: str) -> str | None:
    async with pools.writing() as connection:
        if await accounts.select_admin_exists(connection):
            await accounts.delete_setup_link(connection)
            return None
        return await accounts.replace_setup_link(connection, start)
