"""What a write may change of an object, and how a patch is applied."""

from __future__ import annotations

from typing import Any

from mltk.tekton.objects import Obj

_KEPT = ("name", "namespace", "uid", "creationTimestamp", "resourceVersion", "generation")


def keep_identity(fresh: Obj, current: Obj) -> Obj:
    """Return `fresh` with what no writer may change; generation counts changes of the spec."""
    old = current["metadata"]
    metadata = {**fresh["metadata"], **{key: old[key] for key in _KEPT}}
    if fresh.get("spec") != current.get("spec"):
        metadata["generation"] = old["generation"] + 1
    return {**fresh, "metadata": metadata}


def merge(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged
