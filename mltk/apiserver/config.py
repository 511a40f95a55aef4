"""The kubeconfig with which clients find the server."""

from __future__ import annotations

import base64
from pathlib import Path

from mltk.tekton.objects import Obj

CONTEXT = "mltk"


def kubeconfig(url: str, token: str | None, certificate: Path | None) -> Obj:
    """The content of a kubeconfig with this server as its only one."""
    cluster: Obj = {"server": url}
    if certificate is not None:
        authority = base64.b64encode(certificate.read_bytes()).decode()
        cluster["certificate-authority-data"] = authority
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": {"token": token} if token else {}}],
        "contexts": [
            {
                "name": CONTEXT,
                "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": "default"},
            }
        ],
        "current-context": CONTEXT,
    }
