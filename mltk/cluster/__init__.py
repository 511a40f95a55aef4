"""The verbs over objects against a Kubernetes API server; knows nothing of machine learning."""

from mltk.cluster.backend import ClusterBackend

__all__ = ["ClusterBackend"]
