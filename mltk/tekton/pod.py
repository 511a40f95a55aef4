"""The pod of a TaskRun: its volumes, and what each container mounts where.

Rules: ``pkg/pod/pod.go`` of Tekton (implicit volumes). The source of a volume stays in Kubernetes'
terms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import normpath
from uuid import UUID, uuid5

from mltk.tekton.downward import PodFacts, Resources
from mltk.tekton.labels import MANAGED_BY, MANAGER
from mltk.tekton.names import child_name
from mltk.tekton.objects import Obj, name_of, namespace_of, spec_of, status_of, uid_of

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
_ADDRESS = "127.0.0.1"
_PODS = UUID("5d6d34fd-3d4e-4b0e-9c6e-1e5a2c1f9a77")


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


def name(task_run: Obj) -> str:
    """The name of the pod of the attempt that is to begin."""
    retries = status_of(task_run).get("retriesStatus")
    return child_name(name_of(task_run), f"-pod-retry{len(retries)}" if retries else "-pod")


def volumes_of(spec: Obj, count: int, more: Sequence[Obj]) -> dict[str, Obj]:
    """All volumes of a pod with `count` steps by name, implicit ones first.

    `more` are those of the podTemplate.
    """
    implicit = [f"tekton-internal-{name}" for name in (*_IMPLICIT, "steps")]
    implicit += [f"tekton-internal-run-{index}" for index in range(count)]
    implicit += [f"tekton-creds-init-home-{index}" for index in range(count)]
    found = dict.fromkeys((*implicit, "tekton-internal-scripts"), _EMPTY)
    for each in (*(spec.get("volumes") or ()), *more):
        found[each["name"]] = {key: source for key, source in each.items() if key != "name"}
    return found


def facts(task_run: Obj, metadata: Obj, pod: str, resources: Mapping[str, Resources]) -> PodFacts:
    """What the containers of a TaskRun's pod may learn of it.

    `metadata` are labels and annotations of the TaskRun; `resources` are by container.
    """
    name, uid = name_of(task_run), uid_of(task_run)
    account = spec_of(task_run).get("serviceAccountName") or "default"
    labels = {
        **(metadata.get("labels") or {}),
        "tekton.dev/taskRun": name,
        "tekton.dev/taskRunUID": uid,
        MANAGED_BY: MANAGER,
    }
    fields = {
        "metadata.name": pod,
        "metadata.namespace": namespace_of(task_run),
        "metadata.uid": str(uuid5(_PODS, f"{uid}/{pod}")),
        "spec.serviceAccountName": account,
        "spec.nodeName": "localhost",
        **dict.fromkeys(("status.hostIP", "status.hostIPs"), _ADDRESS),
        **dict.fromkeys(("status.podIP", "status.podIPs"), _ADDRESS),
    }
    return PodFacts(fields, labels, metadata.get("annotations") or {}, resources)


def resources_of(container: Obj, override: Obj) -> Resources:
    """What a container asks for; `override` is its entry in ``stepSpecs`` or ``sidecarSpecs``."""
    found = [each.get("computeResources") or {} for each in (container, override)]
    requests, limits = (
        {name: str(value) for each in found for name, value in (each.get(part) or {}).items()}
        for part in ("requests", "limits")
    )
    return Resources(requests, limits)


def unknown_volume(containers: Sequence[Obj], volumes: Mapping[str, Obj]) -> str:
    """What Kubernetes says of a pod that mounts what is no volume of it; empty when it does not.

    The `containers` of a pod are its steps and then its sidecars.
    """
    for index, container in enumerate(containers):
        for number, mount in enumerate(container.get("volumeMounts") or ()):
            if mount["name"] not in volumes:
                place = f"spec.containers[{index}].volumeMounts[{number}].name"
                return f'{place}: Not found: "{mount["name"]}"'
    return ""


def sidecar_mounts(sidecar: Obj) -> tuple[Mount, ...]:
    """What a sidecar mounts: nothing implicit but its script."""
    own = tuple(Mount.read(each) for each in sidecar.get("volumeMounts") or ())
    scripts = Mount("tekton-internal-scripts", SCRIPTS, read_only=True)
    return (*own, scripts) if sidecar.get("script") else own


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
