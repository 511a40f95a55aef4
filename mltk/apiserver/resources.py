"""What is served: the kinds of the engine, and Pods as a view of its TaskRuns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mltk.tekton.kinds import KINDS, Kind

POD = Kind("Pod", "pods", "pod", "po", "v1")

_CHANGING = ("create", "delete", "deletecollection", "patch", "update")
_READING = ("get", "list", "watch")
# As Tekton's CustomResourceDefinitions and Kubernetes have them; other kinds have none.
_SHORT = {
    "PipelineRun": ("pr", "prs"), "TaskRun": ("tr", "trs"), "ConfigMap": ("cm",),
    "LimitRange": ("limits",),
    "PersistentVolumeClaim": ("pvc",), "ServiceAccount": ("sa",), "Namespace": ("ns",),
    "Event": ("ev",), "Pod": ("po",), "EventListener": ("el",), "Trigger": ("tri",),
    "TriggerBinding": ("tb",), "ClusterTriggerBinding": ("ctb",), "TriggerTemplate": ("tt",),
    "Interceptor": ("ni",), "ClusterInterceptor": ("ci",),
}  # fmt: skip
_CATEGORIES = {
    "tekton.dev": ("tekton", "tekton-pipelines"),
    "triggers.tekton.dev": ("tekton", "tekton-triggers"),
}
_WITH_STATUS = ("PersistentVolumeClaim", "Namespace")


@dataclass(frozen=True)
class Resource:
    """A kind as the API serves it."""

    kind: Kind
    verbs: Sequence[str] = (*_CHANGING, *_READING)

    @property
    def group(self) -> str:
        """The API group, empty for Kubernetes' core."""
        group, slash, _ = self.kind.api_version.partition("/")
        return group if slash else ""

    @property
    def version(self) -> str:
        """The version within the group."""
        return self.kind.api_version.rpartition("/")[2]

    @property
    def name(self) -> str:
        """The resource as errors name it: ``taskruns.tekton.dev``, ``pods``."""
        return f"{self.kind.plural}.{self.group}" if self.group else self.kind.plural

    @property
    def custom(self) -> bool:
        """Whether Kubernetes knows it by a CustomResourceDefinition only."""
        return bool(self.group)

    @property
    def has_status(self) -> bool:
        """Whether the status is written by itself."""
        return self.custom or self.kind.kind in _WITH_STATUS

    @property
    def short_names(self) -> Sequence[str]:
        """What kubectl takes for it."""
        return _SHORT.get(self.kind.kind, ())

    @property
    def categories(self) -> Sequence[str]:
        """Groups of kinds that kubectl lists together."""
        return _CATEGORIES.get(self.group, ("all",) if self.kind is POD else ())

    @property
    def subresources(self) -> Mapping[str, Sequence[str]]:
        """Further paths below an object, with their verbs."""
        found = {"status": ("get", "patch", "update")} if self.has_status else {}
        return {**found, **({"log": ("get",)} if self.kind is POD else {})}


RESOURCES: tuple[Resource, ...] = (
    *(Resource(kind) for kind in KINDS),
    Resource(POD, _READING),
)

_BY_PATH = {(each.kind.api_version, each.kind.plural): each for each in RESOURCES}


def find_resource(api_version: str, plural: str) -> Resource | None:
    """The resource of a path, None for one that is not served."""
    return _BY_PATH.get((api_version, plural))


def api_versions() -> list[str]:
    """All group versions, the core first."""
    return sorted({each.kind.api_version for each in RESOURCES}, key=lambda it: ("/" in it, it))
