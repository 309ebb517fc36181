"""Password files of the services: generated once, kept, replaced on request, readable by their owner alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from shared.db.passfiles import PassfileError, provide, provide_broker_password

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def passfile(tmp_path: Path) -> Path:
    return tmp_path / "pgpass"


def password(passfile: Path) -> str:
    host, port, database, role, password = passfile.read_text().removesuffix("\n").split(":")
    assert (host, port, database, role) == ("*", "*", "*", "stockstream_api")
    return password


def test_a_generated_password_is_long_and_random(passfile: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    provide(passfile, "stockstream_api", None)
    provide(other, "stockstream_api", None)
    assert len(password(passfile)) >= 32
    assert password(passfile) != password(other)


def test_a_restart_keeps_the_password(passfile: Path) -> None:
    provide(passfile, "stockstream_api", None)
    before = password(passfile)
    provide(passfile, "stockstream_api", None)
    assert password(passfile) == before


def test_a_password_that_is_set_replaces_the_one_there(passfile: Path) -> None:
    provide(passfile, "stockstream_api", None)
    provide(passfile, "stockstream_api", "p@ss/word#1%")
    assert password(passfile) == "p@ss/word#1%"


def test_only_its_owner_can_read_it(passfile: Path) -> None:
    provide(passfile, "stockstream_api", "first")
    passfile.chmod(0o644)
    provide(passfile, "stockstream_api", "second")
    assert passfile.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("bad", ["", "a:b", "a\\b", "a b", "a\nb", "pässword"])
def test_a_password_that_drivers_read_differently_is_refused_and_not_shown(passfile: Path, bad: str) -> None:
    with pytest.raises(PassfileError) as refused:
        provide(passfile, "stockstream_api", bad)
    assert not passfile.exists()
    assert not bad or bad not in str(refused.value)


def test_the_password_of_the_broker_is_generated_once(tmp_path: Path) -> None:
    file = tmp_path / "password"
    provide_broker_password(file)
    password = file.read_text()
    assert re.fullmatch(r"[0-9A-Za-z_-]{32,}\n", password)  # needs no quotes in the broker's configuration
    assert file.stat().st_mode & 0o777 == 0o600
    provide_broker_password(file)
    assert file.read_text() == password


def test_a_directory_that_is_not_ours_gives_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(PassfileError, match="No such file or directory"):
        provide(tmp_path / "missing" / "pgpass", "stockstream_api", None)
