"""From what a resolver found to an object that a run may use.

Rules: ``ValidateResolvedResource`` in Tekton's ``pkg/resolution/resolver/framework`` and
``ResolvedRequest`` in ``pkg/remote/resolution``.
"""

from __future__ import annotations

from mltk.errors import AdmissionError
from mltk.tekton.conversion import to_v1
from mltk.tekton.manifest import parse
from mltk.tekton.objects import Obj, name_of
from mltk.tekton.remote import Unfit, Unresolved, WrongKind

_GROUP = "tekton.dev"
_KINDS = ("PipelineRun", "Pipeline", "TaskRun", "Task", "Run", "CustomRun", "StepAction")
_DENIED = (
    'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: '
    "validation failed: "
)
_NAMED = {"Task": "task", "Pipeline": "pipeline", "StepAction": "StepAction"}


def check_found(text: str) -> None:
    """Refuse what is no object of Tekton's, lest a secret is shown; raises Unresolved."""
    try:
        obj = _first(text)
    except AdmissionError as error:
        raise Unresolved(f"decoding error: {error.what}") from None
    group = str(obj.get("apiVersion", "")).partition("/")[0]
    if group != _GROUP or obj.get("kind") not in _KINDS:
        raise Unresolved(
            f"resolved data is not of a supported type, must be of Group: {_GROUP}, "
            f"Kinds: [{' '.join(_KINDS)}]"
        )


def read_found(text: str, kind: str) -> Obj:
    """The object that was found, of the version that the engine runs; raises Unresolved.

    As in Tekton only the first document of several counts.
    """
    try:
        obj = _first(text)
    except AdmissionError as error:
        raise Unresolved(f"invalid runtime object: {error.what}") from None
    if obj["kind"] != kind:
        raise WrongKind(f"resource is not a {_NAMED[kind]}")
    metadata = obj.get("metadata")
    kept = dict(metadata) if isinstance(metadata, dict) else {}
    kept.pop("ownerReferences", None)
    return to_v1({**obj, "metadata": kept})


def unfit(obj: Obj, refusal: AdmissionError) -> Unfit:
    """What to raise for an object that admission refuses."""
    path = (refusal.where or "").rpartition(": ")[2]
    why = f"{refusal.what}: {path}" if path else refusal.what
    return Unfit(f"validation failed for referenced object {name_of(obj)}: {_DENIED}{why}")


def _first(text: str) -> Obj:
    found = parse(text, "")
    return found[0].obj if found else {}
