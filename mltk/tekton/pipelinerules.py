"""What must hold in a Pipeline beyond the types of its fields (``pipeline_validation.go``)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from mltk.tekton import dag, params
from mltk.tekton.config import Config
from mltk.tekton.fields import Problem
from mltk.tekton.matrixrules import check_consumers, check_matrix, matrix_values
from mltk.tekton.memberrules import check_member, check_nested_results
from mltk.tekton.objects import Obj
from mltk.tekton.paramrules import check_objects, check_param_specs
from mltk.tekton.references import dependencies, looks_like_result, parse_result, result_refs
from mltk.tekton.refs import check_ref
from mltk.tekton.steprules import DNS_LABEL, ON_ERROR
from mltk.tekton.substitution import references, texts
from mltk.tekton.whenrules import check_when
from mltk.wording import did_you_mean

_STATUS = re.compile(r"tasks\.(?:([^.]+)\.)?(?:status|reason)")
_PREFIXES = ("params", "tasks", "finally", "context", "workspaces", "results")
# $(params.NAME...), in any spelling; the rest is [*], [i] or .key.
_PARAM = re.compile(
    r"""\$\((?:inputs\.)?params(?:\.([\w-]+)|\[["']([^"']+)["']\])((?:[.\[][^()]*)?)\)"""
)


def check_pipeline(spec: Obj, path: str, config: Config, *, alone: bool) -> Iterator[Problem]:
    """Problems of a Pipeline's spec; one that stands `alone` must declare all that it uses."""
    tasks, finals = spec.get("tasks") or [], spec.get("finally") or []
    if not tasks:
        yield Problem(f"{path}.tasks", "a Pipeline needs at least one task")
    yield from check_param_specs(spec.get("params") or [], f"{path}.params")
    yield from check_objects(spec.get("params") or [], path)
    for field in ("workspaces", "results"):
        yield from check_names(spec.get(field) or [], f"{path}.{field}")
    yield from check_names([*tasks, *finals], f"{path}.tasks", DNS_LABEL)
    for section in ("tasks", "finally"):
        for index, task in enumerate(spec.get(section) or []):
            here = f"{path}.{section}[{index}]"
            yield from _check_task(task, spec, here, config, alone=alone)
            yield from check_matrix(task, here, config.defaults.matrix_limit)
        yield from check_consumers(spec.get(section) or [], f"{path}.{section}")
    names = [task["name"] for task in tasks]
    yield from _check_graph(tasks, names, path)
    yield from _check_statuses(tasks, finals, names, path)
    yield from _check_finals(finals, names, path)
    yield from _check_results(spec, names, path)
    yield from check_nested_results(spec, path)


def check_ref_or_spec(holder: Obj, ref: str, spec: str, path: str) -> Iterator[Problem]:
    """A problem unless there is either a reference or an embedded spec."""
    found = [field for field in (ref, spec) if holder.get(field) is not None]
    if len(found) != 1:
        yield Problem(path, f"either '{ref}' or '{spec}' is needed, there are {len(found)}")
    elif found == [ref]:
        yield from check_ref(holder[ref], f"{path}.{ref}")


def check_names(
    items: Iterable[Obj], path: str, pattern: re.Pattern[str] | None = None
) -> Iterator[Problem]:
    """Problems of the names in a list: twice, or not of the `pattern`."""
    names = [item["name"] for item in items]
    for index, name in enumerate(names):
        if pattern and not pattern.fullmatch(name):
            yield Problem(f"{path}[{index}].name", f"'{name}' is not a valid name")
    for name, count in Counter(names).items():
        if count > 1:
            yield Problem(path, f"the name '{name}' is there {count} times")


def check_on_error(container: Obj, path: str) -> Iterator[Problem]:
    """A problem when `onError` is neither of its two words, nor a param."""
    value = container.get("onError")
    if value and value not in ON_ERROR and not value.startswith("$(params"):
        yield Problem(f"{path}.onError", f"'{value}' is not one of {', '.join(ON_ERROR)}")


def unknown_params(tree: Any, known: Iterable[str], path: str) -> Iterator[Problem]:
    """Problems of variables that name a param that is not declared."""
    declared = list(known)
    for name in dict.fromkeys(name for each in texts(tree) for name, _ in _param_uses(each)):
        if name not in declared and name.split(".")[0] not in declared:
            near = did_you_mean(name, declared)
            yield Problem(path, f"$(params.{name}) names no declared param{near}")


def _param_uses(text: str) -> Iterator[tuple[str, str]]:
    for match in _PARAM.finditer(text):
        yield match[1] or match[2], match[3]


def _check_task(
    task: Obj, spec: Obj, path: str, config: Config, *, alone: bool
) -> Iterator[Problem]:
    yield from check_member(task, path, config, check_pipeline)
    yield from check_names(task.get("params") or [], f"{path}.params")
    yield from check_on_error(task, path)
    if task.get("onError") == "continue" and (task.get("retries") or 0) > 0:
        yield Problem(f"{path}.onError", "'continue' and retries exclude one another")
    if (task.get("retries") or 0) < 0:
        yield Problem(f"{path}.retries", "must be zero or more")
    yield from check_when(task.get("when") or [], f"{path}.when")
    yield from _check_prefixes(task, path)
    yield from check_names(task.get("workspaces") or [], f"{path}.workspaces")
    if alone:
        yield from _check_workspaces(task, spec, path)
        declared = [each["name"] for each in spec.get("params") or []]
        yield from unknown_params(
            [each.get("value") for each in task.get("params") or []], declared, f"{path}.params"
        )
        yield from unknown_params(task.get("when"), declared, f"{path}.when")
        yield from unknown_params(task.get("matrix"), declared, f"{path}.matrix")


def _check_prefixes(task: Obj, path: str) -> Iterator[Problem]:
    """Variables of no kind that a Pipeline knows, such as a shell's."""
    places = [
        (f"{path}.params[{each['name']}].value", each.get("value"))
        for each in task.get("params") or []
    ]
    places += [(f"{path}.when[{i}]", each) for i, each in enumerate(task.get("when") or [])]
    places += matrix_values(task, path)
    for place, tree in places:
        for expression in references(tree):
            if expression.split(".")[0] not in _PREFIXES:
                what = f"$({expression}) is none of {', '.join(_PREFIXES)}; the shell's is ${{VAR}}"
                yield Problem(place, what)


def _check_workspaces(task: Obj, spec: Obj, path: str) -> Iterator[Problem]:
    declared = [each["name"] for each in spec.get("workspaces") or []]
    for index, each in enumerate(task.get("workspaces") or []):
        name = each.get("workspace") or each["name"]
        if name not in declared:
            near = did_you_mean(name, declared)
            yield Problem(
                f"{path}.workspaces[{index}]", f"the Pipeline has no workspace '{name}'{near}"
            )


def _check_graph(tasks: list[Obj], names: list[str], path: str) -> Iterator[Problem]:
    parents = {}
    for index, task in enumerate(tasks):
        parents[task["name"]] = dependencies(task, result_refs(task))
        for parent in parents[task["name"]]:
            if parent not in names:
                near = did_you_mean(parent, names)
                yield Problem(
                    f"{path}.tasks[{index}]",
                    f"depends on '{parent}', which is no task of the Pipeline{near}",
                )
    try:
        dag.build(list(parents), {name: _known(p, names) for name, p in parents.items()})
    except dag.InvalidGraph as error:
        yield Problem(f"{path}.tasks", str(error))


def _known(parents: tuple[str, ...], names: list[str]) -> tuple[str, ...]:
    return tuple(parent for parent in parents if parent in names)


def _check_statuses(
    tasks: list[Obj], finals: list[Obj], names: list[str], path: str
) -> Iterator[Problem]:
    """``$(tasks.x.status)`` is for `finally` only, and of tasks that are there."""
    for section, found in (("tasks", tasks), ("finally", finals)):
        for index, task in enumerate(found):
            here = f"{path}.{section}[{index}]"
            places = [task.get("params"), task.get("when")]
            for expression in references(places):
                status = _STATUS.fullmatch(expression)
                if not status:
                    continue
                if section == "tasks":
                    yield Problem(here, f"$({expression}) is known in `finally` only")
                elif status[1] and status[1] not in names:
                    near = did_you_mean(status[1], names)
                    yield Problem(here, f"$({expression}) names no task of the Pipeline{near}")


def _check_finals(finals: list[Obj], names: list[str], path: str) -> Iterator[Problem]:
    for index, task in enumerate(finals):
        here = f"{path}.finally[{index}]"
        if task.get("runAfter"):
            yield Problem(f"{here}.runAfter", "tasks of `finally` run all at once")
        for ref in result_refs(task):
            if ref.task not in names:
                near = did_you_mean(ref.task, names)
                yield Problem(
                    here, f"uses a result of '{ref.task}', which is no task of the Pipeline{near}"
                )


def _check_results(spec: Obj, names: list[str], path: str) -> Iterator[Problem]:
    finals = [task["name"] for task in spec.get("finally") or []]
    for index, result in enumerate(spec.get("results") or []):
        here = f"{path}.results[{index}].value"
        found = [
            each
            for each in references(params.read_value(result.get("value")))
            if looks_like_result(each)
        ]
        if not found:
            yield Problem(here, "must name a result of a task, as $(tasks.NAME.results.NAME)")
        for expression in found:
            ref = parse_result(expression)
            among = finals if expression.startswith("finally.") else names
            if ref is None:
                yield Problem(here, f"$({expression}) has too many parts")
            elif ref.task not in among:
                near = did_you_mean(ref.task, among)
                yield Problem(here, f"$({expression}) names no task of the Pipeline{near}")
