"""What Tekton refuses, the embedded engine refuses at the same place, in words of its own."""

from __future__ import annotations

import pytest

from mltk.errors import AdmissionError
from tests.parity.cases import Case, refused
from tests.parity.play import Stage

_WHOSE_STEPS = "Tekton forgets whose steps they are"
_TURNED_ROUND = "Tekton puts the parts of the place in another order"
# Where the two name another place of the same object, ours before Tekton's, and why.
_PLACES = {
    "cel-not-allowed": (
        "spec.tasks[0].when[0].cel", "spec.tasks[0].when[0]", "ours is the field that needs it",
    ),
    "nested-not-allowed": ("spec.tasks[0].pipelineSpec", "", "Tekton names no place"),
    "empty-dir-amount": (
        "spec.taskSpec.volumes[0].emptyDir.sizeLimit", "", "Tekton names no place",
    ),
    "ignored-and-retried": ("spec.tasks[0].onError", "", "Tekton names no place"),
    "matrix-not-whole": (
        "spec.tasks[1].params[r].value", "", "Tekton names no place",
    ),
    "matrix-of-lists": (
        "spec.tasks[1].params[r].value", "spec.tasks", "ours is the param that wants it",
    ),
    "params-undeclared": (
        "spec.pipelineSpec.tasks[0].taskSpec.steps[0].script",
        "spec.steps[1].env[A]",
        _WHOSE_STEPS,
    ),
    "param-enum": (
        "spec.params[0].enum", "spec.params[a]", "ours is the field that may not be used",
    ),
    "projection-mode": (
        "spec.taskSpec.volumes[0].projected.sources[0].secret.defaultMode",
        "defaultMode",
        "Tekton names a field that it does not know without its place",
    ),
    "step-result-name": (
        "spec.steps[0].results[0].name", "spec.steps.results[0][0].name", _TURNED_ROUND,
    ),
    "step-result-object": (
        "spec.steps[0].results[0].r.properties",
        "spec.steps.results[0][0].r.properties",
        _TURNED_ROUND,
    ),
    "step-result-object-key": (
        "spec.steps[0].results[0].r.properties",
        "spec.steps.results[0][0].r.properties",
        _TURNED_ROUND,
    ),
    "step-result-type": (
        "spec.steps[0].results[0].type", "spec.steps.results[0][0].type", _TURNED_ROUND,
    ),
    "step-timeout-negative": (
        "spec.steps[0].timeout", "", "Tekton names a field that there is not, with a blank in it",
    ),
    "step-windows": ("spec.steps[0].script", "", "Tekton names no place"),
    "task-run-debug": ("spec.debug", "", "Tekton names no place"),
    "task-run-list-in-script": (
        "spec.taskSpec.steps[0].script", "spec.steps[0].script", _WHOSE_STEPS,
    ),
    "task-run-object-key": (
        "spec.taskSpec.steps[0].script", "spec.steps[0].script", _WHOSE_STEPS,
    ),
    "task-run-object-without-keys": (
        "spec.taskSpec.o.properties", "spec.o.properties", _WHOSE_STEPS,
    ),
    "task-run-undeclared-param": (
        "spec.taskSpec.steps[0].script", "spec.steps[0].script", _WHOSE_STEPS,
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
