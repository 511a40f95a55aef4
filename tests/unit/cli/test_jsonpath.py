from __future__ import annotations

import json

import pytest

from mltk.cli.jsonpath import render
from mltk.errors import UsageError

DOCUMENT = {
    "items": [
        {"metadata": {"name": "a", "labels": {"mltk.dev/model": "wine"}}, "n": 1},
        {"metadata": {"name": "b", "labels": {"mltk.dev/model": "tea"}}, "n": None},
    ],
    "status": {"results": [{"name": "x", "value": "1"}, {"name": "y", "value": ["p", "q"]}]},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{.items[*].metadata.name}", "a b"),
        (".items[*].metadata.name", "a b"),
        ("{$.items[-1].metadata.name}", "b"),
        ('{.status.results[?(@.name=="y")].value}', '["p","q"]'),
        ('{.status.results[?(@.name!="y")].value}', "1"),
        (r"{.items[0].metadata.labels.mltk\.dev/model}", "wine"),
        ("{.items[0].metadata.labels['mltk.dev/model']}", "wine"),
        ('name: {.items[0].metadata.name}{"\\n"}', "name: a\n"),
        ("{.items[*].nowhere}", ""),
        ("{.items[7]}", ""),
        ("{.items[*].n}", "1 null"),
        ("{.items[0].metadata.*}", 'a {"mltk.dev/model":"wine"}'),
    ],
)
def test_what_people_type(template: str, expected: str) -> None:
    assert render(template, DOCUMENT) == expected


def test_the_whole_document() -> None:
    assert json.loads(render("{.}", DOCUMENT)) == DOCUMENT


@pytest.mark.parametrize(
    "template",
    ["{range .items[*]}{.n}{end}", "{..name}", "{.items[0:1]}", "{.items[?(@.n>1)]}", "{.a[}"],
)
def test_the_rest_is_refused_by_name(template: str) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        render(template, DOCUMENT)
