"""What may change in a run (``ValidateUpdate`` of TaskRun and PipelineRun in Tekton)."""

from __future__ import annotations

from collections.abc import Iterator

from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj, is_done, spec_of

# What a user may still change once a run is there.
_OPEN = {
    "PipelineRun": ("status", "managedBy"),
    "TaskRun": ("status", "statusMessage", "managedBy"),
}


def check_update(old: Obj, new: Obj) -> Iterator[Problem]:
    """Problems of a change of a run's spec; other kinds change as they like."""
    kind = str(new.get("kind", ""))
    if kind not in _OPEN:
        return
    # An empty list is none, for Go.
    before, after = ({k: v for k, v in spec_of(each).items() if v} for each in (old, new))
    if before.get("managedBy") != after.get("managedBy"):
        yield Problem("spec.managedBy", "invalid value: managedBy is immutable")
    if before == after:
        return
    if is_done(old):
        what = f"Once the {kind} is complete, no updates are allowed"
        yield Problem("spec", f"invalid value: {what}")
    elif _fixed(kind, before) != _fixed(kind, after):
        words = " and ".join(field for field in _OPEN[kind] if field != "managedBy")
        what = f"Once the {kind} has started, only {words} updates are allowed"
        yield Problem("spec", f"invalid value: {what}")


def _fixed(kind: str, spec: Obj) -> Obj:
    return {key: found for key, found in spec.items() if key not in _OPEN[kind]}
