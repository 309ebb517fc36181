"""House rules as sweep tests, which also cover code that is added later."""

from __future__ import annotations

import hashlib
import inspect
import re
from typing import TYPE_CHECKING

import pytest

from api_service.app import create_app as create_api
from api_service.settings import ApiSettings
from shared.db.migrations import MigrationSettings
from shared.process.settings import Settings
from shared.web.problems import PROBLEMS_ATTRIBUTE
from stream_service.app import create_app as create_stream
from stream_service.settings import StreamSettings
from tests.stack import ROOT

if TYPE_CHECKING:
    from quart import Quart

README = (ROOT / "README.md").read_text()
PYTHON = ("api_service", "stream_service", "shared", "tests", "bench")
EVERY_SETTING = [
    (name, field)
    for kind in (Settings, ApiSettings, StreamSettings, MigrationSettings)
    for name, field in kind.model_fields.items()
]


@pytest.mark.parametrize(("name", "field"), EVERY_SETTING, ids=[name for name, _ in EVERY_SETTING])
def test_every_setting_is_in_the_readme_with_its_default(name: str, field: object) -> None:
    default = getattr(field, "default", None)
    shown = "" if default is None or default in (frozenset(), {}) else f"`{default}`"
    description = re.escape(str(getattr(field, "description", None)))
    row = rf"^\| `{name.upper()}` \| {re.escape(shown)} ?\| (both|api|stream|migrate) \| {description} \|$"
    assert re.search(row, README, re.MULTILINE), row


@pytest.mark.parametrize("app", [create_api(ApiSettings()), create_stream(StreamSettings())], ids=["api", "stream"])
def test_every_route_has_a_title_and_is_named_in_the_readme(app: Quart) -> None:
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]*>", "<id>", rule.rule)
        if rule.endpoint != "files.send":
            assert path == "/" or path in README, path
            assert app.view_functions[rule.endpoint].__doc__ or rule.endpoint.startswith("health."), rule


def test_no_sql_is_written_in_python() -> None:
    statement = re.compile(r"\"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE)\s", re.IGNORECASE)
    for folder in ("api_service", "stream_service", "shared"):
        for file in (ROOT / folder).rglob("*.py"):
            assert not statement.search(file.read_text()), file


def test_no_published_migration_was_edited() -> None:
    """A database that has applied the file refuses to start with another text, even if only a comment differs.

    `cd sql/migrations && sha256sum <new file> >> SHA256SUMS` adds the line of a new migration.
    """
    folder = ROOT / "sql" / "migrations"
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in sorted(folder.glob("*.sql"))]
    assert (folder / "SHA256SUMS").read_text().splitlines() == lines


def test_nothing_uses_wait_for() -> None:
    """In Python 3.11, wait_for loses a cancellation that arrives just as the awaited task finishes."""
    for file in (file for folder in PYTHON for file in (ROOT / folder).rglob("*.py")):
        assert not re.search(r"asyncio\.wait_for\(|import.*\bwait_for\b", file.read_text()), file


def test_no_browser_test_uses_wait_for_function() -> None:
    """It evaluates its text again in the page, which the policy of the page refuses, unless the first try succeeds."""
    for file in (ROOT / "tests" / "browser").rglob("*.py"):
        assert ".wait_for_function(" not in file.read_text(), file


NAMED_QUERIES = [
    (query, following)
    for file in sorted((ROOT / "sql" / "queries").glob("*.sql"))
    for query, following in re.findall(r"^-- name: (\S+?)\b.*\n(.*)$", file.read_text(), re.MULTILINE)
]


@pytest.mark.parametrize(("query", "following"), NAMED_QUERIES, ids=[query for query, _ in NAMED_QUERIES])
def test_every_named_query_is_followed_by_a_comment_on_its_purpose(query: str, following: str) -> None:
    assert re.match(r"-- (?!name:)\w", following), query


def test_every_query_names_its_columns() -> None:
    for file in (ROOT / "sql" / "queries").glob("*.sql"):
        assert "SELECT *" not in file.read_text(), file


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)\)", README))))
def test_every_link_of_the_readme_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_every_operation_is_declared_once_with_its_input_and_output() -> None:
    app = create_api(ApiSettings())
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            handler = app.view_functions[rule.endpoint]
            assert hasattr(handler, PROBLEMS_ATTRIBUTE), f"{rule} is not declared by @operation"
            taken = {name for name in inspect.signature(handler).parameters if name not in rule.arguments}
            assert taken <= {"query", "body", "headers"}, rule
    for file in (ROOT / "api_service" / "http" / "blueprints").glob("*.py"):
        read_by_hand = re.search(r"request\.(headers|get_json|json|form|get_data|cookies|if_)", file.read_text())
        assert not read_by_hand, (file, read_by_hand)
