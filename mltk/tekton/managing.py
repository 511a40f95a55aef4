"""Whose a run is: its ``managedBy`` may name another controller, which Tekton leaves it to."""

from __future__ import annotations

from mltk.tekton.objects import Obj, spec_of

_TEKTON = "tekton.dev/pipeline"


def other_manager(run: Obj) -> str:
    """The controller that is to run it; empty when that is for Tekton, or for this engine."""
    named = str(spec_of(run).get("managedBy") or _TEKTON)
    return "" if named == _TEKTON else named
