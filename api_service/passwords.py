"""Hashes and checks passwords (Argon2id). One hash takes 64 MB, and a core for about 0.2 s."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from precis_i18n import get_profile

if TYPE_CHECKING:
    from api_service.limits import Limit

MIN_LENGTH = 10
MAX_LENGTH = 1_000

_HASHER: Final = PasswordHasher(parallelism=1)  # the memory and passes of RFC 9106, but one core only
_PROFILE: Final = get_profile("OpaqueString")  # RFC 8265: the same password, whichever keyboard typed it
# One thread, so that there is one hash at a time even if those who wait for it are cancelled.
_THREAD: Final = ThreadPoolExecutor(1, "passwords")


class InvalidPasswordError(ValueError):
    """This can't be a password. The text says why."""


def parse_password(text: str) -> str:
    """The normal form of a new password. Raises InvalidPasswordError."""
    if not MIN_LENGTH <= len(text) <= MAX_LENGTH:
        raise InvalidPasswordError(f"must have {MIN_LENGTH} to {MAX_LENGTH} characters")
    try:
        return str(_PROFILE.enforce(text))
    except UnicodeEncodeError:
        raise InvalidPasswordError("must not contain control characters or invisible characters") from None


async def hash_password(limit: Limit, password: str) -> str:
    """The hash to store of a password in normal form. Raises BusyError."""
    async with limit.slot():
        return await asyncio.get_running_loop().run_in_executor(_THREAD, _HASHER.hash, password)


async def is_password(hashed: str | None, password: str) -> bool:
    """Whether this is the password with this hash. Without a hash it takes as long, so that the time tells nothing."""
    matches = await asyncio.get_running_loop().run_in_executor(_THREAD, _verify, hashed, password)
    return matches and hashed is not None


def _verify(hashed: str | None, password: str) -> bool:
    try:
        return _HASHER.verify(hashed or _hash_of_nobody(), _normal(password))
    except (VerificationError, InvalidHashError):
        return False


@functools.cache
def _hash_of_nobody() -> str:
    return _HASHER.hash("the password of nobody")


def _normal(password: str) -> str:
    """The normal form, or the text itself where there is none: it then matches no password."""
    try:
        return str(_PROFILE.enforce(password))
    except UnicodeEncodeError:
        return password
