"""What must hold of a Task's volumes and of the places where its containers mount them.

Rules: ``validateWorkspaceUsages`` and ``ValidateVolumes`` in ``task_validation.go`` of Tekton.
"""

from __future__ import annotations

from collections.abc import Iterator

from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj


def check_mounts(spec: Obj, path: str) -> Iterator[Problem]:
    """Problems of the volumes of a Task, and of workspaces that single containers ask for."""
    yield from _check_usages(spec, path)
    names: set[str] = set()
    for index, volume in enumerate(spec.get("volumes") or ()):
        if (name := volume.get("name")) in names:
            what = f'multiple volumes with same name "{name}"'
            yield Problem(f"{path}.volumes[{index}].name", what)
        names.add(name)


def _check_usages(spec: Obj, path: str) -> Iterator[Problem]:
    declared = {workspace["name"] for workspace in spec.get("workspaces") or ()}
    for section in ("steps", "sidecars"):
        for index, container in enumerate(spec.get(section) or ()):
            for number, usage in enumerate(container.get("workspaces") or ()):
                if usage["name"] not in declared:
                    here = f"{path}.{section}[{index}].workspaces[{number}].name"
                    yield Problem(here, f'undefined workspace "{usage["name"]}"')
