"""What a write may change of an object, and how a patch is applied."""

from __future__ import annotations

import re
from typing import Any

from mltk.errors import AdmissionError
from mltk.tekton.objects import Obj

# RFC 1123, as Kubernetes takes it: names become folders here, so nothing else may pass.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_KEPT = ("name", "namespace", "uid", "creationTimestamp", "resourceVersion", "generation")


def check_names(name: str, namespace: str, kind: str) -> None:
    """Raise AdmissionError for a name that Kubernetes would not take."""
    for what, text, pattern in (("name", name, _NAME), ("namespace", namespace, _NAMESPACE)):
        if not pattern.fullmatch(text):
            raise AdmissionError(
                f"'{text}' is not a {what}",
                where=f"{kind}: metadata.{what}",
                hint="Use lower case letters, digits and '-', with a letter or digit at each end.",
            )


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
