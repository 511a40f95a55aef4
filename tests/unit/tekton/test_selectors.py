from __future__ import annotations

import pytest

from mltk.errors import UsageError
from mltk.tekton.selectors import matcher

LABELS = {"app": "mltk", "mltk.dev/model": "wine", "tier": ""}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", True),
        (None, True),
        ({"app": "mltk"}, True),
        ({"app": "mltk", "tier": "x"}, False),
        ("app=mltk", True),
        ("app == mltk", True),
        ("app!=mltk", False),
        ("missing!=x", True),
        ("tier=", True),
        ("mltk.dev/model in (wine, digits)", True),
        ("mltk.dev/model in (digits),app=mltk", False),
        ("mltk.dev/model notin (digits,iris),app=mltk", True),
        ("missing notin (x)", True),
        ("tier in ()", True),
        ("app", True),
        ("!app", False),
        ("! missing , app", True),
    ],
)
def test_matches_as_kubectl_does(selector: str | dict[str, str] | None, expected: bool) -> None:
    assert matcher(selector)(LABELS) is expected


@pytest.mark.parametrize("selector", ["=x", "a in x", "a>1", "a=b=c", ",", "a in (x"])
def test_refuses_what_is_no_selector(selector: str) -> None:
    with pytest.raises(UsageError, match="is not a label selector"):
        matcher(selector)
