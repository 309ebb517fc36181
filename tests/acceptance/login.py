"""Stacks with accounts, and clients of them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg

from tests.accounts import PASSWORD, Accounts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.stack import Stack


@asynccontextmanager
async def accounts_of(stack: Stack) -> AsyncIterator[Accounts]:
    connection = await asyncpg.connect(stack.database_url)
    try:
        yield Accounts(connection)
    finally:
        await connection.close()


def browser(stack: Stack, **options: Any) -> aiohttp.ClientSession:
    """A client that keeps cookies, like a browser. ("unsafe" allows cookies from an IP address.)"""
    return aiohttp.ClientSession(stack.api_url, cookie_jar=aiohttp.CookieJar(unsafe=True), **options)


async def sign_in(client: aiohttp.ClientSession, name: str, password: str = PASSWORD) -> aiohttp.ClientResponse:
    """Send the name and the password, and return the answer."""
    async with client.post("/api/session", json={"name": name, "password": password}) as response:
        await response.read()
        return response
