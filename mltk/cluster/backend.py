"""`mltk.tekton.api.Backend` against a Kubernetes API server."""

from __future__ import annotations


class ClusterBackend:
    """The objects of the cluster that `context` of the user's kubeconfig names."""
