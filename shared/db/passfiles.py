"""Writes the passwords of the services' roles, each to a passfile that only its service can read, and the broker's.

`python -m shared.db.passfiles` runs before the clients of PostgreSQL and of the broker start. It writes the password
that was set (in the environment, or as a secret in /run/secrets); else it keeps the existing one; else it generates
one. So no file that we deliver contains a password, and nobody has to choose one.

The broker's password is always generated, since only the broker and the stream use it.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from pathlib import Path

from pydantic_settings import SettingsConfigDict

from shared.db.migrations import MigrationSettings
from shared.process.settings import load

PASSFILES = Path("/run/passwords")
SECRETS = Path("/run/secrets")
# In a passfile, colons separate and backslashes escape. Drivers disagree on how to write either in a password.
PASSWORD = re.compile(r"[!-9;-\[\]-~]+")


class PassfileError(Exception):
    """A passfile can't be written; the text says why, and shows no password."""


class PassfileSettings(MigrationSettings):
    """The passwords in the settings."""

    model_config = SettingsConfigDict(secrets_dir=SECRETS if SECRETS.is_dir() else None)


def provide(passfile: Path, role: str, password: str | None) -> None:
    """Write the given password of the role to this passfile. Without one, keep the existing or generate a new one.

    Raises PassfileError.
    """
    if password is None and passfile.exists():
        return
    if password is not None and not PASSWORD.fullmatch(password):
        raise PassfileError(f"the password of {role} must be printable ASCII, with no space, colon or backslash")
    _write(passfile, f"*:*:*:{role}:{password or secrets.token_urlsafe(24)}\n")


def provide_broker_password(file: Path) -> None:
    """Write a new password of the broker to this file, unless it exists. Raises PassfileError."""
    if not file.exists():
        _write(file, f"{secrets.token_urlsafe(24)}\n")


def _write(path: Path, text: str) -> None:
    """Replace the file atomically, readable by this user only: drivers ignore a passfile that others can read."""
    unfinished = path.with_suffix(".unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        unfinished.rename(path)
    except OSError as error:
        raise PassfileError(f"{path}: {error.strerror}") from error


def main() -> None:
    settings = load(PassfileSettings)
    wanted = {
        "api": ("stockstream_api", settings.api_database_password),
        "stream": ("stockstream_stream", settings.stream_database_password),
    }
    try:
        for service, (role, password) in wanted.items():
            provide(PASSFILES / service / "pgpass", role, password.get_secret_value() if password else None)
        provide_broker_password(PASSFILES / "broker" / "password")
    except PassfileError as error:
        sys.exit(f"stockstream: passfiles: {error}")


if __name__ == "__main__":
    main()
