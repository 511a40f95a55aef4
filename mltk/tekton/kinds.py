"""The kinds of objects and the names that kubectl takes for them."""

from __future__ import annotations

from dataclasses import dataclass

from mltk.errors import UsageError
from mltk.tekton.objects import Obj
from mltk.wording import did_you_mean

TEKTON_V1 = "tekton.dev/v1"
RESOLUTION_V1 = "resolution.tekton.dev/v1beta1"
TRIGGERS_V1BETA1 = "triggers.tekton.dev/v1beta1"
TRIGGERS_V1ALPHA1 = "triggers.tekton.dev/v1alpha1"


@dataclass(frozen=True)
class Kind:
    """A kind of object: `short` is what kubectl and tkn take on the command line.

    `older` versions of the API hold the same fields; what is written in one is kept in
    `api_version`.
    """

    kind: str
    plural: str
    singular: str
    short: str
    api_version: str
    older: tuple[str, ...] = ()
    namespaced: bool = True

    def place(self, namespace: str) -> str:
        """The namespace in which a store keeps an object; what has none lies in ``default``."""
        return namespace if self.namespaced else "default"


KINDS: tuple[Kind, ...] = (
    Kind("Task", "tasks", "task", "t", TEKTON_V1),
    Kind("TaskRun", "taskruns", "taskrun", "tr", TEKTON_V1),
    Kind("Pipeline", "pipelines", "pipeline", "p", TEKTON_V1),
    Kind("PipelineRun", "pipelineruns", "pipelinerun", "pr", TEKTON_V1),
    Kind("CustomRun", "customruns", "customrun", "customrun", "tekton.dev/v1beta1"),
    Kind(
        "StepAction", "stepactions", "stepaction", "stepaction", "tekton.dev/v1beta1",
        older=("tekton.dev/v1alpha1",),
    ),
    Kind(
        "EventListener", "eventlisteners", "eventlistener", "el", TRIGGERS_V1BETA1,
        older=(TRIGGERS_V1ALPHA1,),
    ),
    Kind("Trigger", "triggers", "trigger", "tri", TRIGGERS_V1BETA1, older=(TRIGGERS_V1ALPHA1,)),
    Kind(
        "TriggerBinding", "triggerbindings", "triggerbinding", "tb", TRIGGERS_V1BETA1,
        older=(TRIGGERS_V1ALPHA1,),
    ),
    Kind(
        "ClusterTriggerBinding", "clustertriggerbindings", "clustertriggerbinding", "ctb",
        TRIGGERS_V1BETA1, older=(TRIGGERS_V1ALPHA1,), namespaced=False,
    ),
    Kind(
        "TriggerTemplate", "triggertemplates", "triggertemplate", "tt", TRIGGERS_V1BETA1,
        older=(TRIGGERS_V1ALPHA1,),
    ),
    Kind("Interceptor", "interceptors", "interceptor", "ni", TRIGGERS_V1ALPHA1),
    Kind(
        "ClusterInterceptor", "clusterinterceptors", "clusterinterceptor", "ci",
        TRIGGERS_V1ALPHA1, namespaced=False,
    ),
    Kind("Secret", "secrets", "secret", "secret", "v1"),
    Kind("ConfigMap", "configmaps", "configmap", "cm", "v1"),
    Kind("LimitRange", "limitranges", "limitrange", "limits", "v1"),
    Kind(
        "ResolutionRequest",
        "resolutionrequests",
        "resolutionrequest",
        "resolutionrequest",
        RESOLUTION_V1,
    ),
    Kind("PersistentVolumeClaim", "persistentvolumeclaims", "persistentvolumeclaim", "pvc", "v1"),
    Kind("ServiceAccount", "serviceaccounts", "serviceaccount", "sa", "v1"),
    Kind("Namespace", "namespaces", "namespace", "ns", "v1", namespaced=False),
    Kind("Event", "events", "event", "ev", "v1"),
)  # fmt: skip

_BY_NAME = {
    name.lower(): kind
    for kind in KINDS
    for name in (kind.kind, kind.plural, kind.singular, kind.short)
}


def kept_as(obj: Obj) -> Obj:
    """The object in the version of the API in which its kind is kept."""
    kind = _BY_NAME.get(str(obj.get("kind", "")).lower())
    if kind is None or obj.get("apiVersion") not in kind.older:
        return obj
    return {**obj, "apiVersion": kind.api_version}


def is_kind(name: str) -> bool:
    """Whether `find_kind` knows the name."""
    return name.lower() in _BY_NAME


def find_kind(name: str) -> Kind:
    """The kind that `name` stands for, in any of kubectl's ways (``pr``, ``PipelineRun``).

    Raises UsageError for a name that no kind has.
    """
    kind = _BY_NAME.get(name.lower())
    if kind is None:
        known = [kind.plural for kind in KINDS]
        raise UsageError(
            f"there is no kind '{name}'{did_you_mean(name, _BY_NAME)}",
            hint=f"Kinds are {', '.join(known)}.",
        )
    return kind
