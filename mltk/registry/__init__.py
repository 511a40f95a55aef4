"""What was learnt, kept: MLflow runs, registered versions by digest, aliases and their ledger.

MLflow is imported when a registry is first used, not before.
"""

from __future__ import annotations

from mltk.registry.connection import local_uri
from mltk.registry.models import Registry
from mltk.registry.tracking import Tracking
from mltk.registry.values import CHALLENGER, CHAMPION, Lineage, ModelVersion, Promotion

__all__ = [
    "Registry",
    "Tracking",
    "local_uri",
    "ModelVersion",
    "Lineage",
    "Promotion",
    "CHAMPION",
    "CHALLENGER",
]
