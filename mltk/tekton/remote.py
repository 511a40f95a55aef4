"""What a run asks a resolver for: a Task or a Pipeline that lies elsewhere.

Rules: ``pkg/remoteresolution`` and ``pkg/resolution/resource`` of Tekton. Each question is an
object of kind ResolutionRequest, named after who asks and what for: a run and its child ask once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from mltk.tekton import params
from mltk.tekton.kinds import RESOLUTION_V1
from mltk.tekton.names import child_name
from mltk.tekton.objects import Obj, name_of, namespace_of, spec_of, status_of, uid_of
from mltk.tekton.specs import substitute_params
from mltk.tekton.substitution import Value, Variables
from mltk.tekton.verdicts import user_error

TYPE_LABEL = "resolution.tekton.dev/type"
RESOLVING_PIPELINE = "ResolvingPipelineRef"
RESOLVING_TASK = "ResolvingTaskRef"
RESOLVING_STEP_ACTION = "ResolvingStepActionRef"
RESOLVING = (RESOLVING_PIPELINE, RESOLVING_TASK, RESOLVING_STEP_ACTION)
NO_PIPELINE = "CouldntGetPipeline"
NO_TASK = "TaskRunResolutionFailed"  # tektoncd/pipeline, ReasonFailedResolution
_UNFIT_PIPELINE, _UNFIT_TASK = "PipelineValidationFailed", "TaskValidationFailed"
_LONGEST = 63
_FNV_START, _FNV_PRIME = 0x6C62272E07BB014262B821756295C58D, 0x1000000000000000000013B
_GO_ESCAPES = str.maketrans({"&": r"\u0026", "<": r"\u003c", ">": r"\u003e"})


@dataclass(frozen=True)
class Request:
    """A question: `resolver` is asked with `params` on behalf of the run `asker`."""

    resolver: str
    params: list[Obj]
    asker: str
    namespace: str

    @cached_property
    def values(self) -> dict[str, Value]:
        """The params by name."""
        return params.given(self.params)

    @cached_property
    def name(self) -> str:
        """Name of the ResolutionRequest: the same question of the same run has the same."""
        parts = [f"{self.namespace}/{self.asker}"]
        for name, value in sorted(self.values.items()):
            parts += [name, value if isinstance(value, str) else _go_json(value)]
        digest = f"{_fnv1a(''.join(parts).encode()):032x}"
        return f"{self.resolver[: _LONGEST - len(digest) - 1]}-{digest}"

    @property
    def key(self) -> str:
        """Namespace and name, as messages say them."""
        return f"{self.namespace}/{self.name}"

    def to_object(self, owner: Obj) -> Obj:
        """The ResolutionRequest; it goes when the run goes to which `owner` refers."""
        return {
            "apiVersion": RESOLUTION_V1,
            "kind": "ResolutionRequest",
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "labels": {TYPE_LABEL: self.resolver},
                "ownerReferences": [owner],
            },
            "spec": {"params": self.params},
        }


@dataclass(frozen=True)
class Answer:
    """What was resolved; `source` says from where (``status.provenance.refSource``)."""

    obj: Obj
    source: Obj | None = None


class StillResolving(Exception):
    """The resolver has not answered yet; `kind` is that of what it looks for."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Unresolved(Exception):
    """There is no answer: Tekton's message."""


class Unfit(Unresolved):
    """The answer is an object that Tekton's webhook would not take."""


class WrongKind(Unresolved):
    """The answer is an object of another kind."""


def is_remote(ref: Mapping[str, object] | None) -> bool:
    """Whether a reference names a resolver."""
    return bool((ref or {}).get("resolver"))


def asked_name(run: Obj) -> str:
    """What a PipelineRun calls its Pipeline until a resolver has found it."""
    asked = params.given(spec_of(run)["pipelineRef"].get("params"))
    found = asked.get("name") if asked.get("kind") == "pipeline" else None
    return found if isinstance(found, str) and "$(" not in found else name_of(run)


