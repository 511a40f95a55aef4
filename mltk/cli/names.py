"""Kinds by the words for them, and the names of the objects that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mltk.tekton.api import Backend
    from mltk.tekton.kinds import Kind


def kind_of(word: str) -> Kind:
    """The kind that a word means; the form of `-o name` (`pipelinerun.tekton.dev`) is known too."""
    from mltk.tekton.kinds import find_kind

    return find_kind(word.partition(".")[0])


def names_of(backend: Backend, kind: str, namespace: str) -> list[str]:
    """Names of all objects of a kind."""
    return [str(obj["metadata"]["name"]) for obj in backend.list(kind, namespace)]
