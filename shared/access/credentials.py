"""The credentials of a request: the cookie of a browser's session, or a token in `Authorization`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Self

from shared.access.names import InvalidNameError, parse_name
from shared.access.secrets import TOKEN_PREFIX, hash_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.access.names import AccountName

COOKIE = "stockstream"
SECURE_COOKIE = f"__Host-{COOKIE}"  # browsers accept it only over TLS and from this host, not from a sibling domain
MAX_SECRET_LENGTH = 128


class Kind(StrEnum):
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - the name of a kind
    PROXY = "proxy"


class Credentials(NamedTuple):
    """What shows who sends a request: the hash of a session's or a token's secret, or the name that a proxy sends."""

    kind: Kind
    key: bytes
    name: AccountName | None = None  # of a proxy

    @classmethod
    def of_session(cls, secret: str) -> Self:
        return cls(Kind.SESSION, hash_secret(secret))

    @classmethod
    def of_token(cls, secret: str) -> Self:
        return cls(Kind.TOKEN, hash_secret(secret))

    @classmethod
    def of_proxy(cls, name: AccountName) -> Self:
        return cls(Kind.PROXY, name.key.encode(), name)


class CredentialsError(Exception):
    """The request's credentials can't be used. The text says why."""


def cookie_name(*, is_secure: bool) -> str:
    """The name of the session's cookie, over TLS or not."""
    return SECURE_COOKIE if is_secure else COOKIE


def parse_credentials(authorization: Sequence[str], cookies: Sequence[str], *, is_secure: bool) -> Credentials | None:
    """The credentials in the values of these headers; None if there are none. Raises CredentialsError.

    A token takes precedence over a cookie.
    """
    if len(authorization) > 1:
        raise CredentialsError("there is more than one Authorization header")
    if authorization:
        return Credentials.of_token(_bearer_token(authorization[0]))
    secrets = [secret for header in cookies for secret in _cookie_values(header, cookie_name(is_secure=is_secure))]
    if len(secrets) > 1:
        raise CredentialsError("there is more than one session cookie: delete the cookies of this site")
    return Credentials.of_session(secrets[0]) if secrets else None


def parse_proxy_credentials(authorization: Sequence[str], names: Sequence[str]) -> Credentials | None:
    """The credentials in the values of `Authorization` and of the header with the name that a trusted proxy sends.

    A token takes precedence. Anything else in `Authorization` is the proxy's affair. Raises CredentialsError.
    """
    tokens = [header for header in authorization if header.lower().startswith(f"bearer {TOKEN_PREFIX}")]
    if tokens:
        return parse_credentials(tokens, [], is_secure=False)
    if len(names) > 1:
        raise CredentialsError("the proxy has sent more than one name")
    try:
        return Credentials.of_proxy(parse_name(names[0].encode("latin-1").decode())) if names else None
    except (UnicodeDecodeError, InvalidNameError) as error:
        raise CredentialsError(f"the name that the proxy has sent can't be used: it {error}") from None


def _bearer_token(header: str) -> str:
    scheme, _, secret = header.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer":
        raise CredentialsError("Authorization must have the form `Bearer sst_…`")
    if not secret.startswith(TOKEN_PREFIX) or len(secret) > MAX_SECRET_LENGTH or not secret.isascii():
        raise CredentialsError("Authorization has no token of stockstream, which would start with sst_")
    return secret


def _cookie_values(header: str, name: str) -> list[str]:
    """The values of all cookies with this name. The standard parser would return only the last of them."""
    values = []
    for part in header.split(";"):
        key, separator, value = part.strip().partition("=")
        if separator and key == name and 0 < len(value) <= MAX_SECRET_LENGTH and value.isascii():
            values.append(value)
    return values
