"""What was learnt, kept: MLflow runs, registered versions by digest, aliases and their ledger.

MLflow is imported when a registry is first used, not before.
"""

from __future__ import annotations

from mltk.registry.models import Registry
from mltk.registry.proof import Proof, verify_registered
from mltk.registry.tracking import Facts, Tracking
from mltk.registry.values import CHALLENGER, CHAMPION, Lineage, ModelVersion, Promotion

__all__ = [
    "Registry",
    "Tracking",
    "Facts",
    "verify_registered",
    "Proof",
    "ModelVersion",
    "Lineage",
    "Promotion",
    "CHAMPION",
    "CHALLENGER",
]
