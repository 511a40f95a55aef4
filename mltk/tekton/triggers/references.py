"""What triggers refer to by name: of which kind it is, and in which namespace it lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Get = Callable[[str, str, str], Mapping[str, Any] | None]
"""From a kind, a namespace ("" for kinds without) and a name to the object, None for none."""

_BINDING, _CLUSTER_BINDING = "TriggerBinding", "ClusterTriggerBinding"
_INTERCEPTOR, _CLUSTER_INTERCEPTOR = "Interceptor", "ClusterInterceptor"


def binding_kind(binding: Mapping[str, Any]) -> str:
    """The kind that an entry of ``bindings`` refers to."""
    return _CLUSTER_BINDING if binding.get("kind") == _CLUSTER_BINDING else _BINDING


def interceptor_kind(ref: Mapping[str, Any]) -> str:
    """The kind that the ``ref`` of an interceptor refers to."""
    namespaced = ref.get("kind") == "NamespacedInterceptor"
    return _INTERCEPTOR if namespaced else _CLUSTER_INTERCEPTOR


def is_of_cluster(kind: str) -> bool:
    """Whether objects of a kind lie in no namespace."""
    return kind in (_CLUSTER_BINDING, _CLUSTER_INTERCEPTOR)


def look_up(get: Get, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
    """The object of that name, in `namespace` if its kind has any."""
    return get(kind, "" if is_of_cluster(kind) else namespace, name)
