"""When the node is up: not when its processes run, but when what tests ask of it is answered."""

from __future__ import annotations

from http.client import CREATED, HTTPConnection
from typing import Any

from tests.cluster.node import api, interceptors
from tests.cluster.node.errors import NodeError
from tests.cluster.node.layout import NODE_IP, NODE_NAME
from tests.cluster.node.worker import DNS_READY

NAMESPACES = ("tekton-pipelines", "tekton-pipelines-resolvers")

_PROBES = {
    "/apis/tekton.dev/v1/namespaces/default/tasks": {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {"name": "probe"},
        "spec": {"steps": [{"name": "probe", "image": "probe", "script": "probe"}]},
    },
    "/apis/triggers.tekton.dev/v1beta1/namespaces/default/triggerbindings": {
        "apiVersion": "triggers.tekton.dev/v1beta1",
        "kind": "TriggerBinding",
        "metadata": {"name": "probe"},
        "spec": {"params": [{"name": "probe", "value": "probe"}]},
    },
}


def missing() -> str | None:
    """The first thing that the node still lacks, in words; none when it is up."""
    try:
        return next(filter(None, (check() for check in _CHECKS)), None)
    except NodeError as error:
        return error.what


def _node() -> str | None:
    status, node = api.request("GET", f"/api/v1/nodes/{NODE_NAME}")
    if status == 200 and _condition(node, "Ready"):
        return None
    return "the node is not ready"


def _kubelet() -> str | None:
    # The condition of the node outlives the kubelet; a kubelet that has just started knows no pod.
    status, pods = api.request("GET", f"/api/v1/nodes/{NODE_NAME}/proxy/pods")
    if status == 200 and isinstance(pods, dict) and pods.get("items"):
        return None
    return "the kubelet does not know its pods yet"


def _dns() -> str | None:
    connection = HTTPConnection(NODE_IP, DNS_READY, timeout=2)
    try:
        connection.request("GET", "/ready")
        return None if connection.getresponse().status == 200 else "the DNS is not ready"
    except OSError as error:
        return f"the DNS does not answer: {error}"
    finally:
        connection.close()


def _deployments() -> str | None:
    for namespace in NAMESPACES:
        for item in api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments")["items"]:
            if not _condition(item, "Available"):
                return f"{item['metadata']['name']} is not available"
    return None


def _webhooks() -> str | None:
    for path, probe in _PROBES.items():
        status, _ = api.request("POST", f"{path}?dryRun=All", probe)
        if status != CREATED:
            return f"no {probe['kind']} is admitted yet"
    return None


def _interceptors() -> str | None:
    names = interceptors.without_certificate()
    return f"the interceptor {names[0]} has no certificate" if names else None


def _account() -> str | None:
    status, _ = api.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")
    return None if status == 200 else "the default service account is not there"


# In the order in which they come about: nothing can be written before the webhooks answer.
_CHECKS = (_node, _kubelet, _dns, _deployments, _webhooks, _interceptors, _account)


def _condition(item: dict[str, Any], kind: str) -> bool:
    conditions = item.get("status", {}).get("conditions", [])
    return any(c["type"] == kind and c["status"] == "True" for c in conditions)
