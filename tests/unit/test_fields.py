"""Each field of an item is present in every place that the README lists under "To add a field"."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.log.fields import FIELDS, REQUIRED_FIELDS, TEXT_FIELDS

ROOT = Path(__file__).resolve().parent.parent.parent
OTHER_COLUMNS = ("id", "location", "counted_at", "version", "created_at", "updated_at")  # set by triggers, or only once
MIGRATIONS = "sql/migrations"
FUNCTIONS = "sql/functions/2_items.sql"
QUERIES = "sql/queries/items.sql"
PAGE = "frontend/scripts/state/fields.js"
MESSAGES = "frontend/messages/en.json"  # tests/frontend/messages.test.mjs compares the other languages with it
CASE_FILES = ("tests/acceptance/test_fields.py", "tests/browser/test_fields.py")


def read(path: str) -> str:
    """Return the text of a file, or of all files in a folder."""
    whole = ROOT / path
    files = sorted(whole.iterdir()) if whole.is_dir() else [whole]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def between(text: str, start: str, end: str) -> str:
    assert text.count(start) == 1, f"found {start} {text.count(start)} times instead of once"
    return text.partition(start)[2].partition(end)[0]


def names(text: str, pattern: str = r"\w+") -> list[str]:
    return [name for name in re.findall(pattern, text) if name not in OTHER_COLUMNS]


def columns(migrations: str) -> list[str]:
    """Return the columns that the migrations give the table, in order."""
    created = names(
        between(migrations, "CREATE TABLE inventory (", ");"), r"(?m)^    (\w+) +(?:bigint|text|integer|timesta)"
    )
    return created + names(migrations, r"ALTER TABLE inventory\n    ADD COLUMN (\w+)")


def document(functions: str) -> list[str]:
    return names(between(functions, "FUNCTION item_document(", "$$;").partition("AS document")[0], r"item\.(\w+)[,)]")


def trimmed(functions: str) -> list[str]:
    return names(between(functions, "FUNCTION trim_item(", "$$;"), r"item\.(\w+) :=")


def inserted(queries: str) -> list[str]:
    return names(between(queries, "INSERT INTO inventory AS i (", ")"))


def inserted_values(queries: str) -> list[str]:
    return names(between(queries, "INSERT INTO inventory AS i (", "FROM actor"), r"new\.(\w+)")


def updated(queries: str) -> list[str]:
    return names(between(queries, "SET (", ") = ("))


def updated_values(queries: str) -> list[str]:
    return names(between(queries, "SET (", "FROM json_populate_record"), r"new\.(\w+)")


def page_fields(script: str) -> list[str]:
    return names(between(script, "export const FIELDS = [", "\n];"), r'(?m)^    name: "(\w+)"')


def called(messages: str) -> list[str]:
    return names(messages, r'(?m)^  "field\.(\w+)":')


def fields_under_test(test: str) -> list[str]:
    return names(between(test, "\nCASES = {", "\n}"), r'(?m)^    "(\w+)": Case\(')


OPTIONAL = [field for field in FIELDS if field not in REQUIRED_FIELDS]
PLACES = [
    (MIGRATIONS, columns, list(FIELDS)),
    (FUNCTIONS, document, list(FIELDS)),
    (FUNCTIONS, trimmed, [field for field in FIELDS if field in TEXT_FIELDS]),
    (QUERIES, inserted, list(FIELDS)),
    (QUERIES, inserted_values, list(FIELDS)),
    (QUERIES, updated, list(FIELDS)),
    (QUERIES, updated_values, list(FIELDS)),
    (PAGE, page_fields, list(FIELDS)),
    (MESSAGES, called, list(FIELDS)),
    *((path, fields_under_test, OPTIONAL) for path in CASE_FILES),
]
every_place = pytest.mark.parametrize(("path", "find", "expected"), PLACES)


@every_place
def test_every_place_has_every_field(path, find, expected) -> None:  # type: ignore[no-untyped-def]
    assert sorted(find(read(path))) == sorted(expected)


@every_place
def test_a_missing_field_is_noticed(path, find, expected) -> None:  # type: ignore[no-untyped-def]
    """Renames one field at a time, and checks that only this field is missed."""
    for field in expected:
        if Path(path).suffix in {".js", ".py"}:
            without = read(path).replace(f'"{field}"', '"another"')
        else:
            without = re.sub(rf"\b{field}\b", "another", read(path))
        assert sorted(find(without)) == sorted({*expected, "another"} - {field}), field


def test_the_order_is_the_same_in_sql_and_in_python() -> None:
    assert document(read(FUNCTIONS)) == inserted(read(QUERIES)) == inserted_values(read(QUERIES)) == list(FIELDS)
    assert updated(read(QUERIES)) == updated_values(read(QUERIES)) == list(FIELDS)


def test_the_readme_names_these_places() -> None:
    told = between(read("README.md"), "**To add a field**", "\nThe rest follows")
    for path in {path for path, _, _ in PLACES} | {"shared/log/fields.py"}:
        assert f"({path})" in told, path
    assert len(re.findall(r"(?m)^\d\. ", told)) <= 8
