"""Variables in the tasks and the results of a Pipeline (``pipeline_validation.go`` of Tekton)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from mltk.tekton import params
from mltk.tekton.fields import Problem
from mltk.tekton.matrix import all_params
from mltk.tekton.matrixrules import matrix_values
from mltk.tekton.objects import Obj
from mltk.tekton.references import looks_like_result, parse_result
from mltk.tekton.substitution import references, texts
from mltk.tekton.variablerules import quoted, unknown
from mltk.wording import did_you_mean

_PREFIXES = ("params", "tasks", "finally", "context", "workspaces", "results")
_PREFIX_RULE = (
    "must start with a valid prefix: params, tasks, finally, context, workspaces, or results; if "
    "you meant a shell variable, use ${VAR} instead"
)
_CONTEXTS = {
    "context.pipelineRun": ("name", "namespace", "uid"),
    "context.pipeline": ("name",),
    "context.pipelineTask": ("retries",),
}
_NO_STATUS = (
    "invalid value: pipeline tasks can not refer to execution status of any other pipeline task or "
    "aggregate status of tasks"
)


def check_prefixes(task: Obj, path: str) -> Iterator[Problem]:
    """Variables of no kind that a Pipeline knows, such as a shell's."""
    for place, tree in (*_places(task, path), *matrix_values(task, path)):
        for expression in references(tree):
            if expression.split(".")[0] not in _PREFIXES:
                written = quoted(f"$({expression})")
                what = f"invalid value: invalid variable reference {written}, {_PREFIX_RULE}"
                yield Problem(place, what)


def check_contexts(tasks: Sequence[Obj], path: str) -> Iterator[Problem]:
    """Variables of the context that there are not; as in Tekton of the last task only."""
    if not tasks:
        return
    last = tasks[-1]
    for each in (*(last.get("params") or ()), *all_params(last)):
        for text in texts(params.read_value(each.get("value"))):
            for prefix, names in _CONTEXTS.items():
                if what := unknown(text, prefix, names):
                    yield Problem(f"{path}.value", what)


def check_params(task: Obj, names: Collection[str], path: str) -> Iterator[Problem]:
    """Variables that name no declared param."""
    places = [
        (f"{path}.params[{each['name']}]", each.get("value")) for each in task.get("params") or ()
    ]
    for index, each in enumerate(task.get("when") or ()):
        for field in ("input", "values"):
            places.append((f"{path}.when[{index}].{field}", each.get(field)))
    for place, found in matrix_values(task, path):
        # As in Tekton a whole list by its name is not looked at.
        listed = found if isinstance(found, list) else []
        places += [(f"{place}[{index}]", each) for index, each in enumerate(listed)]
    for include in (task.get("matrix") or {}).get("include") or ():
        # Tekton does not say of which combination.
        for index, each in enumerate(include.get("params") or ()):
            places.append((f"{path}.matrix.include.params[{index}]", each.get("value")))
    for place, tree in places:
        for text in texts(tree):
            if what := unknown(text, "params", names):
                named = next((n for n in params.named(text) if n not in names), "")
                near = did_you_mean(named, names) if named else ""
                yield Problem(place, what, advice=near)


def check_statuses(tasks: Sequence[Obj], finals: Sequence[Obj], path: str) -> Iterator[Problem]:
    """``$(tasks.x.status)`` is for `finally` only, and of tasks that are there."""
    for index, task in enumerate(tasks):
        for place, tree in _places(task, f"{path}.tasks[{index}]"):
            if any(_statuses(tree)):
                yield Problem(place, _NO_STATUS)
    names = [task["name"] for task in tasks]
    for index, task in enumerate(finals):
        for place, tree in _places(task, f"{path}.finally[{index}]"):
            for expression in _statuses(tree):
                name = expression.removeprefix("tasks.").rpartition(".")[0]
                if expression != "tasks.status" and name not in names:
                    what = f"invalid value: pipeline task {name} is not defined in the pipeline"
                    yield Problem(place, what, advice=did_you_mean(name, names))


def check_final_results(
    tasks: Sequence[Obj], finals: Sequence[Obj], path: str
) -> Iterator[Problem]:
    """Tasks of `finally` use results of the graph only, as they all start at once."""
    names = [task["name"] for task in tasks]
    others = [task["name"] for task in finals]
    for index, task in enumerate(finals):
        for place, tree in _places(task, f"{path}.finally[{index}]"):
            for ref in filter(None, map(parse_result, references(tree))):
                if ref.task in others:
                    what = f"reference from a final task {ref.task}"
                elif ref.task not in names:
                    what = f"reference from a task {ref.task} which is not defined in the pipeline"
                else:
                    continue
                yield Problem(
                    place,
                    "invalid value: invalid task result reference, final task has task result "
                    f"{what}",
                    advice=did_you_mean(ref.task, names),
                )


def check_results(spec: Obj, path: str) -> Iterator[Problem]:
    """Results of a Pipeline are made of results of its tasks."""
    tasks = [task["name"] for task in spec.get("tasks") or ()]
    finals = [task["name"] for task in spec.get("finally") or ()]
    for index, result in enumerate(spec.get("results") or ()):
        found = list(references(params.read_value(result.get("value"))))
        for what in _result_problems(found, tasks, finals):
            yield Problem(f"{path}.results[{index}].value", f"invalid value: {what}")


def _result_problems(
    found: Sequence[str], tasks: Collection[str], finals: Collection[str]
) -> Iterator[str]:
    results = [each for each in found if looks_like_result(each)]
    wanted = "expected pipeline results to be task result expressions but"
    if not found:
        yield f"{wanted} no expressions were found"
    if not results:
        yield f"{wanted} an invalid expressions was found"
    refs = {each: parse_result(each) for each in results}
    if broken := [each for each, ref in refs.items() if ref is None]:
        yield f"expected all of the expressions [{' '.join(broken)}] to be result expressions"
    for expression, ref in refs.items():
        among = finals if expression.startswith("finally.") else tasks
        if ref is not None and ref.task not in among:
            yield "referencing a nonexistent task"


def _places(task: Obj, path: str) -> list[tuple[str, object]]:
    """Where Tekton looks for variables: the params and the `when` of a task."""
    found: list[tuple[str, object]] = [
        (f"{path}.params[{each['name']}].value", each.get("value"))
        for each in task.get("params") or ()
    ]
    return found + [(f"{path}.when[{i}]", each) for i, each in enumerate(task.get("when") or ())]


def _statuses(tree: object) -> Iterator[str]:
    """References to how tasks ended; beside a reference to a result Tekton does not see them."""
    found = list(references(tree))
    if any(looks_like_result(each) for each in found):
        return
    for each in found:
        if each.startswith("tasks.") and each.endswith((".status", ".reason")):
            yield each
