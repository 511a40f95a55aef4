"""Workspaces of a Task: where each is mounted, in which containers, and the variables of it.

Rules: ``pkg/workspace/apply.go`` and ``ApplyWorkspaces`` in ``taskrun/resources/apply.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import yaml

from mltk.tekton import specs
from mltk.tekton.fields import check_fields
from mltk.tekton.names import claim_name
from mltk.tekton.objects import Obj, by_name, spec_of
from mltk.tekton.pod import WORKSPACE
from mltk.tekton.substitution import Variables
from mltk.tekton.verdicts import TaskRunRejected

_SOURCES = ("persistentVolumeClaim", "emptyDir", "configMap", "secret", "projected", "csi")
# What Tekton takes over from a default binding.
_DEFAULT = (
    "subPath", "volumeClaimTemplate", "persistentVolumeClaim", "emptyDir", "configMap", "secret",
)  # fmt: skip
VOLUME_PREFIX = "ws-"
"""How the names of volumes for workspaces begin."""

_FNV_OFFSET, _FNV_PRIME = 2166136261, 16777619


def variables(
    declared: Sequence[Obj], bindings: Sequence[Obj], paths: Mapping[str, str] | None
) -> Variables:
    """Variables of the workspaces; without `paths` each is where its declaration mounts it."""
    bound, volumes = {each["name"]: each for each in bindings}, volume_names(bindings)
    found = {}
    for name, declaration in {**bound, **{each["name"]: each for each in declared}}.items():
        prefix = f"workspaces.{name}"
        path = mount_path(declaration) if paths is None else paths.get(name, "")
        found[f"{prefix}.path"] = path if name in bound else ""
        found[f"{prefix}.bound"] = "true" if name in bound else "false"
        if name in bound:
            claim = bound[name].get("persistentVolumeClaim") or {}
            found[f"{prefix}.claim"] = claim.get("claimName", "")
            found[f"{prefix}.volume"] = volumes[name]
    return Variables(found)


def with_default_bindings(task_run: Obj, declared: Sequence[Obj], default: str) -> Obj:
    """A TaskRun that binds what its Task must have and it does not name as `default` says.

    That is a binding in YAML (``updateTaskRunWithDefaultWorkspaces``), and empty when there is
    none. Raises TaskRunRejected for one that cannot be read.
    """
    if not default:
        return task_run
    binding = _default_binding(default)
    given = by_name(spec_of(task_run).get("workspaces"))
    wanted = [each["name"] for each in declared if not each.get("optional")]
    bound = {**{name: {"name": name, **binding} for name in wanted}, **given}
    return {**task_run, "spec": {**spec_of(task_run), "workspaces": list(bound.values())}}


def with_own_paths(spec: Obj) -> Obj:
    """A Task's spec where a step that mounts a workspace at its own path names that path."""
    made = dict(spec)
    for section in ("steps", "sidecars"):
        if any(each.get("workspaces") for each in spec.get(section) or ()):
            made[section] = [_with_own_path(each) for each in spec[section]]
    return made


def with_claim(binding: Obj, uid: str) -> Obj:
    """A binding to the claim that is made of its template for the run of that uid."""
    template = binding.get("volumeClaimTemplate")
    if template is None:
        return binding
    wanted = (template.get("metadata") or {}).get("name", "")
    name = claim_name(binding["name"], uid, wanted)
    kept = {key: found for key, found in binding.items() if key != "volumeClaimTemplate"}
    return {**kept, "persistentVolumeClaim": {"claimName": name}}


def mount_path(declaration: Obj) -> str:
    """Where a declared workspace is mounted."""
    return declaration.get("mountPath") or f"{WORKSPACE}/{declaration['name']}"


def volume_names(bindings: Sequence[Obj]) -> dict[str, str]:
    """Names of the volumes of workspaces; those of one claim share one."""
    found: dict[str, str] = {}
    claims: dict[str, str] = {}
    for binding in bindings:
        name = _volume_name(binding["name"])
        while name in found.values():
            name = _volume_name(f"{name}$")
        claim = (binding.get("persistentVolumeClaim") or {}).get("claimName")
        found[binding["name"]] = claims.setdefault(claim, name) if claim else name
    return found


