"""StepActions: what a step with a ``ref`` runs.

Rules: ``GetStepActionsData`` in ``taskrun/resources/taskspec.go`` and
``applyStepActionParameters`` in ``apply.go`` of Tekton. Params of the Task are in the step's params
before they reach the StepAction; what only a step's result will tell stays a variable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mltk.tekton import params, specs
from mltk.tekton.objects import Obj, spec_of
from mltk.tekton.remote import Unresolved, task_run_refusal
from mltk.tekton.resultrules import with_types
from mltk.tekton.stepresults import StepResultRef, parse
from mltk.tekton.substitution import Value, Variables, texts
from mltk.tekton.variablerules import expressions, quoted
from mltk.tekton.verdicts import TaskRunRejected, listed

# The spec of what a `ref` names; raises Unresolved when it cannot be had.
FindStepAction = Callable[[Obj], Obj]

_TAKEN = ("command", "args", "script", "env", "volumeMounts")  # when the StepAction has them
_REPLACED = ("image", "securityContext", "workingDir")  # whether it has them or not
_INDEXED = r"\$\(({})\[([0-9]+)\]\)"
_PLAIN_NAME = re.compile(r"(?:inputs\.)?params\.(\w+)|params\[[\"']([^\"']+)[\"']\]")


def with_step_actions(task_run: Obj, task_spec: Obj, find: FindStepAction) -> Obj:
    """The spec of a Task in which each step holds what its `ref` names.

    Raises TaskRunRejected when a StepAction is not there or does not fit the step.
    """
    steps = task_spec.get("steps") or ()
    if not any(step.get("ref") for step in steps):
        return task_spec
    outer = _task_variables(task_run, task_spec)
    made = []
    for index, step in enumerate(steps):
        try:
            made.append(_resolved(step, outer, find) if step.get("ref") else step)
        except Unresolved as why:
            name = quoted(step.get("name") or "")
            message = f"failed to resolve step ref for step {name} (index {index}): {why}"
            reason = task_run_refusal(why)[0]
            raise TaskRunRejected(reason, message) from None
    return {**task_spec, "steps": made}


def _task_variables(task_run: Obj, task_spec: Obj) -> Variables:
    values = params.given(spec_of(task_run).get("params"))
    return params.variables(params.with_defaults(task_spec.get("params") or (), values))


def _resolved(step: Obj, outer: Variables, find: FindStepAction) -> Obj:
    ref = step["ref"]
    if ref.get("params"):
        ref = {**ref, "params": specs.substitute_params(ref["params"], outer)}
    action = find(ref)
    given = params.given(specs.substitute_params(step.get("params") or [], outer))
    declared = action.get("params") or ()
    _check_names(declared, given)
    container = {key: value for key, value in action.items() if key != "params"}
    action = specs.substitute_container(container, _variables(action, declared, given))
    made = {key: value for key, value in step.items() if key not in ("ref", "params", *_REPLACED)}
    made |= {key: action[key] for key in _REPLACED if action.get(key)}
    made |= {key: action[key] for key in _TAKEN if action.get(key)}
    if action.get("results"):
        made["results"] = [with_types(each) for each in action["results"]]
    return made


def _check_names(declared: Iterable[Obj], given: Mapping[str, Value]) -> None:
    names = [each["name"] for each in declared]
    if extra := [name for name in given if name not in names]:
        raise Unresolved(f"extra params passed by Step to StepAction: {listed(extra)}")
    if missing := params.missing(declared, given):
        raise Unresolved(f"non-existent params in Step: {listed(missing)}")


def _variables(action: Obj, declared: Sequence[Obj], given: Mapping[str, Value]) -> Variables:
    """What the params of a StepAction stand for."""
    defaults = {
        each["name"]: params.read_value(each["default"])
        for each in declared
        if each.get("default") is not None
    }
    plain = params.variables({n: v for n, v in defaults.items() if not _refers(v)})
    found = plain | params.variables(_overlaid(defaults, _values(declared, defaults, given)))
    found |= Variables(dict(_from_step_results(action, declared, given)))
    _check_types(found)
    return found


def _values(
    declared: Iterable[Obj], defaults: Mapping[str, Value], given: Mapping[str, Value]
) -> dict[str, Value]:
    """Params by name, first those that are given, then defaults that refer to others."""
    values = {
        each["name"]: given.get(each["name"], defaults.get(each["name"], "")) for each in declared
    }
    waiting = {n: str(v) for n, v in values.items() if n not in given and _refers(defaults.get(n))}
    known = {name: value for name, value in values.items() if name not in waiting}
    while waiting:
        ready = [name for name in waiting if all(each in known for each in _named(waiting[name]))]
        if not ready:
            raise Unresolved(_why_stuck(waiting, known, values))
        for name in ready:
            known[name] = _filled(waiting.pop(name), known)
    return known


def _refers(default: Value | None) -> bool:
    return isinstance(default, str) and "$(params." in default


def _named(default: str) -> list[str]:
    found = expressions(default, "params")
    return [each.removeprefix("$(params.").removesuffix(")") for each in found]


def _filled(default: str, known: Mapping[str, Value]) -> str:
    for name in _named(default):
        value = known[name]
        default = default.replace(f"$(params.{name})", value if isinstance(value, str) else "")
    return default


def _why_stuck(
    waiting: Mapping[str, str], known: Mapping[str, Value], declared: Mapping[str, Value]
) -> str:
    for name, default in waiting.items():
        lacking = next(each for each in _named(default) if each not in known)
        if lacking not in declared:
            return f"parameter {quoted(name)} references non-existent parameter {quoted(lacking)}"
    return "circular dependency detected in parameter references"


def _overlaid(defaults: Mapping[str, Value], values: Mapping[str, Value]) -> dict[str, Value]:
    """An object that is given keeps the keys of the default that it does not name."""
    made = dict(values)
    for name, value in values.items():
        default = defaults.get(name)
        if isinstance(value, dict) and isinstance(default, dict):
            made[name] = {**default, **value}
    return made


def _from_step_results(
    action: Obj, declared: Iterable[Obj], given: Mapping[str, Value]
) -> Iterator[tuple[str, str]]:
    """A param that is a result of a step stands for a variable, which the step's start replaces."""
    for each in declared:
        value = given.get(each["name"])
        if not (isinstance(value, str) and value.startswith("$(steps.")):
            continue
        try:
            ref = parse(value)
        except ValueError as error:
            raise Unresolved(str(error)) from None
        yield from _spelled(each, value, ref, action)


