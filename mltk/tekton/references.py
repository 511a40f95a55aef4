"""References from one task of a Pipeline to the results of another: ``$(tasks.a.results.r)``.

Rules: ``pkg/internal/resultref`` and ``PipelineTaskResultRefs`` of Tekton. References are looked
for in params, the matrix, `when` and the steps and sidecars of an embedded taskSpec; elsewhere
(displayName, subPath) they are replaced, but order nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mltk.tekton.matrix import all_params
from mltk.tekton.objects import Obj
from mltk.tekton.substitution import Value, Variables, collect, references

_INDEX = re.compile(r"\[(\d+|\*)\]")
_PATTERNS = ("tasks.{}.results.{{}}", 'tasks.{}.results["{{}}"]', "tasks.{}.results['{{}}']")


@dataclass(frozen=True)
class ResultRef:
    """A result of a task, or an element (`index`) or a key of it."""

    task: str
    result: str
    index: int | None = None
    key: str = ""


def looks_like_result(expression: str) -> bool:
    """Whether a reference is meant to name a result, well written or not."""
    parts = expression.split(".")
    return len(parts) >= 4 and parts[0] in ("tasks", "finally") and parts[2] == "results"


def parse_result(expression: str) -> ResultRef | None:
    """``tasks.a.results.r``, ``...r[1]``, ``...r[*]``, ``...r.key``; None for anything else."""
    parts = expression.split(".")
    if not looks_like_result(expression) or len(parts) > 5:
        return None
    if len(parts) == 5:
        return ResultRef(parts[1], _INDEX.sub("", parts[3]), key=parts[4])
    index = _INDEX.search(parts[3])
    number = int(index[1]) if index and index[1] != "*" else None
    return ResultRef(parts[1], _INDEX.sub("", parts[3]), number)


def result_refs(task: Obj) -> tuple[ResultRef, ...]:
    """References of a PipelineTask to results, in order, each once."""
    return tuple(dict.fromkeys(_refs(_places(task))))


def embedded_refs(task: Obj) -> tuple[ResultRef, ...]:
    """Those among them that stand in the embedded taskSpec."""
    return tuple(dict.fromkeys(_refs(_embedded(task))))


def dependencies(task: Obj, refs: Iterable[ResultRef]) -> tuple[str, ...]:
    """Names of the tasks that `task` waits for, sorted."""
    return tuple(sorted({*(ref.task for ref in refs), *(task.get("runAfter") or ())}))


def result_variables(task: str, results: Mapping[str, Value]) -> Variables:
    """Variables that stand for results of a task."""
    patterns = [each.format(task) for each in _PATTERNS]
    return collect(results, patterns, lambda name, key: (f"tasks.{task}.results.{name}.{key}",))


def waits_openly(task: Obj) -> bool:
    """Whether a task names results in its params or its `when`.

    Only of those does Tekton say that they are missing; it forgets the matrix and what is embedded.
    """
    places = [param.get("value") for param in task.get("params") or ()]
    places += [list(each.values()) for each in task.get("when") or ()]
    return any(looks_like_result(found) for found in references(places))


def matrix_lengths(task: Obj) -> Iterator[tuple[str, str, str]]:
    """Variables in params that count what another task fanned out: as written, task, result.

    The result is empty where the TaskRuns are counted. As in Tekton only the first in a param.
    """
    for param in task.get("params") or ():
        for expression in references(param.get("value")):
            parts = expression.split(".")
            if parts[0] != "tasks" or parts[2:3] != ["matrix"] or parts[-1] != "length":
                continue
            if len(parts) in (4, 5):
                yield expression, parts[1], parts[3] if len(parts) == 5 else ""
                break


def _places(task: Obj) -> Iterator[object]:
    yield from (param.get("value") for param in (*(task.get("params") or ()), *all_params(task)))
    for expression in task.get("when") or ():
        yield expression.get("input")
        yield expression.get("cel")
        yield expression.get("values")
    yield from _embedded(task)


def _embedded(task: Obj) -> Iterator[object]:
    spec = task.get("taskSpec") or {}
    yield spec.get("steps")
    yield spec.get("sidecars")


def _refs(places: Iterable[object]) -> Iterator[ResultRef]:
    for place in places:
        for expression in references(place):
            found = parse_result(expression)
            if found:
                yield found
