"""What must hold in a Task beyond the types of its fields (``task_validation.go`` of Tekton)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence

from mltk.tekton.config import TEKTONS, FeatureFlags
from mltk.tekton.fields import Problem
from mltk.tekton.mountrules import check_mounts
from mltk.tekton.objects import Obj
from mltk.tekton.paramrules import by_type, check_objects, check_param_specs
from mltk.tekton.resultrules import check_results
from mltk.tekton.specs import merged_steps
from mltk.tekton.steprules import (
    check_lists,
    check_step,
    check_unknown,
    check_whole_objects,
)
from mltk.tekton.variablerules import quoted, unknown

_CONTEXT = {
    "context.taskRun": ("name", "namespace", "uid"),
    "context.task": ("name", "retry-count"),
}


def check_task(
    spec: Obj, path: str, *, alone: bool, flags: FeatureFlags = TEKTONS.flags
) -> Iterator[Problem]:
    """Problems of a Task's spec; one that stands `alone` must declare every param it uses."""
    declared, steps = spec.get("params") or [], merged_steps(spec)
    if not steps:
        yield Problem(
            f"{path}.steps", "missing field(s)", advice="; a Task needs at least one step"
        )
    yield from _check_workspaces(spec, path)
    yield from check_mounts(spec, path)
    yield from _check_step_names(steps, f"{path}.steps")
    for index, step in enumerate(steps):
        yield from check_step(step, f"{path}.steps[{index}]", flags)
    yield from check_param_specs(declared, f"{path}.params")
    results = [each["name"] for each in spec.get("results") or ()]
    for index, step in enumerate(steps):
        here = f"{path}.steps[{index}]"
        yield from check_lists(step, here, by_type(declared)["array"])
        for prefix, names in _CONTEXT.items():
            yield from check_unknown(step, here, prefix, names)
        if why := unknown(step.get("script") or "", "results", results):
            yield Problem(f"{here}.script", why)
    yield from check_results(spec.get("results") or (), f"{path}.results")
    if alone:
        yield from check_usage(steps, declared, path)


def check_usage(steps: Iterable[Obj], declared: Sequence[Obj], path: str) -> Iterator[Problem]:
    """Params in steps are declared, and used as what they are.

    ``ValidateUsageOfDeclaredParameters``; of a Task inside a run, propagated params count as
    declared.
    """
    names = [each["name"] for each in declared]
    objects = {each["name"]: list(each.get("properties") or ()) for each in declared
               if each["name"] in by_type(declared)["object"]}  # fmt: skip
    for index, step in enumerate(steps):
        here = f"{path}.steps[{index}]"
        yield from check_unknown(step, here, "params", names)
        for name, keys in objects.items():
            yield from check_unknown(step, here, f"params.{name}", keys)
        yield from check_whole_objects(step, here, list(objects))
    yield from check_objects(declared, path)


def check_runnable(spec: Obj, path: str) -> Iterator[Problem]:
    """What Tekton takes and this engine cannot start."""
    for index, step in enumerate(merged_steps(spec)):
        if step.get("ref") is None and not (step.get("script") or step.get("command")):
            yield Problem(
                f"{path}.steps[{index}]",
                "what runs a step without 'command' or 'script' stands in its image: it takes"
                " --runtime container",
                warning=True,
            )


def _check_workspaces(spec: Obj, path: str) -> Iterator[Problem]:
    """Names and mount paths are there once (``validateDeclaredWorkspaces``)."""
    containers = [*(spec.get("steps") or ()), spec.get("stepTemplate") or {}]
    mounts = [each for step in containers for each in step.get("volumeMounts") or ()]
    taken = {posixpath.normpath(mount.get("mountPath") or "") for mount in mounts}
    names: set[str] = set()
    for index, each in enumerate(spec.get("workspaces") or ()):
        here, name = f"{path}.workspaces[{index}]", each["name"]
        place = posixpath.normpath(each.get("mountPath") or f"/workspace/{name}")
        if name in names:
            yield Problem(f"{here}.name", f"workspace name {quoted(name)} must be unique")
        if place in taken:
            what = f"workspace mount path {quoted(place)} must be unique"
            yield Problem(f"{here}.mountpath", what)
        names.add(name)
        taken.add(place)


def _check_step_names(steps: Iterable[Obj], path: str) -> Iterator[Problem]:
    seen = set()
    for index, step in enumerate(steps):
        name = step.get("name")
        if name in seen:
            yield Problem(f"{path}[{index}].name", "expected exactly one, got both")
        if name:
            seen.add(name)
