"""What Tekton refuses, the embedded engine refuses at the same place, in words of its own."""

from __future__ import annotations

import pytest

from mltk.errors import AdmissionError
from tests.parity.cases import Case, refused
from tests.parity.play import Stage

# Where the two name another place of the same object, ours before Tekton's, and why.
_PLACES = {
    "finally-runs-after": (
        "spec.finally[0].runAfter", "spec.finally[0]", "ours is the field to take out",
    ),
    "ignored-and-retried": ("spec.tasks[0].onError", "", "Tekton names no place"),
    "matrix-not-whole": (
        "spec.tasks[1].params[r].value", "", "Tekton names no place",
    ),
    "matrix-of-lists": (
        "spec.tasks[1].params[r].value", "spec.tasks", "ours is the param that wants it",
    ),
    "neither-ref-nor-spec": (
        "spec", "spec.pipelineRef, spec.pipelineSpec", "ours is what lacks both",
    ),
    "param-twice": ("spec.params", "spec.params[p].name", "ours is the list that has it twice"),
    "params-undeclared": (
        "spec.pipelineSpec.tasks[0].taskSpec.steps[0].env[A]",
        "spec.steps[1].env[A]",
        "Tekton forgets whose steps they are",
    ),
    "ref-and-spec": ("spec", "spec.pipelineRef, spec.pipelineSpec", "ours is what has both"),
    "result-of-nobody": ("spec.tasks[0]", "spec.tasks", "ours is the task that wants it"),
    "run-after-nobody": ("spec.tasks[0]", "spec.tasks", "ours is the task that waits"),
    "status-outside-finally": (
        "spec.tasks[1]", "spec.tasks[1].params[p].value", "ours is the task that wants it",
    ),
    "task-twice": ("spec.tasks", "spec.tasks[1].name", "ours is the list that has it twice"),
    "undeclared-param-of-pipeline": (
        "spec.tasks[0].params", "spec.tasks[0].params[p]", "ours is the list that wants it",
    ),
    "when-operator": (
        "spec.tasks[0].when[0].operator", "spec.tasks[0].when[0]", "ours is the field to mend",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", refused(), ids=lambda case: case.name)
def test_a_refusal_names_the_place(case: Case, ours: Stage, theirs: Stage) -> None:
    found = _refused_at(case, ours), _refused_at(case, theirs)
    if case.name in _PLACES:
        assert found == _PLACES[case.name][:2]
    else:
        assert found[0] == found[1]


def _refused_at(case: Case, stage: Stage) -> str:
    """The place in the object; empty when none is named."""
    with pytest.raises(AdmissionError) as refusal:
        stage.create(case.run)
    return (refusal.value.where or "").partition(": ")[2]
