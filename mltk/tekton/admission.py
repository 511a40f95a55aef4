"""What is refused before anything runs, by name and with its path."""

from __future__ import annotations

from mltk.tekton.objects import Obj


def admit(obj: Obj) -> list[str]:
    """Warnings about an object that may be stored; AdmissionError for one that may not."""
    raise NotImplementedError
