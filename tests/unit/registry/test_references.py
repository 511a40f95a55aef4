from __future__ import annotations

import pytest

from mltk.errors import UsageError
from mltk.registry.references import Reference, parse

RUN = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("models:/wine@champion", Reference("wine", "champion")),
        ("models:/wine/3", Reference("wine", "3")),
        ("models:/wine", Reference("wine", "champion")),
        ("wine", Reference("wine", "champion")),
        ("wine:3", Reference("wine", "3")),
        ("wine@challenger", Reference("wine", "challenger")),
        (RUN, Reference(run_id=RUN)),
        (f"runs:/{RUN}", Reference(run_id=RUN)),
    ],
)
def test_the_ways_to_name_a_model(text: str, wanted: Reference) -> None:
    assert parse(text) == wanted
    assert parse(str(wanted)) == wanted


@pytest.mark.parametrize("text", ["", "wine/3", "models:/", "a:b:c", "runs:/wine", "models:/a/b/c"])
def test_anything_else_is_refused_with_the_forms_that_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="names no model") as caught:
        parse(text)
    assert "models:/NAME@champion" in str(caught.value.hint)
