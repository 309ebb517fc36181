"""Signing in: checks a password, and slows down those who guess."""

from __future__ import annotations

import ipaddress
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from prometheus_client import Counter

from api_service.limits import BusyError
from api_service.passwords import is_password
from api_service.store import sign_ins
from shared.access.names import name_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api_service.limits import Limit
    from api_service.store.connections import Pools
    from api_service.store.sign_ins import SignIn
    from shared.db.database import Connection

WINDOW = timedelta(minutes=15)
# Within the window. The first is what a guesser gets. The others bound those who use many addresses, or many names.
MAX_FAILURES_OF_ACCOUNT_FROM_ADDRESS = 10
MAX_FAILURES_OF_ACCOUNT = 100
MAX_FAILURES_OF_ADDRESS = 50
IPV6_NETWORK_BITS = 64  # one household or machine has all these addresses

SIGN_INS = Counter("stockstream_sign_ins_total", "Attempts to sign in, by result", ["result"])


class ThrottledError(Exception):
    """Too many attempts have failed. ``retry_seconds`` is when to try again."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__(f"too many attempts; the next in {retry_seconds} s")
        self.retry_seconds = retry_seconds


async def check_password(pools: Pools, limit: Limit, name: str, password: str, address: str) -> SignIn | None:
    """The account with this name and password; None if there is none.

    An unknown name, a wrong password and a deactivated account take the same time. Raises ThrottledError, and BusyError
    if too many passwords are being checked.
    """
    key, network = name_key(name), _network(address)
    own_subject = f"account {key} from {network}"
    subjects = {
        own_subject: MAX_FAILURES_OF_ACCOUNT_FROM_ADDRESS,
        f"account {key}": MAX_FAILURES_OF_ACCOUNT,
        f"address {network}": MAX_FAILURES_OF_ADDRESS,
    }
    try:
        async with pools.reading() as connection:
            await _refuse_throttled(connection, subjects)  # so that a flood of attempts does not wait for a slot
        async with limit.slot():
            async with pools.writing() as connection, connection.transaction():
                await sign_ins.lock_subjects(connection, list(subjects))
                await _refuse_throttled(connection, subjects)
                # Count the attempt before it is checked, so that attempts at the same time are counted, too.
                failures = await sign_ins.insert_failures(connection, list(subjects))
                account = await sign_ins.select_sign_in(connection, key)
            matches = await is_password(account.password_hash if account else None, password)
    except ThrottledError:
        SIGN_INS.labels("throttled").inc()
        raise
    except BusyError:
        SIGN_INS.labels("busy").inc()
        raise
    if account is None or not matches or not account.is_active:
        SIGN_INS.labels("refused").inc()
        return None
    async with pools.writing() as connection:
        await sign_ins.delete_failures(connection, failures, subject=own_subject)
    SIGN_INS.labels("accepted").inc()
    return account


async def forget_failures(connection: Connection, name: str) -> None:
    """Let an account be tried again, from everywhere."""
    await sign_ins.delete_failures_of(connection, f"account {name_key(name)}")


async def _refuse_throttled(connection: Connection, subjects: Mapping[str, int]) -> None:
    """Raise ThrottledError if one of these subjects has failed as often as it may."""
    for subject, most in subjects.items():
        until = await sign_ins.select_throttled_until(connection, subject, most=most, within=WINDOW)
        if until is not None:
            raise ThrottledError(max(1, math.ceil((until - datetime.now(UTC)).total_seconds())))


def _network(address: str) -> str:
    """What attempts from this address are counted by: itself, or its network of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, IPV6_NETWORK_BITS), strict=False))
