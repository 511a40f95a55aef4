"""The certificate of Triggers' core interceptors, where an EventListener looks for it.

Their program writes it into each ClusterInterceptor when it starts, gives up at the first object
that somebody else has just written, and tries again a minute later.
"""

from __future__ import annotations

from typing import Any

from tests.cluster.node import api

_PATH = "/apis/triggers.tekton.dev/v1alpha1/clusterinterceptors"
_SECRET = "/api/v1/namespaces/tekton-pipelines/secrets/tekton-triggers-core-interceptors-certs"


def without_certificate() -> list[str]:
    """The interceptors that have none yet."""
    return [item["metadata"]["name"] for item in api.get(_PATH)["items"] if not _bundle(item)]


def certify() -> None:
    """Write the certificate that their program has made where it is missing."""
    bundle = api.get(_SECRET).get("data", {}).get("ca-cert.pem")
    if bundle:
        for name in without_certificate():
            api.patch(f"{_PATH}/{name}", {"spec": {"clientConfig": {"caBundle": bundle}}})


def _bundle(item: dict[str, Any]) -> object:
    return item["spec"]["clientConfig"].get("caBundle")
