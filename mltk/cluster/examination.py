"""What a cluster offers to whoever asks: looked at for `mltk doctor`, nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mltk.cluster.call import EVENT, POD, Call
from mltk.cluster.server import Server
from mltk.errors import MltkError
from mltk.tekton.kinds import TEKTON_V1, Kind, find_kind
from mltk.tekton.objects import Obj, annotations_of, name_of

TEKTON_NAMESPACE = "tekton-pipelines"

_VERSION = Kind("version", "", "version", "", "v1")
_TEKTON = Kind("resource", "", "resource", "", TEKTON_V1)
_REVIEWS = Kind(
    "SelfSubjectAccessReview",
    "selfsubjectaccessreviews",
    "selfsubjectaccessreview",
    "",
    "authorization.k8s.io/v1",
)
_CLASSES = Kind("StorageClass", "storageclasses", "storageclass", "sc", "storage.k8s.io/v1")
_IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"

_RUNS: tuple[tuple[str, Kind, str], ...] = tuple(
    (verb, find_kind(kind), "")
    for kind, verbs in (
        ("PipelineRun", ("get", "list", "watch", "create", "patch", "delete")),
        ("TaskRun", ("get", "list", "watch", "create", "patch", "delete")),
        ("Pipeline", ("get",)),
    )
    for verb in verbs
)
_NEEDED = (
    *_RUNS,
    *((verb, POD, "") for verb in ("get", "list", "watch")),
    ("get", POD, "log"),
    ("list", EVENT, ""),
)


@dataclass(frozen=True)
class StorageClass:
    """A class of volumes; one is the default of those who name none."""

    name: str
    default: bool


class Examination:
    """Questions to an API server, one a method."""

    def __init__(self, server: Server) -> None:
        self.access = server.access
        self._server = server

    def version(self) -> str:
        """Version of Kubernetes; raises what an API server that does not answer raises."""
        found = self._server.send(_Path("get", _VERSION, path_="/version"))
        return str(found.get("gitVersion", ""))

    def tekton_kinds(self) -> list[str]:
        """Kinds that Tekton's API serves; InfrastructureError when Tekton is not installed."""
        found = self._server.send(_Path("get", _TEKTON, path_=f"/apis/{TEKTON_V1}"))
        return sorted({str(each["kind"]) for each in found.get("resources", ())})

    def tekton_version(self) -> str:
        """Version of Tekton Pipelines as it publishes it to everybody; empty when it does not."""
        return self._setting("pipelines-info").get("version", "")

    def coschedule(self) -> str | None:
        """Tekton's feature flag `coschedule`; None when it may not be read."""
        found = self._setting("feature-flags")
        # The default: pkg/apis/config/feature_flags.go of tektoncd/pipeline.
        return found.get("coschedule", "workspaces") if found else None

    def lacking(self, namespace: str, config_map: str) -> list[str]:
        """What the commands do and may not do in a namespace, as `kubectl auth can-i` takes it.

        One ConfigMap is read, `config_map`: a Role may allow that one alone.
        """
        found = [_words(*each) for each in _NEEDED if not self._may(*each, namespace)]
        if not self._may("get", find_kind("ConfigMap"), "", namespace, config_map):
            found.append(f"get configmaps/{config_map}")
        return found

    def storage_classes(self) -> Sequence[StorageClass]:
        """The classes of volumes there are; raises InfrastructureError when it is not allowed."""
        found = self._server.send(Call("list", _CLASSES))
        return [
            StorageClass(name_of(each), annotations_of(each).get(_IS_DEFAULT) == "true")
            for each in found.get("items", ())
        ]

    def _setting(self, config_map: str) -> dict[str, str]:
        try:
            found = self._server.send(
                Call("get", find_kind("ConfigMap"), TEKTON_NAMESPACE, config_map)
            )
        except MltkError:
            return {}
        return dict(found.get("data") or {})

    def _may(self, verb: str, kind: Kind, subresource: str, namespace: str, name: str = "") -> bool:
        group, slash, _ = kind.api_version.partition("/")
        attributes = {
            "namespace": namespace,
            "verb": verb,
            "group": group if slash else "",
            "resource": kind.plural,
            "subresource": subresource,
            "name": name,
        }
        review: Obj = {
            "apiVersion": _REVIEWS.api_version,
            "kind": _REVIEWS.kind,
            "spec": {"resourceAttributes": attributes},
        }
        answer = self._server.send(Call("create", _REVIEWS), body=review)
        return bool(answer.get("status", {}).get("allowed"))


@dataclass(frozen=True)
class _Path(Call):
    """A request for what is no object."""

    path_: str = ""

    @property
    def path(self) -> str:
        """The path below the server's address."""
        return self.path_


def _words(verb: str, kind: Kind, subresource: str) -> str:
    return f"{verb} {Call(verb, kind, subresource=subresource).resource}"