def _spelled(param: Obj, value: str, ref: StepResultRef, action: Obj) -> Iterator[tuple[str, str]]:
    name, result = param["name"], f"steps.{ref.step}.results.{ref.result}"
    kind = params.spec_type(param)
    if kind == "object":
        for key in param.get("properties") or ():
            yield f"params.{name}.{key}", f"$({result}.{key})"
        return
    for pattern in params.PATTERNS:
        spelling = pattern.format(name)
        if kind == "string":
            yield spelling, value
            continue
        yield f"{spelling}[*]", f"$({result}[*])"
        indexed = re.compile(_INDEXED.format(re.escape(spelling)))
        for text in texts(_indexable(action)):
            for found in indexed.finditer(text):
                yield f"{spelling}[{found[2]}]", f"$({result}[{found[2]}])"


def _indexable(action: Obj) -> list[Any]:
    return [action.get("command"), action.get("args"), action.get("env")]


def _check_types(found: Variables) -> None:
    """A default of one type and a value of another make the same variable a text and a list."""
    for key in sorted(found.texts):
        if key in found.lists:
            name = _PLAIN_NAME.fullmatch(key)
            shown = (name[1] or name[2]) if name else key
            raise Unresolved(
                f"invalid parameter substitution: {shown}. Please check the types of the default"
                " value and the passed value"
            )
