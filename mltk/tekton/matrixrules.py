"""What must hold in a matrix (``matrix_types.go``, ``validateMatrix`` of Tekton)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mltk.tekton import params
from mltk.tekton.fields import Problem
from mltk.tekton.matrix import all_params, count, is_matrixed
from mltk.tekton.objects import Obj, by_name
from mltk.tekton.references import looks_like_result, parse_result
from mltk.tekton.substitution import references


def check_matrix(task: Obj, path: str, limit: int) -> Iterator[Problem]:
    """Problems of the matrix of a PipelineTask; `limit` is how many TaskRuns it may make."""
    matrix = task.get("matrix") or {}
    if is_matrixed(task):
        number = count(matrix)
        if number > limit:
            yield Problem(f"{path}.matrix", f"expected 0 <= {number} <= {limit}")
    for index, include in enumerate(matrix.get("include") or ()):
        yield from _check_twice(
            include.get("params") or (), f"{path}.matrix.include[{index}].params"
        )
    yield from _check_twice(matrix.get("params") or (), f"{path}.matrix.params")
    fanned = {each["name"] for each in all_params(task)}
    for each in task.get("params") or ():
        if (name := each["name"]) in fanned:
            yield Problem(
                f"{path}.matrix[{name}], {path}.params[{name}]", "expected exactly one, got both"
            )


def matrix_values(task: Obj, path: str) -> Iterator[tuple[str, object]]:
    """The values in a matrix, each with its place."""
    matrix = task.get("matrix") or {}
    for each in matrix.get("params") or ():
        yield f"{path}.matrix.params[{each['name']}].value", each.get("value")
    for index, include in enumerate(matrix.get("include") or ()):
        for each in include.get("params") or ():
            place = f"{path}.matrix.include[{index}].params[{each['name']}].value"
            yield place, each.get("value")


def check_consumers(tasks: Sequence[Obj], path: str) -> Iterator[Problem]:
    """Results of a task that fans out are a list of texts, and go to others as a whole only.

    As in Tekton what tasks of `finally` use of tasks of the graph is not looked at.
    """
    known = by_name([task for task in tasks if is_matrixed(task)])
    for index, task in enumerate(tasks):
        for each in task.get("params") or ():
            for expression in references(params.read_value(each.get("value"))):
                if looks_like_result(expression) and expression.split(".")[1] in known:
                    here = f"{path}[{index}].params[{each['name']}].value"
                    yield from _check_use(expression, known, here)


def _check_use(expression: str, known: Mapping[str, Obj], path: str) -> Iterator[Problem]:
    if not expression.endswith("[*]"):
        yield Problem(
            path,
            "A matrixed pipelineTask can only be consumed in aggregate using [*] notation, "
            f"but is currently set to {expression}",
        )
        return
    ref = parse_result(expression)
    if ref is None:
        return
    spec = known[ref.task].get("taskSpec") or {}
    found = by_name(spec.get("results")).get(ref.result) or {}
    kind = found.get("type") or ("object" if found.get("properties") is not None else "string")
    if kind != "string":
        yield Problem(
            path,
            "Matrixed PipelineTasks emitting results must have an underlying type string, "
            f"but result {ref.result} has type {kind} in pipelineTask",
        )


def _check_twice(given: Sequence[Obj], path: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, each in enumerate(given):
        if each["name"] in seen:
            name = each["name"]
            why = f'parameter names must be unique, the parameter "{name}" is also defined at'
            yield Problem(f"{path}[{index}].name", why)
        seen.add(each["name"])
