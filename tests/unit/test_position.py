from __future__ import annotations

import pytest

from shared.log.position import MalformedPositionError, Position


@pytest.mark.parametrize("text", ["3f9c-1042", "3f9c01ab-0", f"a-{2**63 - 1}"])
def test_a_position_is_parsed_to_its_own_text(text: str) -> None:
    assert str(Position.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "1042",
            "-1042",
            "3f9c-",
            "3f9c--1",
            "3f9c-1.0",
            "3f9c-1e3",
            "3F9C-1",
            "3f9c-1\n",
            " 3f9c-1",
            "3f9c-\u0661",
        ],
        *["3f9c 1", "a" * 17 + "-1", f"a-{2**63}", "a-" + "9" * 400],
    ],
)
def test_an_invalid_position_is_refused(text: str) -> None:
    with pytest.raises(MalformedPositionError):
        Position.parse(text)