def pipeline_request(run: Obj, ref: Obj) -> Request:
    """What a PipelineRun asks for its Pipeline, or for one within it.

    Of params it knows only those that it was given.
    """
    known = params.variables(params.given(spec_of(run).get("params")))
    context = {
        "context.pipelineRun.name": name_of(run),
        "context.pipelineRun.namespace": namespace_of(run),
        "context.pipelineRun.uid": uid_of(run),
        "context.pipeline.name": "",
    }
    return _request(ref, known | Variables(context), name_of(run), run)


def task_request(run: Obj, task: Obj) -> Request:
    """What a PipelineRun asks for the Task of one of its tasks, in the name of the TaskRun."""
    asker = child_name(name_of(run), f"-{task['name']}")
    return _request(task["taskRef"], Variables(), asker, run)


def task_run_request(task_run: Obj) -> Request:
    """What a TaskRun asks for its Task."""
    known = params.variables(params.given(spec_of(task_run).get("params")))
    context = {
        "context.taskRun.name": name_of(task_run),
        "context.taskRun.namespace": namespace_of(task_run),
        "context.taskRun.uid": uid_of(task_run),
        "context.task.name": "",
        "context.task.retry-count": str(len(status_of(task_run).get("retriesStatus") or ())),
    }
    ref = spec_of(task_run)["taskRef"]
    return _request(ref, known | Variables(context), name_of(task_run), task_run)


def step_action_request(task_run: Obj, ref: Obj) -> Request:
    """What a TaskRun asks for one of its steps; params of the Task are in the reference already."""
    return _request(ref, Variables(), name_of(task_run), task_run)


def described(ref: Obj) -> str:
    """How messages call what a reference with a resolver names."""
    lines = [f"resolver type {ref['resolver']}"]
    for name, value in params.given(ref.get("params")).items():
        if name == "name":
            lines.append(f"name = {value if isinstance(value, str) else _go_json(value)}")
        elif name == "url":
            lines.append(f"url = {value if isinstance(value, str) else ''}")
    return "\n".join(lines) + "\n"


def pipeline_refusal(run: Obj, error: Unresolved) -> tuple[str, str]:
    """Reason and message of a PipelineRun whose Pipeline has not come."""
    text = no_pipeline(error)
    if isinstance(error, Unfit):
        start = f"Failed dryRunValidation for PipelineRun {name_of(run)}: "
        return _UNFIT_PIPELINE, start + user_error(text)
    return NO_PIPELINE, not_retrieved(run) + text


def no_pipeline(error: Unresolved) -> str:
    """Why there is no Pipeline, in Tekton's words."""
    if isinstance(error, Unfit | WrongKind):
        return f"failed to read runtime object as Pipeline: {error}"
    return f"resolver failed to get Pipeline : {error}"


def not_retrieved(run: Obj) -> str:
    """How the message of a run begins that has no Pipeline."""
    return f"Error retrieving pipeline for pipelinerun {namespace_of(run)}/{name_of(run)}: "


def task_run_refusal(error: Unresolved) -> tuple[str, str]:
    """Reason and message of a TaskRun whose Task has not come."""
    return (_UNFIT_TASK if isinstance(error, Unfit) else NO_TASK), str(error)


def _request(ref: Obj, known: Variables, asker: str, run: Obj) -> Request:
    asked = substitute_params(ref.get("params") or [], known)
    return Request(str(ref["resolver"]), asked, asker, namespace_of(run))


def _fnv1a(data: bytes) -> int:
    """FNV-1a of 128 bits (http://www.isthe.com/chongo/tech/comp/fnv/)."""
    found = _FNV_START
    for byte in data:
        found = ((found ^ byte) * _FNV_PRIME) & (1 << 128) - 1
    return found


def _go_json(value: Value) -> str:
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return text.translate(_GO_ESCAPES)
