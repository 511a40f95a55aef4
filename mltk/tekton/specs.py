"""Variables in the fields of a Task and of a Pipeline: which fields take them, and how.

Rules: ``ApplyReplacements`` in ``taskrun/resources/apply.go`` and in
``pipelinerun/resources/apply.go``, and ``docs/variables.md`` of Tekton.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mltk.tekton import params as param_rules
from mltk.tekton import when
from mltk.tekton.matrix import is_matrixed
from mltk.tekton.objects import Obj
from mltk.tekton.substitution import Variables, deep, elements, text, texts, value

# What takes variables in a step itself, as paths.
_TEXTS = (
    *((name,) for name in ("name", "image", "imagePullPolicy", "script", "onError", "workingDir")),
    ("stdoutConfig", "path"),
    ("stderrConfig", "path"),
)
_LIST_FIELDS = ("command", "args")
_BOUND_FIELDS = ("subPath", "persistentVolumeClaim", "configMap", "secret", "projected", "csi")
_NAME_AND_KEY = ("name", "key")
_MERGED = {"env": "name", "volumeMounts": "mountPath", "volumeDevices": "devicePath"}
# What takes variables in an entry of a list, as paths.
_ENTRY_FIELDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "env": (
        ("value",),
        *(("valueFrom", "secretKeyRef", field) for field in _NAME_AND_KEY),
        *(("valueFrom", "configMapKeyRef", field) for field in _NAME_AND_KEY),
    ),
    "envFrom": (("prefix",), ("configMapRef", "name"), ("secretRef", "name")),
    "volumeMounts": (("name",), ("mountPath",), ("subPath",)),
}
_WORKSPACE = re.compile(r"""\$\(workspaces(?:\.([\w-]+)|\[["']([^"']+)["']\])\.""")


def step_name(step: Obj, index: int) -> str:
    """Name of a step, ``unnamed-2`` for the third when it has none."""
    return str(step.get("name") or f"unnamed-{index}")


def merged_steps(spec: Obj) -> list[Obj]:
    """The steps of a Task over its stepTemplate (``MergeStepsWithStepTemplate``).

    What a step sets counts, env is merged by name. A step that runs a StepAction is left alone
    until that is in its place.
    """
    template = spec.get("stepTemplate") or {}
    steps = spec.get("steps") or ()
    if not template:
        return list(steps)
    return [step if step.get("ref") is not None else _merged(template, step) for step in steps]


def substitute_task(spec: Obj, variables: Variables) -> Obj:
    """A Task's spec with variables replaced in its containers, volumes and mount paths."""
    if not variables:
        return spec
    made = dict(spec)
    for section in ("steps", "sidecars"):
        if spec.get(section):
            made[section] = [substitute_container(each, variables) for each in spec[section]]
    if spec.get("stepTemplate"):
        made["stepTemplate"] = substitute_container(spec["stepTemplate"], variables)
    if spec.get("volumes"):
        made["volumes"] = deep(spec["volumes"], variables)
    if spec.get("workspaces"):
        made["workspaces"] = [substitute_mount_path(each, variables) for each in spec["workspaces"]]
    return made


def substitute_container(container: Obj, variables: Variables) -> Obj:
    """A step, a sidecar, a stepTemplate or a StepAction with variables replaced."""
    made: dict[str, Any] = dict(container)
    for path in _TEXTS:
        made = _at(made, path, variables)
    for name, paths in _ENTRY_FIELDS.items():
        if container.get(name):
            made[name] = [_entry(each, paths, variables) for each in container[name]]
    for name in _LIST_FIELDS:
        if container.get(name):
            made[name] = [
                part for item in container[name] for part in elements(str(item), variables)
            ]
    if container.get("when"):
        made["when"] = when.substitute(container["when"], variables)
    if container.get("params"):
        made["params"] = substitute_params(container["params"], variables)
    return made


def substitute_pipeline(spec: Obj, variables: Variables) -> Obj:
    """A Pipeline's spec with variables replaced in its tasks, `finally` included."""
    made = dict(spec)
    for section in ("tasks", "finally"):
        if spec.get(section):
            made[section] = [_with_embedded(task, variables) for task in spec[section]]
    return made


def substitute_pipeline_task(task: Obj, variables: Variables) -> Obj:
    """A PipelineTask with variables replaced in its own fields, not in an embedded taskSpec."""
    if not variables:
        return task
    made = dict(task)
    for name in ("displayName", "onError"):
        if name in task:
            made[name] = text(str(task[name]), variables)
    if task.get("params"):
        made["params"] = substitute_params(task["params"], variables)
    if task.get("matrix"):
        made["matrix"] = _matrix(task["matrix"], variables)
    if task.get("when"):
        made["when"] = when.substitute(task["when"], variables)
    if task.get("workspaces"):
        made["workspaces"] = [_sub_path(each, variables) for each in task["workspaces"]]
    if task.get("taskRef"):
        made["taskRef"] = _ref(task["taskRef"], variables)
    return made


def _matrix(matrix: Obj, variables: Variables) -> Obj:
    """A matrix takes texts and lists; what it includes takes texts only."""
    made, only_texts = dict(matrix), Variables(variables.texts)
    if matrix.get("params"):
        flat = Variables(variables.texts, variables.lists)
        made["params"] = substitute_params(matrix["params"], flat)
    if matrix.get("include"):
        made["include"] = [
            {**each, "params": substitute_params(each["params"], only_texts)}
            if each.get("params")
            else each
            for each in matrix["include"]
        ]
    return made


def substitute_params(params: list[Obj], variables: Variables) -> list[Obj]:
    """Params with variables replaced in their values."""
    return [
        {**each, "value": value(param_rules.read_value(each.get("value")), variables)}
        for each in params
    ]


def substitute_bindings(bindings: list[Obj], variables: Variables) -> list[Obj]:
    """Workspace bindings of a run: subPath and what their sources are called take variables."""
    return [
        {
            key: deep(found, variables) if key in _BOUND_FIELDS else found
            for key, found in binding.items()
        }
        for binding in bindings
    ]


def used_workspaces(task_spec: Obj) -> list[str]:
    """Workspaces that steps or the stepTemplate name in a variable, sorted."""
    places = [task_spec.get("steps"), task_spec.get("stepTemplate")]
    found = (match for each in texts(places) for match in _WORKSPACE.finditer(each))
    return sorted({match[1] or match[2] for match in found})


def _ref(ref: Obj, variables: Variables) -> Obj:
    made = deep({key: found for key, found in ref.items() if key != "params"}, variables)
    if ref.get("params"):
        made["params"] = substitute_params(ref["params"], variables)
    return dict(made)


def _with_embedded(task: Obj, variables: Variables) -> Obj:
    made = substitute_pipeline_task(task, variables)
    if is_matrixed(task) and task.get("displayName"):
        # Its params are for each TaskRun to fill in.
        made["displayName"] = text(task["displayName"], _context(variables))
    if task.get("taskSpec"):
        own = param_rules.variables(param_rules.given(made.get("params")))
        made["taskSpec"] = substitute_task(task["taskSpec"], variables | _known(own, variables))
    return made


def _context(variables: Variables) -> Variables:
    return Variables({k: v for k, v in variables.texts.items() if k.startswith("context.")})


def _known(own: Variables, outer: Variables) -> Variables:
    """Those of the task's own params that hide a param of the run."""
    names = {*outer.texts, *outer.lists, *outer.objects}
    return Variables(
        {key: found for key, found in own.texts.items() if key in names},
        {key: found for key, found in own.lists.items() if key in names},
        {key: found for key, found in own.objects.items() if key in names},
    )


def substitute_mount_path(declaration: Obj, variables: Variables) -> Obj:
    """A declared workspace with variables replaced in its path."""
    if "mountPath" not in declaration:
        return declaration
    return {**declaration, "mountPath": text(declaration["mountPath"], variables)}


def _entry(entry: Obj, paths: Iterable[tuple[str, ...]], variables: Variables) -> Obj:
    made = entry
    for path in paths:
        made = _at(made, path, variables)
    return made


def _at(tree: Any, path: tuple[str, ...], variables: Variables) -> Any:
    """A tree with variables replaced in the text at a path, if there is one."""
    if not path:
        return text(tree, variables) if isinstance(tree, str) else tree
    if not isinstance(tree, dict) or path[0] not in tree:
        return tree
    return {**tree, path[0]: _at(tree[path[0]], path[1:], variables)}


def _sub_path(binding: Obj, variables: Variables) -> Obj:
    if "subPath" not in binding:
        return binding
    return {**binding, "subPath": text(binding["subPath"], variables)}


def _deeply(below: Obj, above: Obj) -> Obj:
    """One tree of keys over another."""
    both = {
        key: _deeply(below[key], found)
        for key, found in above.items()
        if isinstance(found, dict) and isinstance(below.get(key), dict)
    }
    return {**below, **above, **both}


def _merged(template: Obj, step: Obj) -> Obj:
    made = _deeply(template, {key: found for key, found in step.items() if found not in ("", [])})
    for field, key in _MERGED.items():
        if template.get(field) and step.get(field):
            entries = {each[key]: each for each in template[field]}
            made[field] = list({**entries, **{each[key]: each for each in step[field]}}.values())
    return made
