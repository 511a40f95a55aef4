"""What must hold in a `when`, of a task or of a step (``when_validation.go`` of Tekton)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mltk.tekton import cel
from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj
from mltk.tekton.variablerules import quoted

_OPERATORS = ("in", "notin")
_COMPARED = ("input", "operator", "values")


def check_when(expressions: Iterable[Obj], path: str) -> Iterator[Problem]:
    """Problems of the expressions in a `when`."""
    for index, each in enumerate(expressions):
        here = f"{path}[{index}]"
        operator = each.get("operator") or ""
        if each.get("cel"):
            yield from _check_cel(each, here)
        elif not any(each.get(field) for field in _COMPARED):
            yield Problem(here, "missing field(s)")
        elif operator not in _OPERATORS:
            allowed = ",".join(_OPERATORS)
            what = f"operator {quoted(operator)} is not recognized. valid operators: {allowed}"
            yield Problem(here, f"invalid value: {what}")
        elif not each.get("values"):
            yield Problem(here, "invalid value: expecting non-empty values field")


def _check_cel(expression: Obj, path: str) -> Iterator[Problem]:
    if any(expression.get(field) for field in _COMPARED):
        yield Problem(path, "cel and input+operator+values cannot be set in one WhenExpression")
        return
    try:
        cel.check(expression["cel"])
    except cel.CelError as error:
        yield Problem(
            f"{path}.cel", f"invalid cel expression: {expression['cel']} with err: {error}"
        )
