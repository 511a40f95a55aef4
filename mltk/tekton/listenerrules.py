"""What an EventListener may ask of the resources that serve it, in the words of Tekton Triggers.

Rules: ``pkg/apis/triggers/v1beta1/event_listener_validation.go``: its masks name what may be set in
a pod, its one container and the variables of that.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj

_BOTH = "expected exactly one, got both"
_OF_POD = frozenset(
    {
        "serviceAccountName", "containers", "tolerations", "nodeSelector", "affinity",
        "topologySpreadConstraints", "imagePullSecrets", "securityContext",
    }
)  # fmt: skip
_OF_CUSTOM = frozenset({"resources", "env", "securityContext"})
_OF_CONTAINER = _OF_CUSTOM | {"livenessProbe", "readinessProbe", "startupProbe"}
_OF_VARIABLE = frozenset({"name", "valueFrom"})
_OF_SOURCE = frozenset({"secretKeyRef"})
_CERTIFICATE = ("TLS_CERT", "TLS_KEY")
# Of these false says something, too.
_SAID = frozenset(
    {
        "automountServiceAccountToken", "enableServiceLinks", "hostUsers", "setHostnameAsFQDN",
        "shareProcessNamespace",
    }
)  # fmt: skip


def check_resources(resources: Obj, path: str) -> Iterator[Problem]:
    """Problems of ``spec.resources``, of which only one may be there."""
    ours, custom = resources.get("kubernetesResource"), resources.get("customResource")
    if ours is not None:
        yield from _check_ours(ours, f"{path}.kubernetesResource")
    if custom is not None:
        yield from _check_custom(custom, f"{path}.customResource")


def _check_ours(resource: Obj, path: str) -> Iterator[Problem]:
    replicas = resource.get("replicas") or 0
    if replicas < 0:
        yield Problem(f"{path}.spec.replicas", f"invalid value: {replicas}")
    template = _object(_object(resource, "spec"), "template")
    yield from _check_pod(_object(template, "spec"), f"{path}.spec.template.spec", _OF_CONTAINER)
    balancer = resource.get("serviceLoadBalancerClass")
    if balancer is not None and resource.get("serviceType") != "LoadBalancer":
        yield Problem(
            f"{path}.serviceLoadBalancerClass",
            f"invalid value: {balancer}",
            details="ServiceLoadBalancerClass is only needed for LoadBalancer service type",
        )


def _check_custom(resource: Obj, path: str) -> Iterator[Problem]:
    """What a resource of whatever kind has that serves as a Deployment does."""
    if not isinstance(resource, dict):
        yield Problem(path, "invalid value: expected keys and values")
        return
    for name in ("spec", "template", "spec"):
        path, found = f"{path}.{name}", resource.get(name)
        if not isinstance(found, dict | None):
            yield Problem(path, "invalid value: expected keys and values")
            return
        resource = found or {}
    yield from _check_pod(resource, path, _OF_CUSTOM)


def _check_pod(pod: Obj, path: str, allowed: Container[str]) -> Iterator[Problem]:
    yield from _check_fields(pod, path, _OF_POD)
    containers = pod.get("containers") or []
    if not isinstance(containers, list):
        yield Problem(f"{path}.containers", "expected a list")
    elif len(containers) > 1:
        yield Problem(f"{path}.containers", _BOTH)
    elif containers and isinstance(containers[0], dict):
        yield from _check_fields(containers[0], f"{path}.containers[0]", allowed)
        yield from _check_variables(containers[0].get("env"), f"{path}.containers[0].env")


def _check_variables(variables: Any, path: str) -> Iterator[Problem]:
    if not isinstance(variables, list | None):
        yield Problem(path, "expected a list")
        return
    known = [each for each in variables or () if isinstance(each, dict)]
    for index, each in enumerate(known):
        yield from _check_fields(each, f"{path}[{index}]", _OF_VARIABLE)
        source = _object(each, "valueFrom")
        yield from _check_fields(source, f"{path}[{index}].valueFrom", _OF_SOURCE)
    told = [each.get("name") for each in known if each.get("name") in _CERTIFICATE]
    if len(told) == 1:
        what = f"Expected env's are TLS_CERT and TLS_KEY, but got only one env {told[0]}"
        yield Problem(path, what)


def _check_fields(obj: Obj, path: str, allowed: Container[str]) -> Iterator[Problem]:
    """Fields that are set and may not be."""
    for name, found in obj.items():
        if name not in allowed and _is_set(name, found):
            yield Problem(f"{path}.{name}", "must not set the field(s)")


def _is_set(name: str, found: Any) -> bool:
    """Whether Go, which knows no field that is not there, takes one as set."""
    if isinstance(found, bool):
        return found or name in _SAID
    return bool(found) if isinstance(found, (list, str)) else found is not None


def _object(obj: Obj, name: str) -> Obj:
    """What a field holds that nobody has looked at."""
    found = obj.get(name)
    return found if isinstance(found, dict) else {}
