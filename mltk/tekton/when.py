"""``when``: whether a task may run (``pkg/apis/pipeline/v1/when_types.go``)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from mltk.tekton.objects import Obj
from mltk.tekton.substitution import Variables, elements, text

_WHOLE_LIST = re.compile(r"\$\(([^()]+)\[\*\]\)")


def allows(expressions: Iterable[Obj] | None) -> bool:
    """Whether all expressions hold; texts are compared as they are."""
    return all(_holds(each) for each in expressions or ())


def substitute(expressions: list[Obj], variables: Variables) -> list[Obj]:
    """Replace variables: a whole list is JSON in `input` and many in `values`."""
    return [
        {
            **each,
            "input": _input(str(each.get("input", "")), variables),
            "values": [
                part
                for item in each.get("values") or ()
                for part in (
                    elements(item, variables)
                    if _WHOLE_LIST.fullmatch(item)
                    else [text(item, variables)]
                )
            ],
        }
        for each in expressions
    ]


def _holds(expression: Obj) -> bool:
    found = expression.get("input", "") in (expression.get("values") or ())
    return found == (expression.get("operator") == "in")


def _input(template: str, variables: Variables) -> str:
    found = _WHOLE_LIST.fullmatch(template)
    if found and found[1] in variables.lists:
        return json.dumps(variables.lists[found[1]], separators=(",", ":"), ensure_ascii=False)
    return text(template, variables)
