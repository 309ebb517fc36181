"""Secrets of sessions, tokens and set-up links: 32 random bytes each, of which only a hash is stored."""

from __future__ import annotations

import hashlib
import secrets

SECRET_BYTES = 32
TOKEN_PREFIX = "sst_"  # noqa: S105 - lets people and scanners recognise a leaked token


def create_secret() -> str:
    """A new secret. It is safe in headers, cookies and addresses."""
    return secrets.token_urlsafe(SECRET_BYTES)


def create_token() -> str:
    """A new secret of a token."""
    return TOKEN_PREFIX + create_secret()


def hash_secret(secret: str) -> bytes:
    """The hash of a secret. Secrets are too long to be guessed, so a fast hash without salt is enough."""
    return hashlib.sha256(secret.encode()).digest()