def mounted(spec: Obj, bindings: Sequence[Obj]) -> Obj:
    """A Task's spec with its bound workspaces as volumes and volumeMounts.

    One that a step or a sidecar names is mounted there alone, any other everywhere.
    """
    declared = by_name(spec.get("workspaces"))
    names = volume_names(bindings)
    alone = {each["name"] for c in _containers(spec) for each in c.get("workspaces") or ()}
    mounts = {
        binding["name"]: {
            "name": names[binding["name"]],
            "mountPath": mount_path(declared.get(binding["name"], binding)),
            "subPath": binding.get("subPath") or "",
            "readOnly": bool(declared.get(binding["name"], {}).get("readOnly")),
        }
        for binding in bindings
    }
    shared = [mount for name, mount in mounts.items() if name not in alone]
    volumes = {
        names[binding["name"]]: {key: binding[key] for key in _SOURCES if key in binding}
        for binding in reversed(bindings)
    }
    return {
        **spec,
        "volumes": [
            *(spec.get("volumes") or ()),
            *({"name": name, **source} for name, source in volumes.items()),
        ],
        "stepTemplate": _mounting(spec.get("stepTemplate") or {}, shared),
        "steps": [_mounting(s, _asked_for(s, mounts)) for s in spec.get("steps") or ()],
        "sidecars": [_with_shared(s, mounts, shared) for s in spec.get("sidecars") or ()],
    }


def _default_binding(text: str) -> Obj:
    try:
        found = yaml.safe_load(text) or {}
    except yaml.YAMLError:
        found = text
    if isinstance(found, dict):
        binding = {key: found[key] for key in _DEFAULT if found.get(key) is not None}
        problems = check_fields("WorkspaceBinding", {"name": "default", **binding}, "")
        sources = [held for key, held in binding.items() if key != "subPath"]
        if all(each.warning for each in problems) and all(isinstance(s, dict) for s in sources):
            return binding
    raise TaskRunRejected("TaskRunResolutionFailed", f"failed to unmarshal {text}")


def _with_own_path(container: Obj) -> Obj:
    own = {
        f"workspaces.{each['name']}.path": each["mountPath"]
        for each in container.get("workspaces") or ()
        if each.get("mountPath")
    }
    return specs.substitute_container(container, Variables(own)) if own else container


def _containers(spec: Obj) -> Iterable[Obj]:
    return (*(spec.get("steps") or ()), *(spec.get("sidecars") or ()))


def _mounting(container: Obj, mounts: Sequence[Obj]) -> Obj:
    if not mounts:
        return container
    return {**container, "volumeMounts": [*(container.get("volumeMounts") or ()), *mounts]}


def _asked_for(container: Obj, mounts: Mapping[str, Obj]) -> list[Obj]:
    """The workspaces that a container names, at its own paths if it gives them."""
    return [
        {**mounts[each["name"]], "mountPath": each.get("mountPath") or path["mountPath"]}
        for each in container.get("workspaces") or ()
        if (path := mounts.get(each["name"]))
    ]


def _with_shared(sidecar: Obj, mounts: Mapping[str, Obj], shared: Sequence[Obj]) -> Obj:
    taken = {each["mountPath"] for each in sidecar.get("volumeMounts") or ()}
    free = [mount for mount in shared if mount["mountPath"] not in taken]
    return _mounting(sidecar, [*free, *_asked_for(sidecar, mounts)])


def _volume_name(workspace: str) -> str:
    """``GenerateHashedName`` of Tekton: five digits of the name's FNV-1a hash."""
    found = _FNV_OFFSET
    for byte in workspace.encode():
        found = (found ^ byte) * _FNV_PRIME & 0xFFFFFFFF
    return VOLUME_PREFIX + f"{found:x}"[:5].ljust(5, "0")
