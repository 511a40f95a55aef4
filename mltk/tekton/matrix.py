"""A task that fans out: one TaskRun for each combination of values.

Rules: ``matrix_types.go`` of Tekton's API and ``getNewRunNames``. How many TaskRuns there are and
what each gets are counted in two ways there, which disagree for an `include` with several new
values; both are kept as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod

from mltk.tekton import params
from mltk.tekton.names import LONGEST_NAME, child_name
from mltk.tekton.objects import Obj
from mltk.tekton.substitution import Value, Variables, text

Combination = dict[str, str]


def is_matrixed(task: Obj) -> bool:
    """Whether a PipelineTask fans out."""
    matrix = task.get("matrix") or {}
    return bool(matrix.get("params") or matrix.get("include"))


def all_params(task: Obj) -> list[Obj]:
    """The params of a matrix, those of `include` after the others."""
    matrix = task.get("matrix") or {}
    return [*(matrix.get("params") or ()), *_included(matrix)]


def count(matrix: Obj) -> int:
    """How many TaskRuns there are; a list that is empty, or not there yet, counts as one value."""
    given = _lists(matrix)
    generated = prod(len(values) or 1 for values in given.values()) if given else 0
    includes = matrix.get("include") or ()
    if not given:
        return len(includes)
    return generated + sum(_new(each, given) for each in includes)


def combinations(matrix: Obj) -> list[list[Obj]]:
    """Params of each TaskRun: the first list turns fastest, then what `include` adds."""
    includes = [_values(each) for each in matrix.get("include") or ()]
    if not matrix.get("params"):
        return [_as_params(each) for each in includes]
    found: list[Combination] = []
    for name, values in _lists(matrix).items():
        found = (
            [{**each, name: value} for value in values for each in found]
            if found
            else [{name: value} for value in values]
        )
    for each in found:
        for include in includes:
            if all(each.get(name, value) == value for name, value in include.items()):
                each.update(include)
    for include in includes:
        if include and not any(_shares(each, include) for each in found):
            found.append(include)
    return [_as_params(each) for each in found]


def names(run: str, task: str, number: int) -> list[str]:
    """Names of the TaskRuns of a task; a single one has no number."""
    if number == 1:
        return [child_name(run, f"-{task}")]
    return [_numbered(run, task, index, number) for index in range(number)]


def has_empty_list(task: Obj) -> bool:
    """Whether a list to fan out over is empty: then there is nothing to run."""
    given = (task.get("matrix") or {}).get("params") or ()
    return any(params.read_value(each.get("value")) == [] for each in given)


def ill_typed(tasks: Iterable[Obj]) -> str:
    """What Tekton says of the first matrix whose values are of a wrong type; empty if none is."""
    for task in tasks:
        matrix = task.get("matrix") or {}
        kinds = [
            *((each, "string") for each in _included(matrix)),
            *((each, "array") for each in matrix.get("params") or ()),
        ]
        for each, wanted in kinds:
            found = params.read_value(each.get("value"))
            open_ = wanted == "array" and isinstance(found, str) and ".results." in found
            if params.type_of(found) != wanted and not open_:
                return (
                    f'parameters of type {wanted} only are allowed, but param "{each["name"]}" '
                    f'has type "{params.type_of(found)}" in pipelineTask "{task["name"]}"'
                )
    return ""


def shown_name(task: Obj, given: Mapping[str, Value]) -> str:
    """The name that `include` gives a combination; empty when it gives none."""
    known = {f"params.{name}": found for name, found in given.items() if isinstance(found, str)}
    matching = (
        text(each["name"], Variables(known))
        for each in (task.get("matrix") or {}).get("include") or ()
        if each.get("name") and _matches(each, known)
    )
    return " ".join(matching).strip()


def _matches(include: Obj, known: Mapping[str, str]) -> bool:
    for each in include.get("params") or ():
        name, wanted = f"params.{each['name']}", params.read_value(each.get("value"))
        if name not in known or (isinstance(wanted, str) and known[name] != wanted):
            return False
    return True


def _included(matrix: Obj) -> Iterator[Obj]:
    for include in matrix.get("include") or ():
        yield from include.get("params") or ()


def _lists(matrix: Obj) -> dict[str, list[str]]:
    found = params.given(matrix.get("params"))
    return {name: value if isinstance(value, list) else [] for name, value in found.items()}


def _values(include: Obj) -> Combination:
    found = params.given(include.get("params"))
    return {name: value if isinstance(value, str) else "" for name, value in found.items()}


def _new(include: Obj, given: Mapping[str, Sequence[str]]) -> int:
    """How many TaskRuns Tekton expects of an `include`: one for each value that is not given."""
    found = 0
    for name, value in _values(include).items():
        if name in given:
            if value in given[name]:
                break
            found += 1
    return found


def _shares(combination: Combination, include: Combination) -> bool:
    return any(combination.get(name) == value for name, value in include.items())


def _as_params(combination: Combination) -> list[Obj]:
    return [{"name": name, "value": combination[name]} for name in sorted(combination)]


def _numbered(run: str, task: str, index: int, number: int) -> str:
    name = child_name(run, f"-{task}-{index}")
    if name.endswith(f"-{index}"):
        return name
    return f"{child_name(run, f'-{task}')[: LONGEST_NAME - len(f'-{number}')]}-{index}"
