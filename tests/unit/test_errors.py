"""What the log says about an error."""

from __future__ import annotations

import pytest

from shared.db.errors import describe


@pytest.mark.parametrize(
    ("error", "described"),
    [(OSError("no route to host"), "OSError: no route to host"), (TimeoutError(), "TimeoutError")],
)
def test_an_error_is_described_by_its_type_and_its_text(error: Exception, described: str) -> None:
    assert describe(error) == described
