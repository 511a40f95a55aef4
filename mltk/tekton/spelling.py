"""Names of fields in another case, which Go's decoder reads where no schema of a CRD looks first.

Tekton's CRDs keep what stands in an embedded spec as it is; the webhook reads it with
``encoding/json``, which prefers the exact name and takes one in another case, and writes it back.
"""

from __future__ import annotations

from typing import Any

from mltk.tekton.objects import Obj
from mltk.tekton.schema import SHAPES, Of

_EMBEDDED = ("taskSpec", "pipelineSpec")


def as_spelled(obj: Obj) -> Obj:
    """The object with the fields of its embedded specs as the API writes them.

    It goes before admission, so the object may hold anything; unknown fields stay.
    """
    kind = obj.get("kind")
    if kind not in SHAPES or not isinstance(obj.get("spec"), dict):
        return obj
    return {**obj, "spec": _spelled(kind, obj["spec"], embedded=False)}


def _spelled(shape: str, value: Any, *, embedded: bool) -> Any:
    if not isinstance(value, dict):
        return value
    fields = SHAPES[shape]
    made = {}
    for name, found in value.items():
        known = _known(name, shape) if embedded else name
        kind = fields.get(known)
        within = embedded or known in _EMBEDDED
        if not isinstance(kind, Of):
            made[known] = found
        elif kind.many and isinstance(found, list):
            made[known] = [_spelled(kind.shape, each, embedded=within) for each in found]
        else:
            made[known] = _spelled(kind.shape, found, embedded=within)
    return made


def _known(name: Any, shape: str) -> Any:
    """The field that a name means, the name itself when it means none."""
    if name in SHAPES[shape] or not isinstance(name, str):
        return name
    return next((each for each in SHAPES[shape] if each.lower() == name.lower()), name)
