"""The page that says what of Tekton the engine does is what the tests show."""

from __future__ import annotations

from pathlib import Path

from tests.parity.support import not_shown, page

PAGE = Path(__file__).parents[2] / "docs" / "tekton-support.md"


def test_every_field_that_the_engine_takes_is_played_on_both_engines() -> None:
    assert not_shown() == [], "write a case in tests/parity/cases that sets them"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "type: make support-table"
