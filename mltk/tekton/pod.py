"""The pod of a TaskRun: its volumes, and what each container mounts where.

Rules: ``pkg/pod/pod.go`` of Tekton (implicit volumes). The source of a volume stays in Kubernetes'
terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import normpath

from mltk.tekton.objects import Obj

WORKSPACE = "/workspace"
HOME = "/tekton/home"
RESULTS = "/tekton/results"
STEPS = "/tekton/steps"
ARTIFACTS = "/tekton/artifacts"
CREDENTIALS = "/tekton/creds"
SCRIPTS = "/tekton/scripts"
RUN = "/tekton/run"

_IMPLICIT = {"workspace": WORKSPACE, "home": HOME, "results": RESULTS, "artifacts": ARTIFACTS}
_EMPTY: Obj = {"emptyDir": {}}


@dataclass(frozen=True)
class Mount:
    """A volume, or a path in it, at a path of a container."""

    volume: str
    path: str
    sub_path: str = ""
    read_only: bool = False
    expanded: bool = False

    @classmethod
    def read(cls, found: Obj) -> Mount:
        """Read an entry of ``volumeMounts``; a `subPathExpr` is `expanded` with the environment."""
        expression = found.get("subPathExpr")
        return cls(
            found["name"],
            normpath(found["mountPath"]),
            expression or found.get("subPath") or "",
            bool(found.get("readOnly")),
            bool(expression),
        )


def volumes_of(spec: Obj, count: int) -> dict[str, Obj]:
    """All volumes of a pod with `count` steps by name, implicit ones first."""
    implicit = [f"tekton-internal-{name}" for name in (*_IMPLICIT, "steps")]
    implicit += [f"tekton-internal-run-{index}" for index in range(count)]
    implicit += [f"tekton-creds-init-home-{index}" for index in range(count)]
    found = dict.fromkeys((*implicit, "tekton-internal-scripts"), _EMPTY)
    for each in spec.get("volumes") or ():
        found[each["name"]] = {key: source for key, source in each.items() if key != "name"}
    return found


def step_mounts(step: Obj, index: int, count: int) -> tuple[Mount, ...]:
    """What the step of that index mounts, of `count`: implicit ones where it has none itself."""
    own = [Mount.read(each) for each in step.get("volumeMounts") or ()]
    own.append(Mount(f"tekton-creds-init-home-{index}", CREDENTIALS))
    own += [
        Mount(f"tekton-internal-run-{each}", f"{RUN}/{each}", read_only=each != index)
        for each in range(count)
    ]
    implicit = [Mount(f"tekton-internal-{name}", path) for name, path in _IMPLICIT.items()]
    implicit.append(Mount("tekton-internal-steps", STEPS, read_only=True))
    implicit.append(Mount("tekton-internal-scripts", SCRIPTS, read_only=True))
    taken = {mount.path for mount in own}
    return (*own, *(mount for mount in implicit if mount.path not in taken))
