"""The resolver ``cluster``: an object of the store, in any namespace that is allowed.

Rules: ``pkg/resolution/resolver/cluster`` of Tekton. The digest is that of the object as this
engine writes it, which no other program computes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from mltk.errors import NotFound
from mltk.local.encoding import dump
from mltk.local.resolvers.base import Errand, Found, sha256
from mltk.tekton.kinds import find_kind
from mltk.tekton.objects import Obj, uid_of
from mltk.tekton.remote import Unresolved

_KINDS = ("task", "pipeline", "stepaction")
_NAME = "resolution.tekton.dev/name"
_NAMESPACE = "resolution.tekton.dev/namespace"
_KEPT = ("name", "namespace", "labels", "annotations", "uid", "resourceVersion", "generation")


class Cluster:
    """Finds what is in the store."""

    type, name = "cluster", "Cluster"
    config, flag = "cluster-resolver-config", "enable-cluster-resolver"
    defaults: Mapping[str, str] = {
        "default-kind": "task",
        "default-namespace": "",
        "allowed-namespaces": "",
        "blocked-namespaces": "",
    }

    def check(self, errand: Errand) -> None:
        """Raise Unresolved for params that are missing and namespaces that are not allowed."""
        _asked(errand)

    def is_immutable(self, errand: Errand) -> bool:  # noqa: ARG002  (an object may always change)
        """Return False: any object may change."""
        return False

    def resolve(self, errand: Errand) -> Found:
        """Return the object."""
        kind, name, namespace = _asked(errand)
        known = find_kind(kind)
        try:
            obj = errand.store.get(kind, name, namespace)
        except NotFound:
            raise Unresolved(f'{known.plural}.tekton.dev "{name}" not found') from None
        place = f"/apis/tekton.dev/v1/namespaces/{namespace}/{kind}/{name}@{uid_of(obj)}"
        data = _document(obj)
        source = {"uri": place, "digest": sha256(dump(_signed(obj)).encode())}
        return Found(data, source, {_NAME: name, _NAMESPACE: namespace})


def _document(obj: Obj) -> bytes:
    metadata = {key: found for key, found in obj["metadata"].items() if key in _KEPT}
    whole = {**{k: v for k, v in obj.items() if k != "status"}, "metadata": metadata}
    return json.dumps(whole).encode()


def _signed(obj: Obj) -> Obj:
    """What stays the same while nobody changes the object's meaning."""
    return {key: obj.get(key) for key in ("apiVersion", "kind", "spec")}


def _asked(errand: Errand) -> tuple[str, str, str]:
    """Kind, name and namespace of the object; raises Unresolved."""
    kind = errand.or_default("kind", "default-kind")
    name = errand.params.get("name", "")
    namespace = errand.or_default("namespace", "default-namespace").strip()
    if kind and kind not in _KINDS:
        raise Unresolved(f"unknown or unsupported resource kind '{kind}'")
    values = {"kind": kind, "name": name, "namespace": namespace}
    if missing := [key for key, value in values.items() if not value]:
        raise Unresolved(f"missing required cluster resolver params: {', '.join(missing)}")
    _check_access(namespace, errand.settings)
    return kind, name, namespace


def _check_access(namespace: str, settings: Mapping[str, str]) -> None:
    allowed = _listed(settings.get("allowed-namespaces", ""))
    blocked = _listed(settings.get("blocked-namespaces", ""))
    if namespace in blocked:
        raise Unresolved(f"access to specified namespace {namespace} is blocked")
    if namespace in allowed:
        return
    if "*" in blocked:
        raise Unresolved("only explicit allowed access to namespaces is allowed")
    if settings.get("allowed-namespaces"):
        raise Unresolved(f"access to specified namespace {namespace} is not allowed")


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
