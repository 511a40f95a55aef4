"""Addresses that hold inside a cluster, and the command that brings one here. Pure."""

from __future__ import annotations

import dataclasses
import re
from urllib.parse import urlsplit

# A Service by its name alone, with its namespace, or in full (Kubernetes: DNS for Services).
_SERVICE = re.compile(
    r"(?P<name>[a-z][a-z0-9-]*)(?:\.(?P<namespace>[a-z0-9-]+)(?:\.svc(?P<domain>\..+)?)?)?"
)


@dataclasses.dataclass(frozen=True)
class Forwarding:
    """`forward` is to be typed and left running; then the service is `here`."""

    forward: str
    here: str


def in_cluster(uri: str, namespace: str) -> Forwarding | None:
    """How to reach the Service of a cluster that `uri` names, None when it names none.

    `namespace` is that of whoever uses the name alone.
    """
    parts = urlsplit(uri)
    found = _SERVICE.fullmatch(parts.hostname or "")
    if parts.scheme not in ("http", "https") or found is None or found["name"] == "localhost":
        return None
    if found["namespace"] and ".svc" not in str(parts.hostname):
        return None  # mlflow.com is as likely to be a host as a Service
    port = parts.port or (443 if parts.scheme == "https" else 80)
    here = port if port >= 1024 else 8000 + port
    where = found["namespace"] or namespace
    ports = str(port) if here == port else f"{here}:{port}"
    return Forwarding(
        f"kubectl port-forward -n {where} svc/{found['name']} {ports}",
        f"{parts.scheme}://127.0.0.1:{here}{parts.path}".rstrip("/"),
    )
