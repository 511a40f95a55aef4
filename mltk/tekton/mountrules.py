"""What must hold of a Task's volumes and of the places where its containers mount them.

Rules: ``validateWorkspaceUsages`` and ``ValidateVolumes`` in ``task_validation.go`` of Tekton.
"""

from __future__ import annotations

from collections.abc import Iterator

from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj

_RESERVED = "tekton-log-results"


def check_mounts(spec: Obj, path: str) -> Iterator[Problem]:
    """Problems of the volumes of a Task, and of workspaces that single containers ask for."""
    yield from _check_usages(spec, path)
    for sidecar in spec.get("sidecars") or ():
        yield from _check_sidecar(sidecar, f"{path}.sidecars")
    names: set[str] = set()
    for index, volume in enumerate(spec.get("volumes") or ()):
        if (name := volume.get("name")) in names:
            what = f'multiple volumes with same name "{name}"'
            yield Problem(f"{path}.volumes[{index}].name", what)
        names.add(name)


def _check_sidecar(sidecar: Obj, path: str) -> Iterator[Problem]:
    """Tekton does not tell which of them it is."""
    if sidecar.get("name") == _RESERVED:
        what = f"Invalid: cannot use reserved sidecar name {_RESERVED} "
        yield Problem(f"{path}.name", what)
    if not sidecar.get("image"):
        yield Problem(f"{path}.image", "missing field(s)")
    if sidecar.get("script") and sidecar.get("command"):
        yield Problem(f"{path}.script", "script cannot be used with command")


def _check_usages(spec: Obj, path: str) -> Iterator[Problem]:
    declared = {workspace["name"] for workspace in spec.get("workspaces") or ()}
    for section in ("steps", "sidecars"):
        for index, container in enumerate(spec.get(section) or ()):
            for number, usage in enumerate(container.get("workspaces") or ()):
                if usage["name"] not in declared:
                    here = f"{path}.{section}[{index}].workspaces[{number}].name"
                    yield Problem(here, f'undefined workspace "{usage["name"]}"')
