"""``when``: whether a task or a step may run (``pkg/apis/pipeline/v1/when_types.go``)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from mltk.tekton import cel
from mltk.tekton.objects import Obj
from mltk.tekton.substitution import Variables, elements, text

_WHOLE_LIST = re.compile(r"\$\(([^()]+)\[\*\]\)")


def allows(expressions: Iterable[Obj] | None) -> bool:
    """Whether all expressions hold; texts are compared as they are.

    Raises CelError for one in CEL that comes to nothing.
    """
    return all(_holds(each) for each in expressions or ())


def check(expressions: Iterable[Obj] | None) -> None:
    """Raise CelError for the first expression in CEL that does not come to true or false."""
    for each in expressions or ():
        if each.get("cel"):
            cel.holds(each["cel"])


def substitute(expressions: list[Obj], variables: Variables) -> list[Obj]:
    """Replace variables: a whole list is JSON in `input` and many in `values`."""
    return [_substituted(each, variables) for each in expressions]


def _substituted(expression: Obj, variables: Variables) -> Obj:
    if expression.get("cel"):
        return {**expression, "cel": text(expression["cel"], variables)}
    return {
        **expression,
        "input": _input(str(expression.get("input", "")), variables),
        "values": [
            part
            for item in expression.get("values") or ()
            for part in (
                elements(item, variables)
                if _WHOLE_LIST.fullmatch(item)
                else [text(item, variables)]
            )
        ],
    }


def _holds(expression: Obj) -> bool:
    if expression.get("cel"):
        return cel.holds(expression["cel"])
    found = expression.get("input", "") in (expression.get("values") or ())
    return found == (expression.get("operator") == "in")


def _input(template: str, variables: Variables) -> str:
    found = _WHOLE_LIST.fullmatch(template)
    if found and found[1] in variables.lists:
        return json.dumps(variables.lists[found[1]], separators=(",", ":"), ensure_ascii=False)
    return text(template, variables)
